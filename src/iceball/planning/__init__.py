"""DECIDE: which probes, where, and what protects; and what the rules say of a plan."""

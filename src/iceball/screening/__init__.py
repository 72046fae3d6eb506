"""CHOOSE: whether a lesion is a candidate, by rules that are data."""

"""DOUBT: the same plan over many possible patients, probes and hands."""

from iceball.ensemble._scenarios import Scenario, scenarios

__all__ = ["Scenario", "scenarios"]

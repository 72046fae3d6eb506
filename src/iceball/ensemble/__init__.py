"""DOUBT: the same plan over many possible patients, probes and hands."""

from iceball.ensemble._freeze import freeze_drawn
from iceball.ensemble._inputs import Input
from iceball.ensemble._measure import Member, Patch
from iceball.ensemble._result import Chance, Ensemble, Influence, Spread, Table
from iceball.ensemble._run import Keep, Settings, identity, run
from iceball.ensemble._scenarios import Scenario, drawn_plan, scenarios
from iceball.ensemble._work import Cluster, Crew, Here, Processes, crew, work

__all__ = [
    "Chance",
    "Cluster",
    "Crew",
    "Ensemble",
    "Here",
    "Influence",
    "Input",
    "Keep",
    "Member",
    "Patch",
    "Processes",
    "Scenario",
    "Settings",
    "Spread",
    "Table",
    "crew",
    "drawn_plan",
    "freeze_drawn",
    "identity",
    "run",
    "scenarios",
    "work",
]

"""iceball: plan, simulate and judge cryoablation of bone metastases. Research use only, never a medical device.

The names below are the whole public face; each is fetched when it is first asked for, so that ``import iceball`` is
quick and a user of the tables alone never loads the solver.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iceball.assessment import assess
    from iceball.citing import citations
    from iceball.io import read_case, read_plan, read_scan, write_case, write_plan
    from iceball.lethality import ColderThan, ColderThanFor, lethal_zone
    from iceball.library import limit, probe, tissue
    from iceball.nouns import Case, Grid, Placement, Plan, Probe, Volume
    from iceball.nouns import read_protocol as protocol
    from iceball.planning import optimise
    from iceball.report import write_report
    from iceball.thermal import simulate

__all__ = [
    "Case",
    "ColderThan",
    "ColderThanFor",
    "Grid",
    "Placement",
    "Plan",
    "Probe",
    "Volume",
    "assess",
    "citations",
    "lethal_zone",
    "limit",
    "optimise",
    "probe",
    "protocol",
    "read_case",
    "read_plan",
    "read_scan",
    "simulate",
    "tissue",
    "write_case",
    "write_plan",
    "write_report",
]

_HOME = {
    "Case": "nouns",
    "ColderThan": "lethality",
    "ColderThanFor": "lethality",
    "Grid": "nouns",
    "Placement": "nouns",
    "Plan": "nouns",
    "Probe": "nouns",
    "Volume": "nouns",
    "assess": "assessment",
    "citations": "citing",
    "lethal_zone": "lethality",
    "limit": "library",
    "optimise": "planning",
    "probe": "library",
    "protocol": "nouns:read_protocol",
    "read_case": "io",
    "read_plan": "io",
    "read_scan": "io",
    "simulate": "thermal",
    "tissue": "library",
    "write_case": "io",
    "write_plan": "io",
    "write_report": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'iceball' has no attribute {name!r}; it has: {', '.join(__all__)}")
    module, _, inner = _HOME[name].partition(":")
    return getattr(importlib.import_module(f"iceball.{module}"), inner or name)


def __dir__() -> list[str]:
    return [*__all__, "__all__", "__doc__", "__name__", "__path__"]

"""One run of one scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball import anatomy, thermal
from iceball.ensemble._scenarios import drawn_plan, drawn_tissue

if TYPE_CHECKING:
    from iceball.ensemble._scenarios import Scenario
    from iceball.nouns import Plan, ThermalHistory
    from iceball.thermal import Ready


def freeze_drawn(
    ready: Ready, plan: Plan, scenario: Scenario, *, accuracy: str = "preview", threads: int | None = 1
) -> ThermalHistory:
    """Freeze the patient of ``ready`` by ``plan`` with the tissue, the probes and their places of ``scenario``.

    Which tissue fills which voxel and the temperature before freezing stay as they are: only the numbers of the
    tissues move.

    Parameters
    ----------
    ready : of the same case, from ``thermal.make_ready``
    plan : as it was planned
    scenario : one of ``scenarios(plan, ...)``
    accuracy : "preview", "standard" or "reference"
    threads : of the solver; one by default, since the scenarios run side by side

    Raises
    ------
    GeometryError : if the shifted probes lie in one place, or outside the body or the scan
    SimulationError : if the temperature blows up even in the smallest steps
    """
    change = anatomy.remaking(drawn_tissue(scenario))
    return thermal.freeze(
        ready, drawn_plan(plan, scenario), accuracy=accuracy, change=change, threads=threads, curves=False
    )

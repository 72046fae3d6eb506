"""Where probes lie, as parameters: the tip and the entry of each, along the axes of the patient."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import UnknownName
from iceball.thermal.schedule import legs
from iceball.thermal.sensitivity import Parameter
from iceball.thermal.wells import wells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from iceball.nouns import Grid, Placement, Plan
    from iceball.nouns._noun import Point
    from iceball.thermal.problem import Problem
    from iceball.thermal.sensitivity import Make

STEP_VOXELS = 0.5  # the pair of runs is then a whole voxel apart, over which the lattice repeats itself (docs)
ENDS, AXES = ("tip", "entry"), "xyz"


def pose_parameters(
    placements: Sequence[Placement], spacing_mm: float, ends: Sequence[str] = ENDS
) -> tuple[Parameter, ...]:
    """Return the coordinates of both ends of each probe as parameters: "A tip x" [mm] and so on, LPS.

    Parameters
    ----------
    placements : the probes
    spacing_mm : voxel of the box [mm]; the step is half of it
    ends : "tip", "entry" or both. A probe that is shifted whole moves by the sum over both.

    Raises
    ------
    UnknownName : if an end is neither
    """
    for end in ends:
        if end not in ENDS:
            raise UnknownName(f"a probe has no end {end!r}; there are: {', '.join(ENDS)}")
    return tuple(
        Parameter(name=f"{placement.label} {end} {axis}", unit="mm", value=value, step=STEP_VOXELS * spacing_mm)
        for placement in placements
        for end in ends
        for axis, value in zip(AXES, placement.tip_mm if end == "tip" else placement.entry_mm, strict=True)
    )


def placed_at(placements: Sequence[Placement], values: Mapping[str, float]) -> tuple[Placement, ...]:
    """Return ``placements`` with the coordinates that ``values`` [mm] name; the others stay.

    Raises
    ------
    GeometryError : if tip and entry come nearer than the active part is long
    """
    return tuple(
        replace(
            placement,
            tip_mm=_moved(placement.label, "tip", placement.tip_mm, values),
            entry_mm=_moved(placement.label, "entry", placement.entry_mm, values),
        )
        for placement in placements
    )


def posed(problem: Problem, start_c: float | NDArray[np.float64], grid: Grid, plan: Plan) -> Make:
    """Return the maker of ``plan`` in ``problem`` with its probes wherever the parameters put them.

    Tissue and start stay as they are, only the wells are made anew. ``problem``, ``start_c`` [°C] and ``grid`` are
    those of a bench (bath_problem) or of a case (make_setting).
    """
    held = problem.held_c is not None and np.isfinite(problem.held_c)
    living = problem.conducts & ~np.asarray(held)

    def make(values: Mapping[str, float]):
        moved = replace(plan, placements=placed_at(plan.placements, values))
        return replace(problem, wells=wells(moved.placements, grid, problem.index, living)), start_c, legs(moved)

    return make


def _moved(label: str, end: str, at_mm: Point, values: Mapping[str, float]) -> Point:
    x, y, z = (values.get(f"{label} {end} {axis}", there) for axis, there in zip(AXES, at_mm, strict=True))
    return x, y, z

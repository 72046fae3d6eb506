"""One patient, many plans: what does not depend on the probes is made ready once, then each plan is a march of its own.

``simulate`` finds the body, its tissue and its temperature before freezing anew for every plan, and widens its box
until the cold does not fill it. A planner tries dozens of plans on one patient: it pays for that once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from iceball import anatomy
from iceball.errors import GeometryError, InputError
from iceball.nouns import Sensor
from iceball.nouns._noun import array_noun
from iceball.provenance import now
from iceball.thermal._describe import describe, inputs_of
from iceball.thermal._simulate import begin, finish, run_leg
from iceball.thermal.backdrop import COARSE_MM
from iceball.thermal.backends import default_backend
from iceball.thermal.box import lesion_box
from iceball.thermal.checks import check_apart, check_spacing
from iceball.thermal.field import backdrop_of, make_ground, retold, with_probes
from iceball.thermal.problem import Kept
from iceball.thermal.schedule import legs
from iceball.thermal.steady import COARSE_TOLERANCE
from iceball.thermal.stepping import accuracy_named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from iceball.anatomy import Prepared
    from iceball.nouns import Case, Plan, Protection, ThermalHistory, Tissue
    from iceball.thermal._describe import Inputs
    from iceball.thermal.backdrop import Backdrop
    from iceball.thermal.box import Box
    from iceball.thermal.field import Ground
    from iceball.thermal.problem import Backend

    Change = Callable[[Tissue], Tissue]

PROBES_MM = 18.0  # how far beyond the lesion active zones may reach
BEYOND_MM = 40.0  # how much of the patient around the box decides its temperature: three times what blood levels out
EDGE_VOXELS = 3.5  # what a probe's spline needs to the edge of the scan
REACH_MM = 26.0  # how much farther the box goes: what cools there by a few kelvin decides nothing in a plan


@array_noun
class Ready:
    """A case made ready to be frozen by many plans: on one box around its lesion, with one set of protections.

    ``core`` is where active zones may lie. What the cold does at the walls of the box, ``REACH_MM`` beyond, is not
    followed: ``simulate`` widens its box instead.
    """

    case: Case
    prepared: Prepared
    backdrop: Backdrop
    core: Box
    ground: Ground
    backend: Backend
    spacing_mm: float
    inputs: Inputs

    def holds(self, ends_mm: NDArray[np.float64], *, spare_mm: float = 0.0) -> NDArray[np.bool_]:
        """Whether active zones with these two ends (N, 2, 3), LPS [mm], lie in what was made ready: (N,).

        With ``spare_mm`` to spare: the same case made ready at another spacing is rounded otherwise.
        """
        core, whole = self.core.grid, self.ground.box.grid
        edge_mm = EDGE_VOXELS * self.spacing_mm + spare_mm
        place = whole.index_of(ends_mm) * self.spacing_mm
        room = (place >= edge_mm) & (place <= (np.asarray(whole.shape) - 1) * self.spacing_mm - edge_mm)
        inner = core.index_of(ends_mm) * self.spacing_mm
        deep = (inner >= spare_mm) & (inner <= (np.asarray(core.shape) - 1) * self.spacing_mm - spare_mm)
        return np.asarray((deep & room).all(axis=(-2, -1)), dtype=bool)

    @property
    def protections(self) -> tuple[Protection, ...]:
        """Those that the tissue was made with; thermometers change nothing."""
        return self.prepared.protections


def make_ready(
    case: Case,
    *,
    spacing_mm: float = 2.0,
    protections: Sequence[Protection] = (),
    backend: Backend | None = None,
    like: Ready | None = None,
) -> Ready:
    """Find body, tissue and the temperature before freezing around the lesion of ``case``: seconds, once.

    Parameters
    ----------
    case : with a lesion
    spacing_mm : voxel size [mm]
    protections : pockets and pads that the plans will have
    backend : the fastest of this installation by default
    like : the same case made ready at another spacing, or with other protections: what does not change is taken over

    Raises
    ------
    InputError : if the case has no lesion, or a protection would do nothing where it is
    SimulationError : if the temperature before freezing does not settle
    """
    backend = backend or (like.backend if like else default_backend())
    core = lesion_box(case, spacing_mm, PROBES_MM)
    changing = _changing(protections)
    if like is None:
        prepared = anatomy.prepare(case, protections=changing, quick=True)
    elif changing == like.protections:
        prepared = like.prepared
    else:
        prepared = anatomy.reprotected(like.prepared, case, changing)
    coarse_mm = max(COARSE_MM, spacing_mm)
    around = lesion_box(case, coarse_mm, PROBES_MM + REACH_MM + BEYOND_MM).grid
    backdrop = like.backdrop if like else backdrop_of(prepared, spacing_mm, backend, COARSE_TOLERANCE, around)
    ground = make_ground(prepared, core.widened(REACH_MM), backdrop, backend, COARSE_TOLERANCE)
    return Ready(
        case=case,
        prepared=prepared,
        backdrop=backdrop,
        core=core,
        ground=replace(ground, problem=replace(ground.problem, kept=Kept())),
        backend=backend,
        spacing_mm=spacing_mm,
        inputs=like.inputs if like else inputs_of(case),
    )


def try_protections(ready: Ready, protections: Sequence[Protection]) -> None:
    """See whether ``protections`` do anything where they lie.

    Raises
    ------
    InputError : if one of them does not
    """
    anatomy.reprotected(ready.prepared, ready.case, _changing(protections))


def freeze(
    ready: Ready,
    plan: Plan,
    *,
    accuracy: str = "preview",
    change: Change | None = None,
    threads: int | None = None,
    curves: bool = True,
) -> ThermalHistory:
    """Freeze what was made ready by ``plan``: the same equation as ``simulate``, on a box of its own.

    Parameters
    ----------
    ready : from ``make_ready``
    plan : its pockets and pads must be those that the case was made ready with
    accuracy : "preview", "standard" or "reference": how long the steps are
    change : what to make of each tissue before the run; where which tissue lies, and the temperature before
        freezing, stay as they are
    threads : how many the compiled backend uses; all cores by default
    curves : whether the history has rows for every step, or only for the start and the end

    Raises
    ------
    GeometryError : if an active zone leaves the box or the body, if two probes are in one place, or if the voxels are
        too coarse for a probe
    InputError : if the plan has other pockets or pads than the case was made ready with, or asks what a probe cannot do
    SimulationError : if the temperature blows up in the smallest steps
    """
    begun, stepping = now(), accuracy_named(accuracy)
    check_spacing(plan.placements, ready.spacing_mm)
    check_apart(plan.placements)
    _check_fits(ready, plan)
    ground = ready.ground if change is None else retold(ready.ground, change)
    backend = _threaded(ready.backend, threads)
    setting = with_probes(ground, plan, ready.core)
    course = begin(setting, plan, backend, stepping, curves=curves)
    for leg in legs(plan):
        run_leg(course, leg, _silent, last=True)
    settings = (backend, stepping, ready.spacing_mm)
    shape = ground.box.grid.shape
    return finish(course, describe(ready.case, plan, shape, ground.tissues, settings, begun, ready.inputs))


def _silent(at_s: float, text: str) -> None:
    """Tell nobody."""


def _changing(protections: Sequence[Protection]) -> tuple[Protection, ...]:
    return tuple(each for each in protections if not isinstance(each, Sensor))


def _check_fits(ready: Ready, plan: Plan) -> None:
    if _changing(plan.protections) != ready.protections:
        raise InputError(
            "the plan's pockets and pads are not those that the case was made ready with: make it ready with them"
        )
    for placement in plan.placements:
        if not ready.holds(np.array([placement.active_ends_mm]))[0]:
            raise GeometryError(
                f"probe {placement.label}: its active zone reaches more than {PROBES_MM:g} mm beyond the lesion, "
                "or too near to the edge of the scan. Move it toward the lesion, or simulate the plan on its own box."
            )


def _threaded(backend: Backend, threads: int | None) -> Backend:
    if threads is None or backend.name != "native":
        return backend
    from iceball.thermal.backends.native import NativeBackend

    return NativeBackend(threads)

"""How isotherms, volumes and temperatures answer to a parameter: differences of whole runs.

A run is repeated with each parameter a step up and a step down. The engine gives the same answer to the same question,
to the last bit, so that nothing is lost to chance; what the lattice and the steps in time do to a difference, and how
large a step must be for it, was measured: docs, "Sensitivities".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns._noun import Point, array_noun, noun, require_finite, require_positive
from iceball.thermal.isotherm import Surface, moved_mm, surface_at
from iceball.thermal.marching import Leg, Moment, march
from iceball.thermal.shape import sampled, volume_ml
from iceball.thermal.stepping import accuracy_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid
    from iceball.thermal.problem import Backend, Problem
    from iceball.thermal.stepping import Stepping

    Field = NDArray[np.float64]

# What a run is made of, from the values of the parameters by name; called anew for every run.
Make = Callable[[Mapping[str, float]], "tuple[Problem, float | Field, Sequence[Leg]]"]
STEP_SHARE = 0.2
# Longest steps [s] of freeze, thaw and the first minute. Steps that follow their error differ from run to run, and so
# does what they are off by: both sides of a difference take the same steps, with which the figures of the docs were
# measured.
STEPS_S = {"preview": (20.0, 10.0, 5.0), "standard": (15.0, 8.0, 2.0), "reference": (2.0, 1.0, 0.5)}


@noun
class Parameter:
    """What is varied: its ``value``, by a ``step`` up and one down, in ``unit``; ``one_sided`` takes the first only.

    A step should move the isotherm by about half a voxel; a fifth of the value, the default, does so for most.
    """

    name: str
    unit: str
    value: float
    step: float = None  # pyright: ignore[reportAssignmentType]  (filled in when made)
    one_sided: bool = False

    def __post_init__(self) -> None:
        """Fill in the step; refuse a value that is no number, and a step that goes nowhere."""
        if self.step is None:
            object.__setattr__(self, "step", STEP_SHARE * abs(self.value))
        require_finite(f"parameter {self.name!r}", (self.value, self.step))
        require_positive(f"the step of parameter {self.name!r}", abs(self.step), self.unit)


@noun
class Look:
    """What is looked at: isotherms, thermometers at ``points_mm``, and whatever ``measure`` makes of a moment.

    ``times_s`` rise and lie within the run. ``measure`` returns numbers (M,), as many at every time: a diameter, the
    temperature of a shaft.
    """

    grid: Grid
    times_s: tuple[float, ...]
    isotherms_c: tuple[float, ...] = (0.0, -20.0, -40.0)
    points_mm: tuple[Point, ...] = ()
    measure: Callable[[Moment], ArrayLike] | None = None

    def __post_init__(self) -> None:
        """Refuse times that do not rise and points outside the grid."""
        if not self.times_s or any(b <= a for a, b in zip(self.times_s, self.times_s[1:], strict=False)):
            raise InputError(f"the times looked at must rise, at least one of them; not {self.times_s}")
        for place in self.points_mm:
            if not self.grid.contains(place):
                raise GeometryError(f"the point at {place} mm lies outside the box: move it, or take a larger box")


@array_noun
class IsothermMotion:
    """How one isotherm moves at one time.

    ``position_mm`` (N, 3) are its points and ``outward`` (N, 3) its normals, toward the warm.
    ``motion_mm_per_unit`` (P, N) is how far each point moves outward along its normal per unit of each parameter, NaN
    where the isotherm was not found within two voxels; ``doubt_mm_per_unit`` (P, N) half of what the differences up
    and down disagree by (NaN if one-sided). ``volume_ml`` is what it encloses; ``volume_ml_per_unit`` and
    ``volume_doubt_ml_per_unit`` (P,).
    """

    time_s: float
    isotherm_c: float
    position_mm: Field
    outward: Field
    motion_mm_per_unit: Field
    doubt_mm_per_unit: Field
    volume_ml: float
    volume_ml_per_unit: Field
    volume_doubt_ml_per_unit: Field


@array_noun
class Sensitivities:
    """How a freeze answers to its ``parameters`` (P).

    ``isotherms`` go through the isotherms within each time. ``points_c`` (T, K) and ``measured`` (T, M) are what was
    found at the points and by the measure; ``..._per_unit`` (P, T, K or M) their derivatives, ``..._doubt_...`` half of
    what the differences up and down disagree by (NaN if one-sided).
    """

    parameters: tuple[Parameter, ...]
    times_s: tuple[float, ...]
    isotherms: tuple[IsothermMotion, ...]
    points_c: Field
    points_c_per_unit: Field
    points_doubt_c_per_unit: Field
    measured: Field
    measured_per_unit: Field
    measured_doubt_per_unit: Field

    def at(self, time_s: float, isotherm_c: float) -> IsothermMotion:
        """Return how the isotherm ``isotherm_c`` [°C] moves at ``time_s`` [s].

        Raises
        ------
        UnknownName : if one of them was not looked at
        """
        for motion in self.isotherms:
            if motion.time_s == time_s and motion.isotherm_c == isotherm_c:
                return motion
        known = ", ".join(f"{m.isotherm_c:g} °C at {m.time_s:g} s" for m in self.isotherms)
        raise UnknownName(f"{isotherm_c:g} °C at {time_s:g} s was not looked at; there are: {known}")

    def row(self, name: str) -> int:
        """Return the row p of the parameter called ``name``.

        Raises
        ------
        UnknownName : if there is no such parameter
        """
        names = [parameter.name for parameter in self.parameters]
        if name not in names:
            raise UnknownName(f"no parameter {name!r}; there are: {', '.join(names)}")
        return names.index(name)


def sensitivities(
    make: Make,
    parameters: Sequence[Parameter],
    look: Look,
    *,
    accuracy: str = "standard",
    backend: Backend | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Sensitivities:
    """Differentiate a freeze by its ``parameters``: one run, and two more for each of them (one if one-sided).

    Parameters
    ----------
    make : from the values of all parameters by name, what march() takes: problem, start and legs; called once per run,
        since legs remember the gas of their last switch. The box must stay the same.
    parameters : what is varied, each on its own
    look : what is looked at, on the grid of the problem
    accuracy : "preview", "standard" or "reference"; its steps do not follow their error here, but are the same in all
        runs (STEPS_S)
    backend : the fastest of this installation by default
    progress : called with the share done and a text

    Raises
    ------
    InputError : if there is no parameter, two have one name, or the run ends before the last time looked at
    GeometryError : if the box is not that of ``look``
    UnknownName : if there is no such accuracy
    SimulationError : if the temperature blows up even in the smallest steps
    """
    _check_names(parameters)
    runs = _Runs(
        make, look, (_same_steps(accuracy), backend), progress, 1 + sum(1 if p.one_sided else 2 for p in parameters)
    )
    values = {parameter.name: parameter.value for parameter in parameters}
    base = runs.run(values, "as it is")
    ups: list[_Seen] = []
    downs: list[_Seen | None] = []
    for p in parameters:
        ups.append(runs.run(values | {p.name: p.value + p.step}, f"{p.name} {p.step:+g} {p.unit}"))
        down = None if p.one_sided else runs.run(values | {p.name: p.value - p.step}, f"{p.name} {-p.step:+g} {p.unit}")
        downs.append(down)

    def slopes(pick: Callable[[_Seen], Field]) -> tuple[Field, Field]:
        sides = zip(parameters, ups, downs, strict=True)
        both = [_slope(p, pick(base), pick(up), None if down is None else pick(down)) for p, up, down in sides]
        return np.stack([each[0] for each in both]), np.stack([each[1] for each in both])

    points, measured = slopes(lambda seen: seen.points_c), slopes(lambda seen: seen.measured)
    return Sensitivities(
        parameters=tuple(parameters),
        times_s=look.times_s,
        isotherms=tuple(_motion(n, runs, base, slopes) for n in range(len(runs.surfaces))),
        points_c=base.points_c,
        points_c_per_unit=points[0],
        points_doubt_c_per_unit=points[1],
        measured=base.measured,
        measured_per_unit=measured[0],
        measured_doubt_per_unit=measured[1],
    )


@array_noun
class _Seen:
    """What was looked at in one run.

    ``moved_mm`` holds (N,) by surface, counted from those of the first run; ``volume_ml`` (S,) by surface, ``points_c``
    (T, K) and ``measured`` (T, M).
    """

    moved_mm: tuple[Field, ...]
    volume_ml: Field
    points_c: Field
    measured: Field


class _Runs:
    """Runs of one freeze, one after the other. The first one says where the surfaces are."""

    def __init__(
        self,
        make: Make,
        look: Look,
        how: tuple[Stepping, Backend | None],
        progress: Callable[[float, str], None] | None,
        runs: int,
    ) -> None:
        self.make, self.look, self.how, self.progress = make, look, how, progress
        self.surfaces: list[tuple[float, Surface]] = []
        self.moments, self.moments_done = runs * len(look.times_s), 0

    def run(self, values: Mapping[str, float], text: str) -> _Seen:
        """Run the freeze with ``values`` and look at it; the first time, surfaces are found, later they are sought."""
        look, first = self.look, not self.surfaces
        problem, start_c, legs = self.make(values)
        self._check_fits(problem, legs)
        conducting = problem.conducts[problem.index]
        found: list[Surface] = []
        rows: list[tuple[list[Field], list[float], Field, Field]] = []
        stepping, backend = self.how
        for number, moment in enumerate(
            march(problem, start_c, legs, look.times_s, stepping=stepping, backend=backend)
        ):
            field = moment.temperature_c
            if first:
                found = [surface_at(field, look.grid, level, conducting) for level in look.isotherms_c]
                self.surfaces += [(moment.now_s, surface) for surface in found]
            moved = [np.zeros(len(s.position_mm)) for s in found] if first else self._moved(field, number)
            rows.append((moved, self._volumes(field), self._points(field), self._measured(moment)))
            self._tell(text)
        return _Seen(
            moved_mm=tuple(each for row in rows for each in row[0]),
            volume_ml=np.array([each for row in rows for each in row[1]]),
            points_c=np.stack([row[2] for row in rows]),
            measured=np.stack([row[3] for row in rows]),
        )

    def _moved(self, field: Field, number: int) -> list[Field]:
        count = len(self.look.isotherms_c)
        here = self.surfaces[number * count : (number + 1) * count]
        return [moved_mm(field, self.look.grid, surface) for _, surface in here]

    def _volumes(self, field: Field) -> list[float]:
        return [volume_ml(field, self.look.grid.spacing_mm[0], level) for level in self.look.isotherms_c]

    def _points(self, field: Field) -> Field:
        return sampled(field, self.look.grid, np.reshape(self.look.points_mm, (-1, 3)))

    def _measured(self, moment: Moment) -> Field:
        found = () if self.look.measure is None else self.look.measure(moment)
        return np.atleast_1d(np.asarray(found, dtype=float))

    def _check_fits(self, problem: Problem, legs: Sequence[Leg]) -> None:
        grid = self.look.grid
        if problem.index.shape != grid.shape or not math.isclose(problem.spacing_m * 1e3, grid.spacing_mm[0]):
            raise GeometryError(
                f"a box of {problem.index.shape} voxels of {problem.spacing_m * 1e3:g} mm is not the one looked at, "
                f"{grid.shape} of {grid.spacing_mm[0]:g} mm: a parameter must not change the box"
            )
        if not legs or self.look.times_s[-1] > legs[-1].stop_s or self.look.times_s[0] < legs[0].start_s:
            raise InputError(f"the run does not hold all times looked at, {self.look.times_s} s: look at earlier ones")

    def _tell(self, text: str) -> None:
        self.moments_done += 1
        if self.progress is not None:
            self.progress(self.moments_done / self.moments, text)


def _same_steps(accuracy: str) -> Stepping:
    """Return how ``accuracy`` steps without looking at how far it is off."""
    stepping = accuracy_named(accuracy)
    freeze_s, thaw_s, early_s = STEPS_S[accuracy]
    return replace(stepping, freeze_step_s=freeze_s, thaw_step_s=thaw_s, early_step_s=early_s, off_mm=math.inf)


def _motion(
    number: int, runs: _Runs, base: _Seen, slopes: Callable[[Callable[[_Seen], Field]], tuple[Field, Field]]
) -> IsothermMotion:
    time_s, surface = runs.surfaces[number]
    motion = slopes(lambda seen: seen.moved_mm[number])
    volume = slopes(lambda seen: seen.volume_ml[number])
    return IsothermMotion(
        time_s=time_s,
        isotherm_c=surface.level_c,
        position_mm=surface.position_mm,
        outward=surface.outward,
        motion_mm_per_unit=motion[0],
        doubt_mm_per_unit=motion[1],
        volume_ml=float(base.volume_ml[number]),
        volume_ml_per_unit=volume[0],
        volume_doubt_ml_per_unit=volume[1],
    )


def _slope(parameter: Parameter, base: Field, up: Field, down: Field | None) -> tuple[Field, Field]:
    """Return the derivative, and half of what those up and down disagree by."""
    ahead = (up - base) / parameter.step
    if down is None:
        return ahead, np.full(np.shape(ahead), np.nan)
    behind = (base - down) / parameter.step
    return (ahead + behind) / 2, np.abs(ahead - behind) / 2


def _check_names(parameters: Sequence[Parameter]) -> None:
    names = [parameter.name for parameter in parameters]
    if not names:
        raise InputError("no parameter to differentiate by: give at least one")
    if len(set(names)) != len(names):
        raise InputError(f"two parameters share a name: {', '.join(names)}")

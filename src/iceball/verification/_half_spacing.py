"""One problem on two lattices: the answer of an accuracy, and the same tissue map and probes at half the spacing.

The tissue map is drawn on the coarse lattice; every voxel of it becomes 2³ voxels of the same tissue. The probes are
the same lines: same axis, ends, thickness and shaft temperature. Each lattice spreads them by its own rule (`wells`),
so that what the spline costs is part of the error, as it is for a user.
"""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from iceball import provenance
from iceball.bench.agreement import ISOTHERMS_C, apart
from iceball.bench.cases import SURFACE_C, BenchCase, legs_of, problem_of, start_c
from iceball.nouns._noun import array_noun, noun
from iceball.thermal.marching import march
from iceball.thermal.stepping import Stepping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from iceball.thermal import Backend
    from iceball.thermal.marching import Driver, Leg
    from iceball.thermal.problem import Drive
    from iceball.verification._kept import Kept
    from iceball.verification._nouns import Engine

    Field = NDArray[np.float64]
    Told = Callable[[float], None]

CUT = 2
# Of the reference: 1 s, and a sixteenth of it for 10 s after a switch. With 1 s and the usual ramp the reference itself
# was off by 0.06 mm at -20 °C after a minute (1 mm, against steps of 1/64 and 1/16 s); so it is by 0.005 mm.
STEPS = Stepping(method="rkl2", freeze_step_s=1.0, thaw_step_s=1.0)
EARLY_S, EARLY_STEP_S = 10.0, 1 / 16
WORTH_IT = 0.5  # of its volume at probe-off that an isotherm must hold in the thaw to be looked at


@noun
class IsothermError:
    """How far an isotherm of one accuracy is from that of the reference at ``now_s`` [s].

    ``p99_mm`` and ``largest_mm`` over ``edges`` edges of the lattice that the isotherm crosses; ``held_fraction`` is
    its volume in the reference over that at probe-off. ``target_mm`` is what the 99th percentile must meet.
    """

    accuracy: str
    tissues: int
    phase: str
    now_s: float
    isotherm_c: float
    p99_mm: float
    largest_mm: float
    edges: int
    held_fraction: float
    target_mm: float

    @property
    def passed(self) -> bool:
        """Whether the target is met; never where the error is not a number."""
        return self.p99_mm <= self.target_mm


@array_noun
class Reference:
    """The reference on the coarse lattice, (I, J, K) [°C] by moment [s], and how far the cube's walls cooled [K]."""

    fields_c: dict[float, NDArray[np.floating]]
    walls_k: float


def halved(field: NDArray[np.floating], cut: int = CUT) -> NDArray[np.floating]:
    """Mean of the ``cut``³ fine voxels in each coarse one: its centre is theirs, so that this is of second order."""
    i, j, k = (n // cut for n in field.shape)
    return field.reshape(i, cut, j, cut, k, cut).mean(axis=(1, 3, 5))


def answer(case: BenchCase, engine: Engine, moments_s: Sequence[float], told: Told) -> dict[float, Field]:
    """March ``case`` on ``engine``; returns its temperature (I, J, K) [°C] by moment [s]."""
    legs = _telling(legs_of(case), told)
    return {m.now_s: m.temperature_c for m in engine.march(problem_of(case), start_c(), legs, moments_s)}


def reference(case: BenchCase, backend: Backend, moments_s: Sequence[float], kept: Kept, told: Told) -> Reference:
    """Return the reference of ``case`` at ``moments_s``: RKL2 at half the spacing, steps of at most 1 s.

    What ``kept`` holds of it is taken from there; the rest is marched from the latest moment that it holds.
    """
    fine = dataclasses.replace(case, cut=CUT)
    problem = problem_of(fine)
    drive = (start_c(), case.protocol, SURFACE_C)
    made_of = (problem, drive, STEPS, EARLY_S, EARLY_STEP_S, provenance.version(), backend.name)
    name = f"half-spacing-{case.name}-{provenance.fingerprint(made_of)}"
    held = kept.get(name)
    found = {float(key): held[key] for key in held if key != "state"}
    missing = [now for now in moments_s if now not in found]
    since, state = (max(found), held["state"].astype(float)) if found and "state" in held else (0.0, start_c())
    if missing and missing[0] < since:
        since, state = 0.0, start_c()
    pieces = [piece for leg in legs_of(fine) for piece in _finely(leg)]
    legs = [dataclasses.replace(leg, start_s=max(leg.start_s, since)) for leg in pieces if leg.stop_s > since]
    if missing:
        for moment in march(problem, state, _telling(legs, told), missing, stepping=STEPS, backend=backend):
            found[moment.now_s] = halved(moment.temperature_c).astype(np.float32)
            on_disk = {f"{now:g}": field for now, field in found.items()}
            kept.put(name, on_disk | {"state": moment.temperature_c.astype(np.float32)})
    fields = {now: found[now] for now in moments_s}
    return Reference(fields_c=fields, walls_k=max(_walls_k(field) for field in fields.values()))


def compare(
    case: BenchCase, target_mm: float, answers: dict[float, Field], references: dict[float, NDArray[np.floating]]
) -> Iterator[IsothermError]:
    """Yield the errors of ``case`` at each moment and isotherm that is to be looked at."""
    off_s = case.protocol[0][1]
    at_off = {c: np.count_nonzero(references[off_s] <= c) for c in ISOTHERMS_C} if off_s in references else {}
    for now_s, field in references.items():
        phase = phase_at(case, now_s)
        held = {c: np.count_nonzero(field <= c) / at_off[c] if at_off.get(c) else math.nan for c in ISOTHERMS_C}
        there = [c for c in ISOTHERMS_C if field.min() < c and (phase != "thaw" or held[c] >= WORTH_IT)]
        for each in apart(answers[now_s], field.astype(float), case.spacing_mm, there):
            yield IsothermError(
                accuracy=case.accuracy,
                tissues=case.tissues,
                phase=phase,
                now_s=now_s,
                isotherm_c=each.isotherm_c,
                p99_mm=each.p99_mm,
                largest_mm=each.largest_mm,
                edges=each.edges,
                held_fraction=float(held[each.isotherm_c]),
                target_mm=target_mm,
            )


def phase_at(case: BenchCase, now_s: float) -> str:
    """Name the leg of freeze, thaw, freeze that ``now_s`` [s] ends or lies in."""
    (_, freeze_s), (_, thaw_s), *_ = case.protocol
    return "freeze" if now_s <= freeze_s else "thaw" if now_s <= freeze_s + thaw_s else "second freeze"


def _finely(leg: Leg) -> list[Leg]:
    """Cut the first seconds of ``leg`` into legs of one short step each: nothing else asks for shorter steps."""
    count = round(min(EARLY_S, leg.stop_s - leg.start_s) / EARLY_STEP_S)
    cuts = [leg.start_s + n * EARLY_STEP_S for n in range(count + 1)]
    ends = [*cuts, leg.stop_s] if leg.stop_s - cuts[-1] > 1e-9 else cuts
    return [dataclasses.replace(leg, start_s=a, stop_s=b) for a, b in pairwise(ends)]


def _walls_k(field: NDArray[np.floating]) -> float:
    """How far the outermost voxels of the cube are from the start [K]."""
    faces = [np.take(field, side, axis) for axis in range(3) for side in (0, -1)]
    return float(max(np.abs(face - start_c()).max() for face in faces))


def _telling(legs: Sequence[Leg], told: Told) -> list[Leg]:
    """Tell of every step which share of the time from the first leg's start to the last one's end is done."""
    first, last = legs[0].start_s if legs else 0.0, legs[-1].stop_s if legs else 1.0

    def begun(leg: Leg) -> Leg:
        def begin(around_c: Field) -> Driver:
            driver = leg.begin(around_c)

            def drive(now_s: float) -> Drive:
                told((now_s - first) / (last - first))
                return driver(now_s)

            return drive

        return dataclasses.replace(leg, begin=begin)

    return [begun(leg) for leg in legs]

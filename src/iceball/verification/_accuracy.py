"""Does each accuracy keep its target? One table, thaw included."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from iceball import provenance
from iceball.bench.cases import ACTIVE_MM, FAT_BELOW_MM, BenchCase
from iceball.nouns._noun import noun
from iceball.thermal.stepping import accuracy_named, accuracy_names
from iceball.verification import _half_spacing, _lone_probe
from iceball.verification._half_spacing import IsothermError
from iceball.verification._kept import Kept
from iceball.verification._lone_probe import ProbeError
from iceball.verification._nouns import Engine
from iceball.verification._promises import TARGET_MM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from iceball.thermal import Backend

    Progress = Callable[[float, str], None]

# The lattice an accuracy is meant for, and how far it may miss the radius of a lone probe; twice that its half-length.
SPACING_MM = {"preview": 2.0, "standard": 1.0, "reference": 0.5}
RADIUS_MM = {"preview": 1.0, "standard": 0.2, "reference": 0.1}
TISSUES, DIAMETERS_MM = (1, 4), (1.5, 2.1, 3.0)
SHARE = 20.0  # of the progress bar: a half-spacing reference against a run of the accuracy itself


@noun
class Trial:
    """The problem an accuracy is tried on: a cube ``width_mm`` wide, three probes, when they freeze, when to look.

    ``active_mm`` and ``fat_below_mm`` as in `BenchCase`; ``minutes`` of freeze, thaw and freeze.
    """

    width_mm: float
    active_mm: float
    fat_below_mm: float
    minutes: tuple[float, float, float]
    moments_s: tuple[float, ...]

    @property
    def protocol(self) -> tuple[tuple[bool, float], ...]:
        """Freezing?, duration [s] of each leg."""
        return tuple((leg != 1, 60.0 * minutes) for leg, minutes in enumerate(self.minutes))


# Looked at densely early in the thaw, when the coldest isotherms go.
LARGE = Trial(
    width_mm=96.0,
    active_mm=ACTIVE_MM,
    fat_below_mm=FAT_BELOW_MM,
    minutes=(10.0, 8.0, 10.0),
    moments_s=(
        60.0, 120.0, 180.0, 300.0, 600.0,
        605.0, 610.0, 620.0, 630.0, 645.0, 660.0, 690.0, 720.0, 780.0, 840.0, 900.0, 960.0, 1020.0, 1080.0,
        1140.0, 1380.0, 1680.0,
    ),
)  # fmt: skip
# Half of the minutes, probes of 20 mm, a smaller cube: at 0.25 mm the large one has 57 million voxels.
SMALL = Trial(
    width_mm=56.0,
    active_mm=20.0,
    fat_below_mm=-24.0,
    minutes=(5.0, 4.0, 5.0),
    moments_s=(
        30.0, 60.0, 120.0, 180.0, 300.0,
        305.0, 310.0, 315.0, 320.0, 330.0, 345.0, 360.0, 390.0, 420.0, 450.0, 480.0, 510.0, 540.0,
        570.0, 600.0, 690.0, 840.0,
    ),
)  # fmt: skip
TRIALS = {"preview": LARGE, "standard": LARGE, "reference": SMALL}


@noun
class Scope:
    """What to measure: whose targets, in how many tissues, with how thick probes, in which trial if not its own."""

    accuracies: tuple[str, ...]
    tissues: tuple[int, ...] = TISSUES
    diameters_mm: tuple[float, ...] = DIAMETERS_MM
    instead: Trial | None = None
    cells_mm: tuple[float, float] = _lone_probe.CELLS_MM

    def __post_init__(self) -> None:
        """Refuse an accuracy that the engine does not know."""
        for name in self.accuracies:
            accuracy_named(name)

    def trial(self, accuracy: str) -> Trial:
        """Return what ``accuracy`` is tried on."""
        return self.instead or TRIALS[accuracy]

    def case(self, accuracy: str, tissues: int) -> BenchCase:
        """Return the three probes of the bench in a cube of ``tissues``, on the lattice of ``accuracy``."""
        trial = self.trial(accuracy)
        return BenchCase(
            name=f"{tissues}-{SPACING_MM[accuracy]:g}mm",
            says="three probes against themselves at half the spacing",
            spacing_mm=SPACING_MM[accuracy],
            tissues=tissues,
            width_mm=trial.width_mm,
            active_mm=trial.active_mm,
            fat_below_mm=trial.fat_below_mm,
            protocol=trial.protocol,
            stop_s=trial.moments_s[-1],
            accuracy=accuracy,
        )


@noun
class Targets:
    """The table: every row of it, what could not be finished, and what was measured.

    ``walls_k`` is how far the cold changed the walls of a cube at most [K]: nothing is known beyond them.
    """

    isotherms: tuple[IsothermError, ...]
    probes: tuple[ProbeError, ...]
    failures: tuple[str, ...]
    walls_k: float
    version: str
    backend: str
    device: str
    dtype: str
    started_at: str
    seconds: float

    @property
    def missed(self) -> int:
        """How many rows miss their target."""
        return sum(not row.passed for row in (*self.isotherms, *self.probes))

    @property
    def passed(self) -> bool:
        """Whether something was measured, all of it, and no target is missed."""
        return bool(self.isotherms or self.probes) and not self.failures and not self.missed


def scope(accuracies: Sequence[str] = (), *, quick: bool = False) -> Scope:
    """Return what to measure of ``accuracies``, of all if there are none; ``quick``: of the preview, one probe.

    Raises
    ------
    UnknownName : if there is no accuracy of a name
    """
    if not quick:
        return Scope(accuracies=tuple(accuracies) or accuracy_names())
    return Scope(accuracies=tuple(accuracies) or ("preview",), diameters_mm=(1.5,), cells_mm=_lone_probe.ROUGH_CELLS_MM)


def measure_targets(
    backend: Backend,
    wanted: Scope,
    *,
    keep: Path | None = None,
    progress: Progress = lambda _done, _text: None,
) -> Targets:
    """Measure whether ``backend`` keeps the targets of each accuracy.

    Parameters
    ----------
    backend : what is measured, and what makes the half-spacing references
    wanted : what to measure
    keep : folder in which references are kept and looked for; None keeps none
    progress : called with the share done and what is at work

    Raises
    ------
    InputError : if nothing can be kept in ``keep``
    """
    work = _Work(backend, wanted, Kept(keep), progress)
    began, started_at = time.monotonic(), provenance.now()
    work.all()
    return Targets(
        isotherms=tuple(work.isotherms),
        probes=tuple(work.probes),
        failures=tuple(work.failures),
        walls_k=work.walls_k,
        version=provenance.version(),
        backend=backend.name,
        device=backend.device,
        dtype=backend.dtype,
        started_at=started_at,
        seconds=round(time.monotonic() - began, 1),
    )


class _Work:
    """A table in the making. A part that cannot be finished is said, and the others are measured all the same."""

    def __init__(self, backend: Backend, wanted: Scope, kept: Kept, progress: Progress) -> None:
        self.backend, self.wanted, self.kept, self.progress = backend, wanted, kept, progress
        self.isotherms: list[IsothermError] = []
        self.probes: list[ProbeError] = []
        self.failures: list[str] = []
        self.walls_k, self._done, self._total = 0.0, 0.0, 1.0

    def all(self) -> None:
        parts = [*self._fields(), *self._probes()]
        self._total = sum(weight for weight, _, _ in parts)
        for weight, says, part in parts:
            self.progress(self._done / self._total, says)
            try:
                part(lambda share, weight=weight, says=says: self._told(weight * share, says))
            except Exception as cause:  # as a case of verify: its failure is its result
                self.failures.append(f"{says}: {type(cause).__name__}: {cause}")
            self._done += weight
        self.progress(1.0, "")

    def _told(self, more: float, says: str) -> None:
        self.progress((self._done + more) / self._total, says)

    def _fields(self) -> Iterator[tuple[float, str, Callable]]:
        """One part per problem and number of tissues: accuracies on one lattice and trial share their reference."""
        problems = {name: (SPACING_MM[name], self.wanted.trial(name)) for name in self.wanted.accuracies}
        for spacing_mm, trial in dict.fromkeys(problems.values()):
            names = [name for name, problem in problems.items() if problem == (spacing_mm, trial)]
            work = (trial.width_mm / LARGE.width_mm) ** 3 * sum(trial.minutes) / sum(LARGE.minutes) / spacing_mm**4
            for tissues in self.wanted.tissues:
                says = f"{tissues} tissue{'s' * (tissues > 1)} at {spacing_mm:g} mm and at half of it"
                yield SHARE * work, says, self._field(names, tissues)

    def _field(self, names: Sequence[str], tissues: int) -> Callable[[Callable[[float], None]], None]:
        def part(told: Callable[[float], None]) -> None:
            moments, first = self.wanted.trial(names[0]).moments_s, self.wanted.case(names[0], tissues)
            share = SHARE / (SHARE + len(names))
            right = _half_spacing.reference(first, self.backend, moments, self.kept, lambda done: told(done * share))
            self.walls_k = max(self.walls_k, right.walls_k)
            for name in names:
                case = dataclasses.replace(first, accuracy=name)
                got = _half_spacing.answer(
                    case, Engine(backend=self.backend, accuracy=name), moments, lambda _done: told(share)
                )
                self.isotherms.extend(_half_spacing.compare(case, TARGET_MM[name], got, right.fields_c))

        return part

    def _probes(self) -> Iterator[tuple[float, str, Callable]]:
        for diameter_mm in self.wanted.diameters_mm:
            yield 6.0, f"a probe of {diameter_mm:g} mm against the axisymmetric reference", self._probe(diameter_mm)

    def _probe(self, diameter_mm: float) -> Callable[[Callable[[float], None]], None]:
        def part(told: Callable[[float], None]) -> None:
            right = _lone_probe.reference(*_lone_probe.solved_mm(diameter_mm, self.wanted.cells_mm, self.kept, told))
            for name in self.wanted.accuracies:
                engine = Engine(backend=self.backend, accuracy=name)
                field = _lone_probe.freeze(engine, diameter_mm, SPACING_MM[name])
                found, targets = _lone_probe.measure(field, SPACING_MM[name]), (RADIUS_MM[name], 2 * RADIUS_MM[name])
                self.probes.extend(_lone_probe.errors(name, diameter_mm, found, right, targets))

        return part

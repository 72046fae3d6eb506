"""All that ``iceball bench`` measures, in order: the machine, the cases, their scaling, the peers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from iceball import provenance
from iceball.bench.cases import BenchCase, case_named
from iceball.bench.comparing import BUDGET_S, MissingPeer, PeerTiming, compare
from iceball.bench.machine import Machine, measure_machine
from iceball.bench.timing import ScalingRow, Setting, Timing, prime, scaling_plan, time_case
from iceball.errors import InputError
from iceball.nouns._noun import noun, require_positive

if TYPE_CHECKING:
    from collections.abc import Callable

    from iceball.bench.peers import Peer

    Progress = Callable[[float, str], None]

COMPARED = "four-1mm"  # the case the peers are given, if it is among those asked for


@noun
class Order:
    """What to measure. ``peers`` are compared on ``four-1mm``, or the first case where that was not asked for."""

    cases: tuple[BenchCase, ...]
    setting: Setting = dataclasses.field(default_factory=Setting)
    scaling: bool = False
    peers: tuple[Peer, ...] = ()
    budget_s: float = BUDGET_S

    def __post_init__(self) -> None:
        """Refuse an order for nothing."""
        require_positive("the time for a peer", self.budget_s, "s")
        if not self.cases:
            raise InputError("no case to time; name one, or none for the usual ones")

    @property
    def compared(self) -> BenchCase:
        """The case the peers are given, and whose scaling is measured."""
        return next((case for case in self.cases if case.name == COMPARED), self.cases[0])


@noun
class BenchReport:
    """What was measured, by which version of iceball."""

    version: str
    machine: Machine
    timings: tuple[Timing, ...]
    scaling: tuple[ScalingRow, ...]
    compared: Timing
    peers: tuple[PeerTiming, ...]
    missing: tuple[MissingPeer, ...]

    @property
    def all_agree(self) -> bool:
        """Whether every peer that ran gave our answer."""
        return all(peer.agrees for peer in self.peers)


def chosen_cases(names: tuple[str, ...], until_s: float | None) -> tuple[BenchCase, ...]:
    """Return the cases called ``names``; ``until_s`` [s] ends their protocol early."""
    return tuple(_until(case_named(name), until_s) for name in names)


def _until(case: BenchCase, until_s: float | None) -> BenchCase:
    if until_s is None:
        return case
    return dataclasses.replace(case, stop_s=min(until_s, case.stop_s))


def run_bench(order: Order, progress: Progress) -> BenchReport:
    """Measure what ``order`` asks for; ``progress`` is told how far it is and at what."""
    setting, plan = order.setting, _scaling_plan(order)
    bar = _Bar(len(order.cases) + len(plan) + 2 * len(order.peers) + 1, progress)
    machine = measure_machine(setting.threads)
    prime(order.cases[0], setting)
    bar.done("the machine")
    timings = tuple(time_case(case, setting, bar.part(case.name)) for case in order.cases)
    rows = []
    for quantity, value, case, threads in plan:
        told = bar.part(f"{quantity} {value}")
        timing = time_case(case, dataclasses.replace(setting, threads=threads), told)
        rows.append(ScalingRow(quantity=quantity, value=value, timing=timing))
    compared = next(timing for timing in timings if timing.case == order.compared)
    outcomes = [compare(peer, compared.case, setting, order.budget_s, bar.part(peer.name, 2)) for peer in order.peers]
    return BenchReport(
        version=provenance.version(),
        machine=machine,
        timings=timings,
        scaling=tuple(rows),
        compared=compared,
        peers=tuple(each for each in outcomes if isinstance(each, PeerTiming)),
        missing=tuple(each for each in outcomes if isinstance(each, MissingPeer)),
    )


def _scaling_plan(order: Order) -> tuple[tuple[str, int, BenchCase, int], ...]:
    return scaling_plan(order.compared, order.setting.threads) if order.scaling else ()


class _Bar:
    """Parts of equal length in one bar."""

    def __init__(self, parts: int, progress: Progress) -> None:
        self._parts, self._at, self._progress = parts, 0, progress

    def done(self, text: str, parts: int = 1) -> None:
        self._at += parts
        self._progress(self._at / self._parts, text)

    def part(self, name: str, parts: int = 1) -> Progress:
        """What a part may tell: how much of it is done."""
        begun = self._at
        self._at += parts

        def told(fraction: float, text: str) -> None:
            self._progress((begun + parts * min(fraction, 1.0)) / self._parts, f"{name}: {text}")

        told(0.0, "begun")
        return told

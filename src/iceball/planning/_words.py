"""What a plan comes to, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball.nouns import Goal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iceball.nouns import Plan

WORTH_SAYING_C = 20.0


def says_of(plan: Plan, coverage_fraction: float, coldest_c: Sequence[tuple[str, float]]) -> str:
    """How many probes, what they cover, what they freeze besides, and what gets coldest."""
    count, goal = len(plan.placements), plan.goal or Goal()
    kinds = sorted({placement.probe.name for placement in plan.placements})
    parts = [
        f"{counted(count)} ({', '.join(kinds)}), {plan.protocol}: "
        f"{goal.isotherm_c:g} °C covers {percent(coverage_fraction)} of the target"
    ]
    cold = sorted((at_c, name) for name, at_c in coldest_c if at_c < WORTH_SAYING_C)
    if cold:
        words = ", ".join(f"{name.replace('_', ' ')} {at_c:.1f} °C" for at_c, name in cold[:3])
        parts.append(f"coldest: {words}")
    else:
        parts.append(f"nothing that has a limit gets below {WORTH_SAYING_C:g} °C")
    return "; ".join(parts)


def counted(count: int) -> str:
    """So many probes."""
    return f"{count} {'probe' if count == 1 else 'probes'}"


def percent(fraction: float) -> str:
    """A share as per cent, rounded down: 94.96 % is not 95."""
    return f"{int(1000 * fraction) / 10:g} %"

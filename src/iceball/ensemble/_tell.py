"""From the members to what the ensemble says: nothing here hangs on the order in which they were computed."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.ensemble._inputs import inputs, placement_keys
from iceball.ensemble._measure import unpacked
from iceball.ensemble._ranks import LEVEL, rank_correlations
from iceball.ensemble._result import Chance, Influence, Spread, Table
from iceball.nouns import Grid, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from iceball.ensemble._measure import Member, Yardstick
    from iceball.ensemble._scenarios import Scenario
    from iceball.nouns import Case, Cited, Goal, Plan

    Values = NDArray[np.float64]

_OF_ISOTHERM = ("coverage_fraction", "volume_ml")
OFF_PLACE = "off its place"
MOST_NAMED = 3  # structures whose temperature is correlated with the inputs: the coldest ones
BODY_C = 30.0  # structures that no member brought below are left out of tables: far from any limit there is


def tabulated(members: Sequence[Member], scenarios: Sequence[Scenario], stick: Yardstick, plan: Plan) -> Table:
    """Put what was drawn and what came of it into one row for each member, by number."""
    done = sorted((m for m in members if not m.failed), key=lambda m: m.number)
    drawn = {scenario.number: scenario.values() for scenario in scenarios}
    keys = [each.key for each in inputs(plan)]
    rows = [[drawn[m.number][key] for key in keys] for m in done]
    names = [name for name, _ in stick.structures_mm]
    of_isotherms = [f"{what}_{c:g}" for what in _OF_ISOTHERM for c in stick.isotherms_c]
    outcome_keys = ("target_fraction", "least_margin_mm", *of_isotherms, *(f"coldest_c_{name}" for name in names))
    return Table(
        number=np.array([m.number for m in done], dtype=np.int64),
        input_keys=tuple(keys),
        inputs=np.array(rows, dtype=float).reshape(len(done), len(keys)),
        outcome_keys=outcome_keys,
        outcomes=np.array([outcomes(m) for m in done]).reshape(len(done), len(outcome_keys)),
        failed=tuple((m.number, m.failed) for m in sorted(members, key=lambda m: m.number) if m.failed),
    )


def outcomes(member: Member) -> list[float]:
    """Give every outcome of ``member`` in the order of the table's columns."""
    parts = (member.coverage_fraction, member.volume_ml, member.coldest_c)
    return [member.target_fraction, member.least_margin_mm, *(float(value) for part in parts for value in part)]


def maps(members: Sequence[Member], stick: Yardstick) -> dict[float, Volume]:
    """Count for every voxel and isotherm in how many members it got as cold; shares of all, on one grid."""
    done = [m for m in members if not m.failed]
    patches = [patch for m in done for patch in m.patches if patch.bits]
    low = np.min([p.low for p in patches], axis=0, initial=2**31) if patches else np.zeros(3, dtype=int)
    high = np.max([np.add(p.low, p.shape) for p in patches], axis=0, initial=0) if patches else np.ones(3, dtype=int)
    count = {level: np.zeros(high - low, dtype=np.int32) for level in stick.isotherms_c}
    for patch in patches:
        place = tuple(slice(a, a + n) for a, n in zip(np.subtract(patch.low, low), patch.shape, strict=True))
        count[patch.isotherm_c][place] += unpacked(patch)
    grid = _grid(stick.lattice, low, high)
    return {
        level: Volume(grid=grid, array=(each / max(len(done), 1)).astype(np.float32), quantity="fraction")
        for level, each in count.items()
    }


def chances(table: Table, stick: Yardstick, case: Case) -> tuple[Chance, ...]:
    """Say how likely the goal is, each isotherm's coverage, and each limit of each structure at risk."""
    goal, n = stick.goal, len(table.number)
    asked = f"{goal.coverage_fraction:.0%} of the {'target' if goal.margin_mm else 'lesion'}"
    reached = table.outcome("target_fraction") >= goal.coverage_fraction
    found = [_chance("covered", f"{goal.isotherm_c:g} °C covers {asked}{_beyond(goal)}", reached, "iceball_judgement")]
    for level in stick.isotherms_c:
        covers = table.outcome(f"coverage_fraction_{level:g}") >= goal.coverage_fraction
        says = f"{level:g} °C covers {goal.coverage_fraction:.0%} of the lesion"
        found.append(_chance(f"covered_{level:g}", says, covers, "iceball_judgement"))
    inside = np.ones(n, dtype=bool)
    for name, _ in stick.structures_mm:
        limit = case.structure(name).limit
        coldest = table.outcome(f"coldest_c_{name}")
        for cited in _limits(limit) if limit else ():
            below = coldest < cited.value
            says = f"{name} gets below {cited.value:g} °C"
            found.append(_chance(f"{name}_below_{cited.value:g}", says, below, cited.source, name))
        stop = library.limit(limit).stop_below if limit else None
        inside &= coldest >= stop.value if stop else True
    found.append(_chance("no_stop", "no structure gets below its stop limit", inside, "iceball_judgement"))
    both = inside & reached
    found.append(_chance("covered_without_stop", "the goal is reached and no structure below its stop limit", both,
                         "iceball_judgement"))  # fmt: skip
    return tuple(found)


def spreads(table: Table, nominal: Member, stick: Yardstick) -> tuple[Spread, ...]:
    """Distribution of coverage, least margin, volume, and of the coldest point of each structure that got cold."""
    plain = dict(zip(table.outcome_keys, outcomes(nominal), strict=True))
    return tuple(
        _spread(key, says, unit, plain[key], table.outcome(key)) for key, says, unit in _told(table, nominal, stick)
    )


def influences(table: Table, plan: Plan, stick: Yardstick, seed: int) -> tuple[Influence, ...]:
    """Correlate every input with the least margin of the goal's isotherm and with the coldest structures.

    Beside the three shifts of each probe its distance from its place is an input: a shift to either side may do harm,
    which no rank correlation of the shift itself can see.
    """
    given = [(each.key, each.says, each.kind) for each in inputs(plan)]
    columns = [table.inputs]
    for placement in plan.placements:
        at = [table.input_keys.index(key) for key in placement_keys(placement.label)]
        columns.append(np.linalg.norm(table.inputs[:, at], axis=1)[:, None])
        label = placement.label
        given.append((f"placement.{label}.off", f"probe {label} lies {OFF_PLACE}", "placement"))
    values = np.concatenate(columns, axis=1)
    found: list[Influence] = []
    for outcome in _asked(table, stick):
        ranked = rank_correlations(values, table.outcome(outcome), seed=seed)
        if ranked is None:
            continue
        for i in np.argsort(-np.abs(ranked.correlation), kind="stable"):
            key, says, kind = given[i]
            found.append(
                Influence(
                    outcome=outcome,
                    input=key,
                    says=says,
                    kind=kind,
                    correlation=float(ranked.correlation[i]),
                    low=float(ranked.low[i]),
                    high=float(ranked.high[i]),
                    told_apart=bool(abs(ranked.correlation[i]) > ranked.by_chance),
                )
            )
    return tuple(found)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Ends of Wilson's 95 % interval of a share of ``hits`` in ``n``; (0, 1) where there are none."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
    share, scale = hits / n, 1.0 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _chance(key: str, says: str, holds: NDArray[np.bool_], source: str, subject: str = "") -> Chance:
    n, hits = len(holds), int(np.count_nonzero(holds))
    low, high = wilson(hits, n)
    return Chance(
        key=key,
        says=says,
        probability_fraction=hits / n if n else 0.0,
        low_fraction=low,
        high_fraction=high,
        of=n,
        source=source,
        subject=subject,
    )


def _limits(key: str) -> Iterator[Cited]:
    limit = library.limit(key)
    return (row for row in (limit.note_below, limit.caution_below, limit.stop_below) if row is not None)


def _beyond(goal: Goal) -> str:
    return f", with {goal.margin_mm:g} mm around the lesion" if goal.margin_mm else ""


def _told(table: Table, nominal: Member, stick: Yardstick) -> Iterator[tuple[str, str, str]]:
    """Key, words and unit of each outcome whose distribution is told."""
    yield "target_fraction", f"coverage of the target by {stick.goal.isotherm_c:g} °C", "1"
    yield "least_margin_mm", f"least margin of {stick.goal.isotherm_c:g} °C around the lesion", "mm"
    for level in stick.isotherms_c:
        yield f"coverage_fraction_{level:g}", f"coverage of the lesion by {level:g} °C", "1"
        yield f"volume_ml_{level:g}", f"volume at or below {level:g} °C", "ml"
    for name, _ in stick.structures_mm:
        if np.min(table.outcome(f"coldest_c_{name}"), initial=np.inf) < BODY_C:
            yield f"coldest_c_{name}", f"coldest point of {name}", "°C"


def _asked(table: Table, stick: Yardstick) -> list[str]:
    """Outcomes whose causes are looked for: the margin, and the coldest of the structures."""
    keys = [f"coldest_c_{name}" for name, _ in stick.structures_mm]
    cold = {key: float(np.median(table.outcome(key))) for key in keys if len(table.number)}
    near = sorted((key for key in cold if cold[key] < BODY_C), key=lambda key: cold[key])
    return ["least_margin_mm", *near[:MOST_NAMED]]


def _spread(key: str, says: str, unit: str, nominal: float, values: Values) -> Spread:
    # "lower": a member's own value, so that -inf (nothing got that cold) is not blended into a number
    low, five, middle, most, high = (
        np.quantile(values, [0.0, 0.05, 0.5, 0.95, 1.0], method="lower") if len(values) else [np.nan] * 5
    )
    return Spread(
        key=key,
        says=says,
        unit=unit,
        nominal=_number(nominal),
        lowest=_number(low),
        fifth_percentile=_number(five),
        median=_number(middle),
        ninety_fifth_percentile=_number(most),
        highest=_number(high),
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _grid(lattice: Grid, low: NDArray[np.int_], high: NDArray[np.int_]) -> Grid:
    x, y, z = lattice.position_mm(low).tolist()
    i, j, k = (int(n) for n in np.subtract(high, low))
    return Grid(shape=(i, j, k), spacing_mm=lattice.spacing_mm, origin_mm=(x, y, z), direction=lattice.direction)

"""Plan the 24 generated cases, and again with fixed ellipsoids, and over scenarios; judge all by the solver.

Run by ``scripts/write_planner_table.py``, which says how.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import planner_page
import planning_cases
from planner_page import AGAIN, ELLIPSOIDS, GOAL_FRACTION, MOST_PROBES, PARTS, PLANNER, ROBUST, reached

from iceball import anatomy, assessment, io, library, planning, thermal
from iceball.nouns import Case, Goal, Plan, Probe, ThermalHistory, read_protocol
from iceball.planning.check import check, geometry
from iceball.planning.ellipsoids import Effort, ellipsoid_of, ellipsoid_plan
from iceball.planning.ways import Rules, for_probe, obstacles

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "reference" / "planner-cases.md"
PROBES = ("argon-17g-10mm", "argon-17g-22mm", "argon-17g-30mm", "argon-13g-35mm")
PROTOCOL = "10-8-10"
GOAL = Goal(isotherm_c=-20.0, margin_mm=0.0, coverage_fraction=GOAL_FRACTION)
SEED, SPACING_MM = 5, 1.0
WITHOUT_LIMIT = 16  # probes, where their number is what hinders
MAX_PROBES = "max_probes"


@dataclasses.dataclass(frozen=True)
class Found:
    """What a planner answered: its best plan, what it names as hindrance, and how long it took [s]."""

    plan: Plan
    hindrance: tuple[str, ...]
    planning_s: float


def asked(case: Case, **more: Any) -> planning.Planning:
    """Ask the planner."""
    probes = tuple(library.probe(name) for name in PROBES)
    usual: dict[str, Any] = {"max_probes": MOST_PROBES, "seed": SEED}
    return planning.optimise(case, probes=probes, protocol=read_protocol(PROTOCOL), goal=GOAL, **usual | more)


def planned(case: Case, *, max_probes: int = MOST_PROBES, rules: Rules | None = None) -> Found:
    """Its best plan, and how long that took."""
    begun = time.perf_counter()
    found = asked(case, max_probes=max_probes, rules=rules)
    seconds = time.perf_counter() - begun
    if found.best is None:
        raise ValueError("; ".join(finding.says for finding in found.findings) or "no plan, and no finding says why")
    return Found(plan=found.best.plan, hindrance=tuple(_named(each) for each in found.hindrances), planning_s=seconds)


def _named(hindrance: planning.Hindrance) -> str:
    return MAX_PROBES if hindrance.kind == "probes" else f"{hindrance.kind}: {hindrance.name}"


def by_ellipsoids(case: Case, like: Found) -> Found:
    """Plan with fixed ellipsoids: the same probe, as many of them, the same ways in, the same time."""
    probe, protocol = _most_used(like.plan), read_protocol(PROTOCOL)
    ellipsoid_of(probe, protocol, GOAL.isotherm_c)  # once for all cases; not part of the search
    effort = Effort(probes=len(like.plan.placements), seconds_s=like.planning_s, seed=SEED)
    begun = time.perf_counter()
    open_to = obstacles(case, for_probe(probe, Rules()))
    plan = ellipsoid_plan(case, probe, protocol, obstacles=open_to, goal=GOAL, effort=effort)
    return Found(plan=plan, hindrance=(), planning_s=time.perf_counter() - begun)


def _most_used(plan: Plan) -> Probe:
    names = [placement.probe.name for placement in plan.placements]
    return library.probe(max(dict.fromkeys(names), key=names.count))


def judged(case: Case, found: Found) -> dict[str, Any]:
    """What the solver at standard accuracy says of a plan."""
    history = thermal.simulate(case, found.plan, spacing_mm=SPACING_MM, accuracy="standard")
    moved = anatomy.displaced(case, found.plan.protections)  # what is at risk lies where dissection has pushed it
    result = assessment.assess(moved, history, goal_isotherm_c=GOAL.isotherm_c)
    said = (*result.findings, *check(moved, found.plan, history, assessment=result), *geometry(case, found.plan))
    goal = next(each for each in result.isotherms if each.isotherm_c == GOAL.isotherm_c)
    dice, healthy_ml = against_target(case, history)
    return {
        "coverage_fraction": goal.coverage_fraction,
        "dice": dice,
        "healthy_ml": healthy_ml,
        "stops": sorted({f"{each.rule}: {each.subject}" for each in said if each.severity == "stop"}),
        "cautions": sorted({each.rule for each in said if each.severity == "caution"}),
        "probes": len(found.plan.placements),
        "protections": len(found.plan.protections),
        "protocol": str(found.plan.protocol),
        "planning_s": round(found.planning_s, 1),
        "hindrance": list(found.hindrance),
    }


def against_target(case: Case, history: ThermalHistory) -> tuple[float, float]:
    """Dice of the goal's isotherm to the target with its margin, and what it takes beside the target [ml]."""
    cold = history.coldest.array <= GOAL.isotherm_c
    target, beyond = target_on(case, history)
    both = np.count_nonzero(cold & target)
    dice = 2.0 * both / (np.count_nonzero(cold) + np.count_nonzero(target) + beyond)
    return float(dice), float((np.count_nonzero(cold) - both) * history.coldest.grid.voxel_ml)


def target_on(case: Case, history: ThermalHistory) -> tuple[np.ndarray, float]:
    """(I, J, K) True in the target on the grid of ``history``, and how many such voxels of it lie beyond that grid."""
    from scipy import ndimage

    assert case.lesion is not None
    ct, grid = case.ct.grid, history.coldest.grid
    mask = case.lesion.mask.array > 0
    more = [int(np.ceil((GOAL.margin_mm + 1.0) / spacing)) for spacing in ct.spacing_mm]
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    near = np.pad(mask[box], [(n, n) for n in more])
    wanted = np.asarray(ndimage.distance_transform_edt(~near, sampling=ct.spacing_mm)) <= GOAL.margin_mm
    first = np.array([part.start for part in box]) - more
    centres = grid.position_mm(np.indices(grid.shape).reshape(3, -1).T)
    index = np.rint(ct.index_of(centres)).astype(int) - first
    inside = np.all((index >= 0) & (index < wanted.shape), axis=1)
    inside[inside] = wanted[tuple(index[inside].T)]
    whole = np.count_nonzero(wanted) * ct.voxel_ml / grid.voxel_ml
    return inside.reshape(grid.shape), max(0.0, whole - np.count_nonzero(inside))


def without(case: Case, hindrance: Iterable[str]) -> tuple[Case, int, Rules]:
    """The case, the number of probes and the rules with only what hinders taken away."""
    probes, opened = MOST_PROBES, []
    for each in hindrance:
        kind, _, name = each.partition(": ")
        if each == MAX_PROBES:
            probes = WITHOUT_LIMIT
        elif kind == "structure" and any(structure.name == name for structure in case.structures):
            case = _without_structure(case, name)
        elif kind == "ways":
            opened.append(name)
        else:
            raise ValueError(f"the planner names {each!r} as hindrance, which is nothing that can be taken away")
    return case, probes, Rules(allowed=tuple(opened))


def _without_structure(case: Case, name: str) -> Case:
    """The case as if nobody had to mind this structure: its tissue stays, its limit and its role go."""
    kept = tuple(
        dataclasses.replace(each, role="way_in", limit=None) if each.name == name else each for each in case.structures
    )
    return dataclasses.replace(case, structures=kept)


def done(number: int, keep: Path, parts: tuple[str, ...] = PARTS) -> str:
    """Do ``parts`` of the case ``number`` and keep them, what goes wrong as well. Return a line that says so."""
    file, begun = keep / f"{number:02d}.json", time.perf_counter()
    kept = _kept(file, number)
    case = planning_cases.make(number)
    for part, work in (
        (PLANNER, lambda: _first(case, keep / f"{number:02d}.plan.json")),
        (ELLIPSOIDS, lambda: judged(case, by_ellipsoids(case, _told(kept, keep, number)))),
        (AGAIN, lambda: _again(case, kept)),
        (ROBUST, lambda: _robust(case)),
    ):
        if part in kept or part not in parts:
            continue
        try:
            kept[part] = work()
        except Exception as wrong:
            kept[part] = {"failed": f"{type(wrong).__name__}: {wrong}"}
            traceback.print_exc()
        io.write_bytes(file, (json.dumps(kept, indent=1) + "\n").encode())
    return f"{number:02d} {time.perf_counter() - begun:.0f} s: {_short(kept[PLANNER])} | {_short(kept[ELLIPSOIDS])}"


def _kept(file: Path, number: int) -> dict[str, Any]:
    """What was done of the case before."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"number": number}


def whole(keep: Path, number: int, parts: tuple[str, ...]) -> bool:
    """Whether ``parts`` of the case were done before."""
    return set(parts) <= set(_kept(keep / f"{number:02d}.json", number))


def _first(case: Case, file: Path) -> dict[str, Any]:
    found = planned(case)
    io.write_plan(found.plan, file)
    return judged(case, found)


def _told(kept: dict[str, Any], keep: Path, number: int) -> Found:
    """What the planner answered, as far as the ellipsoids may know it."""
    row = kept[PLANNER]
    if "failed" in row:
        raise ValueError("the planner gave no plan to compare with")
    plan = io.read_plan(keep / f"{number:02d}.plan.json")
    return Found(plan=plan, hindrance=(), planning_s=row["planning_s"])


def _again(case: Case, kept: dict[str, Any]) -> dict[str, Any] | None:
    row = kept[PLANNER]
    if "failed" in row or reached(row):
        return None
    if not row["hindrance"]:
        return {"failed": "the plan names no hindrance"}
    freed, probes, rules = without(case, row["hindrance"])
    return judged(freed, planned(freed, max_probes=probes, rules=rules))


def _robust(case: Case) -> dict[str, Any]:
    """In how many new scenarios the robust and the nominal plan hold, and what each takes."""
    begun = time.perf_counter()
    found = asked(case, robust=True)
    seconds = time.perf_counter() - begun
    told = {option.name: _odds(option) for option in found.options if option.holds_in}
    robust = told.pop("recommended")
    return {"robust": robust, "nominal": told.get("nominal", robust), "planning_s": round(seconds, 1)}


def _odds(option: planning.Option) -> dict[str, Any]:
    assert option.holds_in is not None
    holds, of = option.holds_in
    freezing_s = sum(step.duration_s for step in option.plan.protocol.steps if step.kind == "freeze")
    return {
        "holds": holds,
        "of": of,
        "probes": len(option.plan.placements),
        "freezing_min": freezing_s / 60.0,
        "healthy_ml": option.healthy_ml,
    }


def _short(row: dict[str, Any]) -> str:
    if "failed" in row:
        return str(row["failed"])[:100]
    says = f"{100 * row['coverage_fraction']:.1f} %, Dice {row['dice']:.2f}, {row['probes']} probes"
    return f"{says}, {len(row['stops'])} stops, {row['planning_s']} s"


def write_page(keep: Path) -> None:
    """Write the page from every case that ``keep`` holds."""
    cases = {each.number: each for each in planning_cases.table()}
    rows = [
        _kept(keep / f"{number:02d}.json", number)
        for number in cases
        if whole(keep, number, (PLANNER, ELLIPSOIDS, AGAIN))
    ]
    io.write_bytes(PAGE, planner_page.page(cases, rows).encode())


def main() -> None:
    """Do what is asked and not done yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--cases", default="")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--parts", default=",".join(PARTS))
    asked = parser.parse_args()
    asked.keep.mkdir(parents=True, exist_ok=True)
    numbers = [int(part) for part in asked.cases.split(",") if part] or list(range(1, 25))
    parts = tuple(asked.parts.split(","))
    left = [] if asked.page else [n for n in numbers if not whole(asked.keep, n, parts)]
    if asked.workers == 1:
        for number in left:
            print(done(number, asked.keep, parts), flush=True)
    else:
        with ProcessPoolExecutor(asked.workers) as pool:
            for each in as_completed([pool.submit(done, number, asked.keep, parts) for number in left]):
                print(each.result(), flush=True)
    write_page(asked.keep)

"""Measure the error of the measures on phantoms; write the tables and the figure of measures-that-decide.md.

python scripts/write_measures.py                 (ten minutes on one core)
python scripts/write_measures.py figure          (seconds)
python scripts/write_measures.py tubes spines    (those tables alone)
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import matplotlib as mpl
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))  # the phantoms of the tests

import measures_figure
from bone_phantoms import Tube, balls_case, hip_case, tube_case
from spine_phantoms import Spine, spine_case

from iceball.anatomy import measures
from iceball.nouns import Case, Fact

mpl.use("Agg")

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "concepts" / "measures-that-decide.md"
FIGURE = ROOT / "docs" / "images" / "measures.png"
SPACINGS = ((0.7, 0.7, 1.0), (0.7, 0.7, 1.5), (0.7, 0.7, 3.0), (1.5, 1.5, 1.5), (3.0, 3.0, 3.0))
TUBES, WALLS, BALLS, SEED = 16, 12, 12, 2041


def facts(case: Case) -> dict[str, Fact]:
    """Facts of a case by key."""
    return {fact.key: fact for fact in measures.measure(case)}


def tubes() -> Iterable[tuple[Tube, int]]:
    """Random shafts: cortex, tilt, place, and a notch from 10 to 60 mm and 10 to 90 % that takes half, 70 % or all."""
    rng = np.random.default_rng(SEED)
    for number in range(TUBES):
        length = rng.uniform(10, 60)
        yield (
            Tube(
                axis=(*rng.uniform(-0.4, 0.4, 2), 1.0),
                centre_mm=tuple(rng.uniform(-2, 2, 3)),
                outer_mm=rng.uniform(11, 16),
                cortex_mm=rng.uniform(4, 6),
                notch_mm=length,
                notch_fraction=rng.uniform(0.1, 0.9),
                loss_fraction=(0.5, 0.7, 1.0, 1.0)[number % 4],
                turned_deg=rng.uniform(0, 360),
                half_mm=length / 2 + 33,
            ),
            number,
        )


def table_of_tubes() -> str:
    """Errors of the axial length, the circumference and of what is called a breach, for each voxel size."""
    rows = ["| voxels [mm] | along: median, worst [mm] | around: median, worst [points] | holes found | false |"]
    rows += ["|---|---|---|---|---|"]
    for spacing in SPACINGS:
        along, around, found, false, holes = [], [], 0, 0, 0
        for tube, seed in tubes():
            told = facts(tube_case(tube, spacing, seed=seed))
            along.append(told["cortex_axial_mm"].value - tube.notch_mm)
            around.append(100 * (told["cortex_circumference_fraction"].value - tube.notch_fraction))
            hole, breached = tube.loss_fraction == 1, bool(told["cortex_breached"].value)
            holes, found, false = holes + hole, found + (hole and breached), false + (breached and not hole)
        line = (_voxel(spacing), _errors(along), _errors(around), f"{found} of {holes}", f"{false} of {TUBES - holes}")
        rows.append(f"| {' | '.join(line)} |")
    return "\n".join(rows)


def spines() -> Iterable[tuple[Spine, bool]]:
    """Random lesions at the posterior wall of L3, tilted; every other one leaves its 1.5 mm of cortex standing."""
    rng = np.random.default_rng(SEED)
    for number in range(WALLS):
        stands = number % 2 == 1
        size = tuple(rng.uniform(8, 18, 3))
        at = (rng.uniform(-4, 4), -size[1] / 2, rng.uniform(-4, 4))
        spine = Spine(
            lesion_mm=size,
            at_mm=at,
            wall_left_mm=1.5 if stands else 0.0,
            squeezed=rng.uniform(0, 0.1) if stands else rng.uniform(0.25, 0.45),
            tilt_deg=rng.uniform(-15, 15),
        )
        yield spine, stands


def table_of_spines() -> str:
    """Breaches of the posterior wall, the share of the body and the loss of height, for each voxel size."""
    rows = ["| voxels [mm] | breaches found | false | body share: worst [points] | height lost: worst [points] |"]
    rows += ["|---|---|---|---|---|"]
    for spacing in SPACINGS:
        found, false, body, height, holes = 0, 0, [], [], 0
        for seed, (spine, stands) in enumerate(spines()):
            case = spine_case(spine, spacing, seed=seed)
            told = facts(case)
            breached = bool(told["posterior_wall_breached"].value)
            holes, found, false = holes + (not stands), found + (breached and not stands), false + (breached and stands)
            whole = 40 * 30 * 28 * (1 - spine.squeezed)
            solid = spine.lesion_mm[0] * (spine.lesion_mm[1] - spine.wall_left_mm) * spine.lesion_mm[2]
            body.append(100 * (told["vertebral_body_involved_fraction"].value - solid / whole))
            if not stands:
                height.append(100 * (told["vertebral_collapse_fraction"].value - spine.squeezed))
        line = (_voxel(spacing), f"{found} of {holes}", f"{false} of {WALLS - holes}", _worst(body), _worst(height))
        rows.append(f"| {' | '.join(line)} |")
    return "\n".join(rows)


def table_of_roofs() -> str:
    """Holes in the roof of the acetabulum: told from roofs that stand, by how much of the plate of 2 mm is left."""
    rows = ["| voxels [mm] | hole of 16 mm | 1 mm of 2 mm left | lesion 12 mm above |", "|---|---|---|---|"]
    for spacing in SPACINGS:
        told = [
            facts(hip_case(at, radius, spacing)).get("acetabular_roof_breached")
            for at, radius in (((0, 0, 34.0), 12.0), ((0, 0, 36.0), 10.0), ((0, 0, 45.0), 8.0))
        ]
        words = [("breached" if fact.value else "stands") if fact else "left out" for fact in told]
        rows.append(f"| {_voxel(spacing)} | {' | '.join(words)} |")
    return "\n".join(rows)


def table_of_balls() -> str:
    """Distances between balls, and the calliper of a ball, for each voxel size."""
    rng = np.random.default_rng(SEED)
    made = [(rng.uniform(2, 40), rng.normal(size=3)) for _ in range(BALLS)]
    rows = [
        "| voxels [mm] | distance: median, worst [mm] | calliper of 12 mm: median, worst [mm] |",
        "|---|---|---|",
    ]
    for spacing in SPACINGS:
        away, wide = [], []
        for between, way in made:
            told = facts(balls_case(spacing, between_mm=between, direction=tuple(way)))
            away.append(told["distance_vessel_mm"].value - between)
            wide.append(told["lesion_diameter_mm"].value - 12)
        rows.append(f"| {_voxel(spacing)} | {_errors(away)} | {_errors(wide)} |")
    return "\n".join(rows)


def _voxel(spacing: tuple[float, ...]) -> str:
    return " × ".join(f"{s:g}" for s in spacing)


def _errors(errors: list[float]) -> str:
    return f"{np.median(errors):+.1f}, {_worst(errors)}"


def _worst(errors: list[float]) -> str:
    return f"{errors[int(np.argmax(np.abs(errors)))]:+.1f}"


TABLES: dict[str, Callable[[], str]] = {
    "tubes": table_of_tubes,
    "spines": table_of_spines,
    "roofs": table_of_roofs,
    "balls": table_of_balls,
}


def main() -> None:
    """Write the figure and the tables, or those that are named."""
    wanted = sys.argv[1:] or ["figure", *TABLES]
    if unknown := [name for name in wanted if name not in ("figure", *TABLES)]:
        raise SystemExit(f"no table {', '.join(unknown)}; there are: figure, {', '.join(TABLES)}")
    if "figure" in wanted:
        measures_figure.draw(FIGURE)
        print(f"wrote docs/images/{FIGURE.name}")
    for name in (name for name in TABLES if name in wanted):
        start = time.perf_counter()
        block = f"<!-- {name}: written by scripts/write_measures.py -->\n{TABLES[name]()}\n<!-- end of {name} -->"
        text = PAGE.read_text(encoding="utf-8")
        text, count = re.subn(rf"<!-- {name}: .*?<!-- end of {name} -->", lambda _, b=block: b, text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{PAGE.name} has no place for the table {name}")
        PAGE.write_text(text, encoding="utf-8")
        print(f"{name}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()

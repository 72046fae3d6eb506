"""Mark the eleven real lesions from moved clicks, and with each number of the method moved; write a page of counts.

Usage: ``python scripts/write_lesion_robustness.py ../shared/data/bone_lesions_ct``; ten minutes.
"""

from __future__ import annotations

import contextlib
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from iceball import io
from iceball.anatomy.lesion import _border, _hypotheses, find_lesion
from iceball.errors import InputError
from iceball.nouns import Case

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "lesions-moved.md"
WITHIN, DRAWS, FARTHEST_MM, SHARE = 1.5, 8, 3.0, 0.2
ABOUT = ["STARTS_MM", "BLUR_MM", "EVEN_HU", "LEAST", "LARGEST", "INNER_MM", "OUTER_MM", "RIM_SHARE", "RIM_MM", "OUT"]
ABOUT += ["OUT_PER_MM", "OUT_MOST_MM", "BY_SIZE", "STIFF", "CLICK_MM"]
BORDER = ["CORE_MM", "GAP_MM", "RIM_MM", "RIM_SHARE", "APART", "OFTEN", "UNEVEN", "STRAY_MM", "NEAR_PER_MM", "OUT"]
BORDER += ["SURE", "STEEP", "SAME"]
MOVED = {_hypotheses: ABOUT, _border: BORDER}
HEAD = """# The eleven real lesions, the click and the method moved

How many of the eleven ([](lesions.md)) are held when the click is moved, and when a number of the method is. Written by
`scripts/write_lesion_robustness.py`.

"""
Lesion = tuple[Case, np.ndarray, np.ndarray]


def main(folder: Path) -> None:
    """Write the page."""
    lesions = list(_lesions(folder))
    rng, counts = np.random.default_rng(0), []
    by_lesion = np.zeros(len(lesions), dtype=int)
    for _ in range(DRAWS):
        ways = rng.normal(size=(len(lesions), 3))
        ways *= FARTHEST_MM * rng.uniform(size=(len(lesions), 1)) ** (1 / 3) / np.linalg.norm(ways, axis=1)[:, None]
        held = [_held(lesion, way) for lesion, way in zip(lesions, ways, strict=True)]
        by_lesion += held
        counts.append(sum(held))
        print("moved click:", counts[-1], flush=True)
    text = f"## The click moved\n\nEvenly within {FARTHEST_MM:g} mm of the middle of the box, {DRAWS} draws: "
    text += f"{', '.join(map(str, counts))} of {len(lesions)}; {np.mean(counts):.1f} on average.\n\n"
    text += "| lesion | " + " | ".join(map(str, range(1, len(lesions) + 1))) + " |\n|---|" + "--:|" * len(lesions)
    text += f"\n| held, of {DRAWS} | " + " | ".join(map(str, by_lesion)) + " |\n\n"
    text += f"## Each number of the method moved by {SHARE:.0%}\n\n| number | less | more |\n|---|--:|--:|\n"
    for module, names in MOVED.items():
        for name in names:
            found = [_count(lesions, module, name, 1.0 + sign * SHARE) for sign in (-1, 1)]
            text += f"| `{module.__name__.rpartition('.')[2]}.{name}` | {found[0]} | {found[1]} |\n"
            print(name, *found, flush=True)
    io.write_bytes(PAGE, (HEAD + text).encode())


def _lesions(folder: Path) -> Iterator[Lesion]:
    cases: dict[str, Case] = {}
    with (folder / "lesion_boxes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            case = cases.setdefault(row["image"], io.read_scan(folder / row["image"]))
            middle = np.array([float(row[f"centre_{axis}_lps_mm"]) for axis in "xyz"])
            yield case, middle, np.array([float(row[f"size_{axis}_mm"]) for axis in "xyz"])


def _held(lesion: Lesion, away_mm: np.ndarray) -> bool:
    case, middle, size = lesion
    x, y, z = (float(each) for each in middle + away_mm)
    try:
        found = find_lesion(case, seed_mm=(x, y, z))
    except InputError:
        return False
    ratio = np.array(found.extent_mm) / size
    centre = case.ct.grid.position_mm(np.argwhere(found.mask.array)).mean(axis=0)
    return bool((np.abs(centre - middle) <= size / 2).all() and max(ratio.max(), 1 / ratio.min()) <= WITHIN)


def _count(lesions: list[Lesion], module: ModuleType, name: str, factor: float) -> int:
    with _moved(module, name, factor):
        return sum(_held(lesion, np.zeros(3)) for lesion in lesions)


@contextlib.contextmanager
def _moved(module: ModuleType, name: str, factor: float) -> Iterator[None]:
    before = getattr(module, name)
    after = tuple(each * factor for each in before) if isinstance(before, tuple) else before * factor
    setattr(module, name, after)
    try:
        yield
    finally:
        setattr(module, name, before)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

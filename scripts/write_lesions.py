"""Mark the eleven real lesions from one click each and write docs/reference/lesions.md with a picture of each.

Usage: ``python scripts/write_lesions.py ../shared/data/bone_lesions_ct``. The box of the data set is held against the
mask afterwards; the method sees its middle only.
"""

from __future__ import annotations

import csv
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from iceball import io
from iceball.anatomy.lesion import find_lesion
from iceball.nouns import Case
from iceball.report.lesion import lesion_picture

ROOT = Path(__file__).resolve().parent.parent
PAGE, PICTURES = ROOT / "docs" / "reference" / "lesions.md", ROOT / "docs" / "images" / "lesions"
WITHIN = 1.5
# What is seen in the pictures of those that are missed, in a layman's words.
WHY = {
    3: "a rib swollen by soft tissue; the box takes in the swollen shell, which looks like other bone: the mask keeps "
    "to the soft middle",
    7: "a rib in pieces inside a large mass; at the click lies one of the pieces, which stands out from the mass by "
    "itself, and the mask keeps to it",
}
HEAD = """# The eleven real lesions

From one click at the middle of the box that the data set gives, the box itself withheld. A lesion counts where the mask
is one piece, its centre lies in the box, and its extent along each axis is within a factor of 1.5 of the box. The boxes
are those of the data set's makers; no expert has looked at the masks. Real lesions only: implanted ones have a page of
their own ([](implanted.md)). Written by `scripts/write_lesions.py`; the method: [](../concepts/lesion-from-a-click.md).

"""


def main(folder: Path) -> None:
    """Write the page and its pictures from the patches in ``folder``."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    lines, pictures, held, cases = [], [], 0, {}
    with (folder / "lesion_boxes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=1):
        case = cases.setdefault(row["image"], io.read_scan(folder / row["image"]))
        ok, line, picture = _one(case, number, row)
        held += ok
        lines.append(line)
        pictures.append(picture)
    table = (
        "| no. | patch | box [mm] | mask over box, each axis | matrix | ml | s | |\n|--:|---|---|---|---|--:|--:|---|\n"
    )
    text = (
        HEAD
        + f"**{held} of {len(rows)} are within the factor.**\n\n"
        + table
        + "".join(lines)
        + "\n"
        + "".join(pictures)
    )
    io.write_bytes(PAGE, text.encode())


def _one(case: Case, number: int, row: dict[str, str]) -> tuple[bool, str, str]:
    middle = np.array([float(row[f"centre_{axis}_lps_mm"]) for axis in "xyz"])
    size = np.array([float(row[f"size_{axis}_mm"]) for axis in "xyz"])
    start = time.perf_counter()
    found = find_lesion(case, seed_mm=tuple(middle))
    seconds = time.perf_counter() - start
    ratio = np.array(found.extent_mm) / size
    centre = case.ct.grid.position_mm(np.argwhere(found.mask.array)).mean(axis=0)
    inside = bool((np.abs(centre - middle) <= size / 2).all())
    ok = inside and max(ratio.max(), 1 / ratio.min()) <= WITHIN
    marked = dataclasses.replace(case, lesion=found.lesion())
    corners = tuple(map(float, middle - size / 2)), tuple(map(float, middle + size / 2))
    title = f"{number}: mask red, box of the data set blue; made by iceball from a click, not by an expert"
    io.write_bytes(PICTURES / f"{number:02d}.png", lesion_picture(marked, title, box_mm=corners))
    verdict = "held" if ok else "**missed**"
    sizes = " × ".join(f"{each:.0f}" for each in size)
    ratios = ", ".join(f"{each:.2f}" for each in ratio)
    cells = (number, row["image"], sizes, ratios, found.matrix, f"{found.volume_ml:.1f}", f"{seconds:.1f}", verdict)
    line = "| " + " | ".join(map(str, cells)) + " |\n"
    why = "" if ok else f"\nMissed: {WHY.get(number, 'not explained yet')}.\n"
    shown = f"![Lesion {number}: three planes, the mask and the box](../images/lesions/{number:02d}.png)"
    picture = f"\n## Lesion {number}\n{why}\n{shown}\n"
    return ok, line, picture


if __name__ == "__main__":
    main(Path(sys.argv[1]))

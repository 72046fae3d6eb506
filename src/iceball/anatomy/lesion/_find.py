"""Find the lesion about a click, or in a box."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.doubting import require_hu
from iceball.anatomy.lesion._choosing import RADII_MM, Candidate, candidate, ranked
from iceball.anatomy.lesion._growing import Tools, grow
from iceball.anatomy.lesion._looks import looks
from iceball.anatomy.lesion._telling import told
from iceball.anatomy.lesion._window import HALF_MM, Surroundings, Window, on_ct, surroundings, window
from iceball.errors import GeometryError, InputError
from iceball.nouns import FoundLesion, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case
    from iceball.nouns._noun import Point

BOX_ROOM = 1.15  # how far beyond a box that a person drew the mask may reach, as a share of the box
FEWEST_VOXELS = 8  # of the CT: less is a speck, and no shape

Box = tuple[float, float, float, float, float, float]


def find_lesion(case: Case, *, seed_mm: Point | None = None, box_mm: Box | None = None) -> FoundLesion:
    """Mark the lesion about the point ``seed_mm``, or in the box ``box_mm``; one of the two.

    About a seed, lesions of seven sizes are grown; each is learnt from its middle against the rim around it, by
    density, the density around and texture, and kept smooth, near and in bone. The one is taken whose inside differs
    most from its outside for its surface, and whose size does not hang on the size that was tried. In a box its size is
    known.

    Parameters
    ----------
    case : Case
        CT (I, J, K) [HU]; labels of bone are used where there are any. A lesion that the case has is not looked at.
    seed_mm : Point, optional
        a point inside the lesion, LPS [mm]
    box_mm : six numbers, optional
        two opposite corners of a box around the lesion, LPS [mm]

    Raises
    ------
    GeometryError : if the point or the box's middle lies outside the scan, or the box is too thin or too wide
    InputError : if neither or both are given, the CT is not in HU, the point lies in gas or metal, or nothing
        stands out there

    Source: this project's own method; what it reaches is measured in the docs.
    """
    if (seed_mm is None) == (box_mm is None):
        raise InputError("give a seed in the lesion or a box around it: one of the two")
    centre, half_mm = (seed_mm, None) if box_mm is None else _box(box_mm)
    assert centre is not None
    require_hu(case.ct, case.field_of_view)
    _check_place(case, centre, "seed" if box_mm is None else "middle of the box")
    around = surroundings(case, centre)
    found = _about_seed(around) if half_mm is None else _in_box(around, half_mm)
    if not found:
        raise InputError(
            f"no lesion stands out about {_text(centre)} mm: what lies there looks like what lies around it. Click its "
            "middle, or draw a box around it (--box)"
        )
    best = found[0][1]
    part = on_ct(best.mask, around, best.spacing_mm)
    if np.count_nonzero(part) < FEWEST_VOXELS:
        raise InputError(
            f"what stands out about {_text(centre)} mm is smaller than {FEWEST_VOXELS} voxels of the CT: "
            "click the middle of the lesion, or draw a box around it (--box)"
        )
    mask = np.zeros(case.ct.grid.shape, dtype=np.uint8)
    mask[around.place] = part
    return told(Volume(grid=case.ct.grid, array=mask, quantity="label"), around, found, by_box=half_mm is not None)


def _about_seed(around: Surroundings) -> list[tuple[float, Candidate]]:
    """Candidates of every size, the best first."""
    seen = {step: window(around, step) for step in sorted({step for _, step in RADII_MM})}
    seen_looks = {step: looks(each) for step, each in seen.items()}
    away = {step: np.sqrt((each.away_mm**2).sum(axis=-1)) for step, each in seen.items()}
    found: list[Candidate] = []
    for radius, step in RADII_MM:
        n = (seen[step].hu.shape[0] - 1) // 2
        keep = min(n, math.ceil((2 * radius + 11.0) / step))  # what growing to this size looks at
        side = slice(n - keep, n + keep + 1)
        part = (side, side, side)
        tools = Tools(
            seen=_cut(seen[step], part),
            looks=seen_looks[step].cut(part),
            size=away[step][part] / radius,
            radius_mm=radius,
        )
        if (small := grow(tools)) is None or not small.any():
            continue
        mask = np.zeros(seen[step].hu.shape, dtype=bool)
        mask[part] = small
        found.append(candidate(mask, seen[step], seen_looks[step], radius))
    return ranked(found)


def _in_box(around: Surroundings, half_mm: NDArray[np.float64]) -> list[tuple[float, Candidate]]:
    """The one candidate of the box's size, cut off a little beyond the box."""
    radius = float(np.prod(half_mm) ** (1 / 3))
    step = 1.0 if radius <= 15.0 else 2.0
    seen = window(around, step)
    axes = np.asarray(around.case.ct.grid.direction).reshape(3, 3)
    along = np.abs(seen.away_mm @ axes.T)  # LPS
    size = np.sqrt(((along / half_mm) ** 2).sum(axis=-1))
    within = (along <= BOX_ROOM * half_mm).all(axis=-1)
    tools = Tools(seen=seen, looks=looks(seen), size=size, radius_mm=radius)
    mask = grow(tools)
    if mask is None or not (mask & within).any():
        return []
    return ranked([candidate(mask & within, seen, tools.looks, radius)])


def _cut(seen: Window, part: tuple[slice, slice, slice]) -> Window:
    fields = ("hu", "solid", "off_bone_mm", "away_mm")
    return dataclasses.replace(seen, **{field: getattr(seen, field)[part] for field in fields})


def _box(box_mm: Box) -> tuple[Point, NDArray[np.float64]]:
    """Middle and half sizes [mm] of a box given by two corners."""
    corners = np.asarray(box_mm, dtype=float).reshape(2, 3)
    half = np.abs(corners[1] - corners[0]) / 2
    if half.min() < 1.5 or half.max() > HALF_MM - 5.0:
        sizes = " × ".join(f"{2 * each:.1f}" for each in half)
        raise GeometryError(f"a box of {sizes} mm: each side must be 3 to {2 * (HALF_MM - 5.0):g} mm")
    x, y, z = (float(each) for each in corners.mean(axis=0))
    return (x, y, z), half


def _check_place(case: Case, point: Point, what: str) -> None:
    """Refuse a point where no lesion can be."""
    if not case.ct.grid.contains(point):
        raise GeometryError(
            f"the {what} {_text(point)} mm lies outside the scan: give LPS mm (Slicer's R and A are -L, -P)"
        )
    i, j, k = (int(each) for each in np.rint(case.ct.grid.index_of(point)))
    if case.field_of_view is not None and not case.field_of_view.array[i, j, k]:
        raise GeometryError(f"the {what} {_text(point)} mm lies where nothing was scanned: click in the scan")
    hu = float(case.ct.array[i, j, k])
    rules = library.hu_rules()
    if hu < rules["gas_below_hu"].value:
        raise InputError(f"the {what} {_text(point)} mm lies in gas ({hu:.0f} HU): click in the lesion")
    if hu > rules["metal_above_hu"].value:
        raise InputError(f"the {what} {_text(point)} mm lies in metal ({hu:.0f} HU): click in the lesion")


def _text(point: Point) -> str:
    return "(" + ", ".join(f"{each:.1f}" for each in point) + ")"

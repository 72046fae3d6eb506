"""Find the lesion about a click, or in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._pieces import largest_piece
from iceball.anatomy.doubting import require_hu
from iceball.anatomy.lesion._border import refined
from iceball.anatomy.lesion._hypotheses import Hypothesis, agreed, balls, hypotheses, rays_of
from iceball.anatomy.lesion._star import STEP_MM, STEPS, ball_of, star
from iceball.anatomy.lesion._telling import told
from iceball.anatomy.lesion._window import HALF_MM, Surroundings, Window, on_ct, surroundings, window
from iceball.errors import GeometryError, InputError
from iceball.nouns import FoundLesion, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case
    from iceball.nouns._noun import Point

BOX_ROOM = 1.15  # how far beyond a box that a person drew the mask may reach, as a share of the box
BOX_STARTS = (0.7, 0.85, 1.0)  # shares of the box
SPACING_MM = 1.0
WIDEST_MM = 2 * (STEPS - 1) * STEP_MM  # of a box: the rays reach no farther
TOUCH_MM = 3.0  # a lesion of bone lies no farther from bone than a destroyed cortex is thick
FEWEST_VOXELS = 8  # of the CT: less is a speck, and no shape

Box = tuple[float, float, float, float, float, float]


def find_lesion(case: Case, *, seed_mm: Point | None = None, box_mm: Box | None = None) -> FoundLesion:
    """Mark the lesion about the point ``seed_mm``, or in the box ``box_mm``; one of the two.

    About a seed, five sizes are tried. Each is learnt from its inside against the rim around, and its surface, which
    every ray from the seed leaves once, is the best one under a stiffness (a minimum cut); five surfaces agree on one
    by their weighted median, ray by ray. Where the lesion has a density of its own, a random walk (scikit-image) then
    draws the border half way to what lies around. In a box the sizes are the box's.

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
    InputError : if neither or both are given, the CT is not in HU, the point lies in gas or metal, nothing stands
        out there, or what stands out touches no bone

    Source: this project's own method; what it reaches is measured in the docs.
    """
    if (seed_mm is None) == (box_mm is None):
        raise InputError("give a seed in the lesion or a box around it: one of the two")
    centre, half_mm = (seed_mm, None) if box_mm is None else _box(box_mm)
    assert centre is not None
    require_hu(case.ct, case.field_of_view)
    _check_place(case, centre, "seed" if box_mm is None else "middle of the box")
    around = surroundings(case, centre)
    seen = window(around, SPACING_MM)
    found, off = _about_seed(seen) if half_mm is None else _in_box(seen, around, half_mm)
    if sum(each.weight for each in found) <= 0.0:
        raise InputError(
            f"no lesion stands out about {_text(centre)} mm: what lies there looks like what lies around it. Click its "
            "middle, or draw a box around it (--box)"
        )
    middle = ball_of(agreed(found), seen.hu.shape[0], SPACING_MM) & seen.solid
    mask = np.zeros(case.ct.grid.shape, dtype=np.uint8)
    mask[around.place] = _on_ct(refined(middle, seen) & (off <= BOX_ROOM), seen, around)
    return told(Volume(grid=case.ct.grid, array=mask, quantity="label"), around, found, by_box=half_mm is not None)


def _on_ct(mask: NDArray[np.bool_], seen: Window, around: Surroundings) -> NDArray[np.bool_]:
    """Put ``mask`` back on the CT, one piece; refuse a speck, and what touches no bone."""
    part = largest_piece(on_ct(mask, around, SPACING_MM), np.ones((3, 3, 3), dtype=bool))
    if part is None or np.count_nonzero(part) < FEWEST_VOXELS:
        raise InputError(
            f"what stands out about {_text(around.centre_mm)} mm is smaller than {FEWEST_VOXELS} voxels of the CT: "
            "click the middle of the lesion, or draw a box around it (--box)"
        )
    off_mm = float(seen.off_bone_mm[mask].min())
    if off_mm > TOUCH_MM:
        far = "no bone is seen there" if off_mm > HALF_MM else f"the next bone is {off_mm:.0f} mm off"
        raise InputError(
            f"what stands out about {_text(around.centre_mm)} mm touches no bone ({far}): click a lesion of bone; "
            "where the labels call its bone something else, mend them"
        )
    return part


def _about_seed(seen: Window) -> tuple[list[Hypothesis], NDArray[np.float64]]:
    """Hypotheses of every size about a click, and how far off the click each place lies, in boxes: never out."""
    return hypotheses(rays_of(seen), balls()), np.zeros(seen.hu.shape)


def _in_box(seen: Window, around: Surroundings, half_mm: NDArray[np.float64]) -> tuple[list[Hypothesis], Any]:
    """Hypotheses that start from ellipsoids in a box, and (N, N, N) how far off its middle a place is."""
    axes = np.asarray(around.case.ct.grid.direction).reshape(3, 3)
    off = (np.abs(seen.away_mm @ axes.T) / half_mm).max(axis=-1)
    ways = np.abs(star().ways @ axes.T)
    edge = 1.0 / np.sqrt(((ways / half_mm) ** 2).sum(axis=1)) / STEP_MM
    beyond = np.where(off > BOX_ROOM, 4.0, np.where(off > 1.0, 0.5, -0.3)).astype(np.float32)
    return hypotheses(rays_of(seen, beyond=beyond), [np.maximum(share * edge, 2.0) for share in BOX_STARTS]), off


def _box(box_mm: Box) -> tuple[Point, NDArray[np.float64]]:
    """Middle and half sizes [mm] of a box given by two corners."""
    corners = np.asarray(box_mm, dtype=float).reshape(2, 3)
    half = np.abs(corners[1] - corners[0]) / 2
    if half.min() < 1.5 or 2 * half.max() > WIDEST_MM:
        sizes = " × ".join(f"{2 * each:.1f}" for each in half)
        raise GeometryError(f"a box of {sizes} mm: each side must be 3 to {WIDEST_MM:g} mm")
    x, y, z = (float(each) for each in corners.mean(axis=0))
    return (x, y, z), half


def _check_place(case: Case, point: Point, what: str) -> None:
    """Refuse a point where no lesion can be."""
    if not case.ct.grid.contains(point):
        raise GeometryError(
            f"the {what} {_text(point)} mm lies outside the scan: give LPS mm (Slicer's R and A are -L, -P)"
        )
    last = np.asarray(case.ct.grid.shape) - 1  # a point on the scan's outer face rounds to beyond it
    i, j, k = (int(each) for each in np.clip(np.rint(case.ct.grid.index_of(point)), 0, last))
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

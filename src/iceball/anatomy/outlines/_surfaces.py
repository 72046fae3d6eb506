"""Skin and pleura: shells at a border, guessed from the CT; and the lung."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._body import body
from iceball.anatomy._pieces import numbered
from iceball.anatomy.outlines._blocks import (
    Place,
    ball,
    closed,
    cube_grown,
    eroded,
    grown,
    pooled,
    spread,
    steps_of,
    whole,
)
from iceball.anatomy.outlines._canal import Outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Grid

SKIN, LUNG, PLEURA = "skin", "lung", "pleura"
OUTSIDE_FRACTION = 0.7  # border to body of a piece of the room; gas in the bowel has little border
BESIDE_MM = (4.2, 9.0)  # beyond the pleura or the skin, where a chest wall has muscle and a back has fat
CLOSE_MM = 4.0  # half the width of a vessel in the lung that is filled: numerical
LEAST_SKIN_ML = 0.1


def skin(case: Case, *, within: Place | None = None) -> Outline | None:
    """Skin, of the part ``within`` of the CT: what of the body lies near the air of the room; None without any.

    Where the border of the scan cuts the body there is no skin.

    Parameters
    ----------
    case : Case
        CT, and field of view where there is one
    within : three slices, optional
        the part that is asked for

    Source: this project's own method; thickness from ``library.outline_rules()``.
    """
    slab, inner = slab_of(case.ct.grid, within)
    return skin_from(body_of(case, slab), case, slab, inner)


def skin_from(inside: NDArray[np.bool_], case: Case, slab: Place, inner: Place) -> Outline | None:
    """Skin of the body ``inside`` (I, J, K) of the part ``slab``."""
    view = None if case.field_of_view is None else case.field_of_view.array[slab] > 0
    room = _room(inside, view, case.ct.grid) | _lung_and_foam(inside, case, slab)[1]
    thickness = library.outline_rules()["skin_thickness_mm"].value
    shell = grown(room, thickness, case.ct.grid.spacing_mm) & inside & ~room
    mask = shell[inner]
    mask &= case.ct.array[slab][inner] > library.hu_rules()["gas_below_hu"].value
    if np.count_nonzero(mask) * case.ct.grid.voxel_ml < LEAST_SKIN_ML:
        return None
    note = "estimated by iceball from the body's surface: nobody drew it"
    return Outline(name=SKIN, mask=mask, estimated=True, note=note)


def lung(case: Case, *, within: Place | None = None) -> Outline | None:
    """Lung, of the part ``within`` of the CT: large pieces of gas in the body that are no darker than lung.

    Gas in the bowel is smaller or darker. Vessels in the lung are part of it.

    Parameters
    ----------
    case : Case
        CT, and field of view where there is one
    within : three slices, optional
        the part that is asked for; pieces are measured on whole slices

    Source: this project's own method; thresholds from ``library.hu_rules()`` and ``library.outline_rules()``.
    """
    slab, inner = slab_of(case.ct.grid, within)
    return lung_from(body_of(case, slab), case, slab, inner)


def lung_from(inside: NDArray[np.bool_], case: Case, slab: Place, inner: Place) -> Outline | None:
    """Lung in the body ``inside`` (I, J, K) of the part ``slab``."""
    mask = _lung_and_foam(inside, case, slab)[0][inner]
    if not mask.any():
        return None
    note = "estimated by iceball from gas in the body: nobody drew it; much gas in the bowel can pass for lung"
    return Outline(name=LUNG, mask=mask, estimated=True, note=note)


def pleura(case: Case, *, within: Place | None = None) -> Outline | None:
    """Pleura, of the part ``within`` of the CT: a shell around the lung, by its labels, or by ``lung`` without any.

    Parameters
    ----------
    case : Case
        CT and labels
    within : three slices, optional
        the part that is asked for

    Source: this project's own method; thickness from ``library.outline_rules()``.
    """
    drawn = labelled_lung(case, within)
    if drawn is not None:
        return pleura_of(drawn, case.ct.grid)
    found = lung(case, within=within)
    return None if found is None else pleura_of(found.mask, case.ct.grid)


def pleura_of(air: NDArray[np.bool_], grid: Grid) -> Outline | None:
    """Shell around the lung ``air`` (I, J, K)."""
    thickness = library.outline_rules()["pleura_thickness_mm"].value
    mask = grown(air, thickness, grid.spacing_mm) & ~air
    note = "estimated by iceball as a shell around the lung: nobody drew it"
    return Outline(name=PLEURA, mask=mask, estimated=True, note=note) if mask.any() else None


def labelled_lung(case: Case, within: Place | None) -> NDArray[np.bool_] | None:
    """(I, J, K) True in what the case's labels call lung; None where they call nothing so."""
    numbers = [s.label for s in case.structures if s.name == LUNG or s.name.startswith(f"{LUNG}_")]
    if case.labels is None or not numbers:
        return None
    mask = np.isin(case.labels.array if within is None else case.labels.array[within], numbers)
    return mask if mask.any() else None


def _room(inside: NDArray[np.bool_], view: NDArray[np.bool_] | None, grid: Grid) -> NDArray[np.bool_]:
    """(I, J, K) True in what is not body, was scanned, and comes in large pieces."""
    room = ~inside if view is None else ~inside & view
    steps = steps_of(grid.spacing_mm)
    blocks = pooled(room, steps, np.max)
    pieces, count = numbered(blocks)
    large = np.bincount(pieces.ravel(), minlength=count + 1) * grid.voxel_ml * np.prod(steps)
    beside, border = _faces(pieces, count, None if view is None else pooled(view, steps, np.max))
    kept = (large >= library.outline_rules()["room_least_ml"].value) & (border >= OUTSIDE_FRACTION * beside)
    kept[0] = False
    return room & spread(kept[pieces], steps, room.shape)


def _faces(
    pieces: NDArray[np.int32], count: int, view: NDArray[np.bool_] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many faces of each piece meet something else, and how many the border of what was scanned."""
    beside, border = np.zeros(count + 1, dtype=np.intp), np.zeros(count + 1, dtype=np.intp)
    framed = np.pad(pieces, 1, constant_values=-1)
    if view is not None:
        framed[1:-1, 1:-1, 1:-1][~view] = -1
    for axis in range(3):
        first = framed.take(range(framed.shape[axis] - 1), axis=axis).ravel()
        second = framed.take(range(1, framed.shape[axis]), axis=axis).ravel()
        for one, other in ((first, second), (second, first)):
            beside += np.bincount(one[(one > 0) & (other == 0)], minlength=count + 1)
            border += np.bincount(one[(one > 0) & (other < 0)], minlength=count + 1)
    return beside, border


def _lung_and_foam(inside: NDArray[np.bool_], case: Case, slab: Place) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Lung, vessels in, and the foam of a mattress that passed for body: two (I, J, K) masks of the part ``slab``."""
    spacing = case.ct.grid.spacing_mm
    hu = np.asarray(case.ct.array[slab], dtype=np.float32)
    gas = library.hu_rules()["gas_below_hu"].value
    steps = steps_of(spacing)
    size = (spacing[0] * steps[0], spacing[1] * steps[1], spacing[2] * steps[2])
    coarse = pooled(hu, steps, np.mean)
    pieces, count = numbered((coarse < gas) & (pooled(inside, steps, np.mean) > 0.5))
    both = []
    for kept in _lung_pieces(pieces, count, coarse, size):
        shut = closed(kept[pieces], ball(CLOSE_MM, size), border=True)
        deep, around = spread(eroded(shut), steps, hu.shape), spread(grown(shut, 0.0, size), steps, hu.shape)
        both.append(deep | (around & (hu < gas) & inside))
    return both[0], both[1]


def _lung_pieces(
    pieces: NDArray[np.int32], count: int, coarse: NDArray[np.float32], size: tuple[float, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the ``pieces`` of gas are lung, and which are foam: large, and as dark as lung; foam lies on fat."""
    from scipy import ndimage  # only here: slow to import

    volume_ml = np.bincount(pieces.ravel(), minlength=count + 1) * np.prod(size) / 1000.0
    cut = np.zeros(count + 1, dtype=bool)
    for side in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1], pieces[:, :, 0], pieces[:, :, -1]):
        cut[np.unique(side)] = True
    rules = library.outline_rules()
    large = volume_ml >= np.where(cut, rules["lung_least_cut_ml"].value, rules["lung_least_ml"].value)
    large[0] = False
    lung, foam = np.zeros(count + 1, dtype=bool), np.zeros(count + 1, dtype=bool)
    for number in np.flatnonzero(large):
        piece = pieces == number
        if float(ndimage.median(coarse[piece])) > library.hu_rules()["lung_median_above_hu"].value:
            lies_on_fat = _fat_beside(piece, coarse, size) > rules["lung_fat_fraction"].value
            (foam if lies_on_fat else lung)[number] = True
    return lung, foam


def _fat_beside(piece: NDArray[np.bool_], coarse: NDArray[np.float32], size: tuple[float, ...]) -> float:
    """Share of fat in the soft tissue a little way from ``piece``."""
    near, far = (cube_grown(piece, by_mm, size) for by_mm in BESIDE_MM)
    fat = library.hu_rules()["fat_below_hu"].value
    tissue = far & ~near & (coarse > 10.0 * fat)
    return float(np.mean(coarse[tissue] < fat)) if tissue.any() else 0.0


def slab_of(grid: Grid, within: Place | None) -> tuple[Place, Place]:
    """Return the whole slices that ``within`` lies in, and ``within`` inside of them."""
    if within is None:
        return whole(grid.shape), whole(grid.shape)
    places = [slice(*part.indices(n)[:2]) for part, n in zip(within, grid.shape, strict=True)]
    margin = int(np.ceil(CLOSE_MM / grid.spacing_mm[2])) + 1
    low, high = max(0, places[2].start - margin), min(grid.shape[2], places[2].stop + margin)
    slab = (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(low, high))
    return slab, (places[0], places[1], slice(places[2].start - low, places[2].stop - low))


def body_of(case: Case, slab: Place) -> NDArray[np.bool_]:
    """(I, J, K) True in the patient, of the whole slices ``slab``."""
    view = case.field_of_view
    return body(case.ct.part(slab), None if view is None else view.part(slab))

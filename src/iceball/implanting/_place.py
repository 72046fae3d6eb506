"""Where to put a lesion, and how far it then lies from a structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import GeometryError, InputError
from iceball.implanting._bone import labelled
from iceball.implanting._crop import crop, distance_mm
from iceball.implanting._fields import stream
from iceball.nouns._noun import require_positive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.implanting._crop import Slices
    from iceball.nouns import Case
    from iceball.nouns._noun import Point

__all__ = ["border_to_structure_mm", "place_in", "place_in_bone"]

# How a place is chosen; no rules of medicine: a lesion may lie off the middle of its bone, but not in its edge.
DEEP_FRACTION, NEAR_MM, FAR_MM = 0.6, 60.0, 80.0


def place_in(case: Case, structure: str, *, size_mm: float, seed: int) -> Point:
    """Draw a place for a lesion in ``structure``: one of the voxels deep enough in it, by ``seed``.

    Deep enough is 0.6 of the lesion's radius, or of what the structure has at its deepest; from the end of the scan the
    lesion keeps its radius if it can.

    Parameters
    ----------
    case : Case
        with labels
    structure : str
        one of the case's
    size_mm : float
        largest diameter of the lesion [mm]
    seed : int
        draws the place

    Raises
    ------
    UnknownName : if the case lacks the structure
    GeometryError : if no voxel is labelled as the structure
    InputError : if the size is not above zero
    """
    require_positive("the lesion's size", size_mm, "mm")
    whole = labelled(case, structure)
    if not whole.any():
        raise GeometryError(f"no voxel of case {case.id} is labelled {structure}: choose another structure")
    slices = _box(whole)
    bone = np.pad(whole[slices], 1)  # beyond the scan it is not known to go on
    depth = distance_mm(~bone, case.ct.grid)[1:-1, 1:-1, 1:-1]
    deep = np.argwhere(depth >= DEEP_FRACTION * min(size_mm / 2, float(depth.max()))) + [s.start for s in slices]
    ends = np.minimum(deep, np.asarray(whole.shape) - 1 - deep) * case.ct.grid.spacing_mm
    whole_fits = (ends >= size_mm / 2).all(axis=1)
    if whole_fits.any():
        deep = deep[whole_fits]
    return _point(case.ct.grid.position_mm(deep[stream(seed, "place").integers(len(deep))]))


def place_in_bone(case: Case, bone: str, *, diameter_mm: float, from_cord_mm: float) -> Point:
    """Find where in ``bone`` a lesion's border lies ``from_cord_mm`` from the spinal cord, as deep in bone as it gets.

    Parameters
    ----------
    case : Case
        with labels of ``bone`` and ``spinal_cord``
    bone : str
        name of a structure of the case
    diameter_mm, from_cord_mm : float
        the lesion's size and the distance from its border to the nearest voxel of the cord [mm]

    Raises
    ------
    UnknownName : if the case lacks one of the structures
    InputError : if no voxel of the bone lies that far from the cord
    """
    whole, cord = labelled(case, bone), labelled(case, "spinal_cord")
    middle = np.argwhere(whole).mean(axis=0)
    slices, part = crop(case.ct.grid, _point(case.ct.grid.position_mm(middle)), NEAR_MM)
    here = whole[slices]
    wanted = diameter_mm / 2 + from_cord_mm
    off = np.abs(distance_mm(cord[slices], part) - wanted)
    fits = here & (off <= max(part.spacing_mm) / 2)
    if not fits.any():
        raise InputError(
            f"no voxel of {bone} lies {wanted:g} mm from the spinal cord: choose another bone or a smaller lesion"
        )
    depth = np.where(fits, distance_mm(~here, part) - off, -np.inf)
    return _point(part.position_mm(np.unravel_index(int(depth.argmax()), depth.shape)))


def border_to_structure_mm(case: Case, structure: str) -> float:
    """Distance [mm] from the lesion to ``structure``, between the nearest centres of their voxels.

    Raises
    ------
    UnknownName : if the case lacks the structure
    InputError : if the case has no lesion, or the structure is nowhere near
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: implant one first")
    inside = np.argwhere(case.lesion.mask.array)
    slices, part = crop(case.ct.grid, _point(case.ct.grid.position_mm(inside.mean(axis=0))), FAR_MM)
    marked = case.lesion.mask.array[slices] > 0
    distance = distance_mm(labelled(case, structure)[slices], part)[marked]
    if not np.isfinite(distance).any():
        raise InputError(f"{structure} does not come within {FAR_MM:g} mm of the lesion of case {case.id}")
    return float(distance.min())


def _box(mask: NDArray[np.bool_]) -> Slices:
    """Slices of the smallest box around what is True."""
    parts = []
    for axis in range(3):
        on = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        parts.append(slice(int(on[0]), int(on[-1]) + 1))
    return parts[0], parts[1], parts[2]


def _point(position_mm: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(value), 3) for value in position_mm)
    return x, y, z

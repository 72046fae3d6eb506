"""Put a lesion where there is none. It is made, not seen, and it says so."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball.demo._crop import crop, distance_mm
from iceball.errors import GeometryError, InputError
from iceball.nouns import Case, Lesion, Volume
from iceball.nouns._noun import Point, require_positive

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The look of the implant, chosen to resemble soft tissue on CT: made, so no clinical constants.
LESION_HU, NOISE_HU, BORDER_MM, SEED = 45.0, 12.0, 1.5, 20260
ORIGIN = "implanted by iceball: not a finding in this patient"


def implant(case: Case, centre_mm: Point, diameter_mm: float, *, bone: str = "", seed: int = SEED) -> Case:
    """Replace a sphere of ``case`` by a lytic lesion and return the new case, which says that it was implanted.

    HU become soft tissue with noise from ``seed``; over 1.5 mm to either side of the border they blend into the bone.
    The mask is the sphere itself; labels stay, the lesion may breach the cortex.

    Parameters
    ----------
    case : Case
        (I, J, K) [HU]
    centre_mm : Point
        LPS [mm]
    diameter_mm : float
        [mm]
    bone : str
        name of the structure that it lies in, for people
    seed : int
        of the noise

    Raises
    ------
    InputError : if the diameter is not above zero, or no voxel's centre lies in the sphere
    GeometryError : if the sphere reaches out of the scan

    Source: DESIGN.
    """
    require_positive("the lesion's diameter", diameter_mm, "mm")
    radius = diameter_mm / 2
    slices, part = crop(case.ct.grid, centre_mm, radius + BORDER_MM)
    points = part.position_mm(np.moveaxis(np.indices(part.shape), 0, -1))
    outward = np.linalg.norm(points - np.asarray(centre_mm), axis=-1) - radius
    ends = np.asarray(centre_mm) + radius * np.vstack([np.eye(3), -np.eye(3)])
    if not case.ct.grid.contains(ends).all():
        raise GeometryError(
            f"a lesion of {diameter_mm:g} mm at {_text(centre_mm)} mm reaches out of the scan: move or shrink it"
        )
    mask = np.zeros(case.ct.grid.shape, dtype=np.uint8)
    mask[slices] = outward <= 0
    if not mask.any():
        raise InputError(f"a lesion of {diameter_mm:g} mm is smaller than the CT's voxels: make it larger")
    note = f"A lytic lesion of {diameter_mm:g} mm was implanted by iceball at {_text(centre_mm)} mm (LPS); seed {seed}."
    return dataclasses.replace(
        case,
        ct=Volume(grid=case.ct.grid, array=_blended(case, slices, outward, seed), quantity="hu"),
        lesion=Lesion(
            mask=Volume(grid=case.ct.grid, array=mask, quantity="label"), matrix="lytic", origin=ORIGIN, bone=bone
        ),
        notes=(*case.notes, note),
    )


def _blended(
    case: Case, slices: tuple[slice, slice, slice], outward: NDArray[np.float64], seed: int
) -> NDArray[np.generic]:
    """CT (I, J, K) with the lesion's HU blended in by a smooth step over the border, in the CT's own type."""
    array = np.array(case.ct.array)
    soft = LESION_HU + NOISE_HU * np.random.default_rng(seed).standard_normal(outward.shape)
    x = np.clip((BORDER_MM - outward) / (2 * BORDER_MM), 0.0, 1.0)
    weight = x * x * (3 - 2 * x)
    array[slices] = np.rint(weight * soft + (1 - weight) * array[slices]).astype(array.dtype)
    return array


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
    labels = _labels(case)
    bone_label, cord_label = case.structure(bone).label, case.structure("spinal_cord").label
    middle = np.argwhere(labels == bone_label).mean(axis=0)
    slices, part = crop(case.ct.grid, _point(case.ct.grid.position_mm(middle)), 60.0)
    here = labels[slices]
    wanted = diameter_mm / 2 + from_cord_mm
    off = np.abs(distance_mm(here == cord_label, part) - wanted)
    fits = (here == bone_label) & (off <= max(part.spacing_mm) / 2)
    if not fits.any():
        raise InputError(
            f"no voxel of {bone} lies {wanted:g} mm from the spinal cord: choose another bone or a smaller lesion"
        )
    depth = np.where(fits, distance_mm(here != bone_label, part) - off, -np.inf)
    return _point(part.position_mm(np.unravel_index(int(depth.argmax()), depth.shape)))


def border_to_structure_mm(case: Case, structure: str) -> float:
    """Distance [mm] from the lesion to ``structure``, between the nearest centres of their voxels.

    Raises
    ------
    UnknownName : if the case lacks the structure
    InputError : if the case has no lesion or no labels, or the structure is nowhere near
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: implant one first")
    label = case.structure(structure).label
    inside = np.argwhere(case.lesion.mask.array)
    slices, part = crop(case.ct.grid, _point(case.ct.grid.position_mm(inside.mean(axis=0))), 80.0)
    distance = distance_mm(_labels(case)[slices] == label, part)[case.lesion.mask.array[slices] > 0]
    if not np.isfinite(distance).any():
        raise InputError(f"{structure} does not come within 80 mm of the lesion of case {case.id}")
    return float(distance.min())


def _labels(case: Case) -> NDArray[np.integer]:
    if case.labels is None:
        raise InputError(f"case {case.id} has no labels: read it with labels")
    return case.labels.array


def _point(position_mm: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(value), 3) for value in position_mm)
    return x, y, z


def _text(point_mm: Point) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in point_mm) + ")"

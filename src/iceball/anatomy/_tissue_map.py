"""Tissue on the grid of a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._palette import (
    AIR,
    BINS,
    BLASTIC,
    BONE,
    BY_HU,
    CEMENTED,
    FAT,
    FIRST_BONE,
    FIRST_LONG_BONE,
    LONG_BONE,
    LYTIC,
    METAL,
    MUSCLE,
    matrix_fraction,
)
from iceball.anatomy._prepared import GAS, NOT_SCANNED, ROOM, TISSUE, Prepared
from iceball.anatomy._regions import in_region
from iceball.anatomy._sampling import Sampling, sampling
from iceball.nouns import Drawn, Pocket, TissueMap, WarmPad

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Grid, Lesion


def tissue_map(prepared: Prepared, grid: Grid) -> TissueMap:
    """Say which tissue fills each voxel of ``grid``, whose axes are those of the CT.

    HU are averaged over the voxel (linear where the grid is finer than the CT), labels and body are nearest. In order:
    what was not scanned and the room are inert air; pockets where soft tissue or gas gives way to them; gas is inert
    air; metal by HU; the lesion by its matrix; a label that names a tissue; a label of bone, or of bone with cement:
    cement, matrix and marrow by HU; anything else by HU: fat, muscle, bone. A voxel gets the same tissue in whatever
    box it lies. Pads say what the skin meets.

    Parameters
    ----------
    prepared : Prepared
        from ``prepare(case)``
    grid : Grid
        (I, J, K), spacing [mm]

    Raises
    ------
    GeometryError : if the grid's axes are not those of the CT

    Source: physics README 1.5; thresholds from ``library.hu_rules()``.
    """
    place = sampling(prepared.case.ct.grid, grid)
    region = np.where(place.inside(), place.nearest(prepared.region), np.uint8(NOT_SCANNED))
    hu = place.averaged(prepared.case.ct.array, prepared.region == TISSUE)
    hu = np.where(region == TISSUE, hu, np.float32(-1000.0))
    index = _by_label(prepared, place, hu)
    if prepared.case.lesion is not None:
        _put_lesion(index, prepared.case.lesion, place, hu)
    index[hu > library.hu_rules()["metal_above_hu"].value] = METAL
    index[region != TISSUE] = AIR
    _fill_pockets(index, prepared, place, grid, region)
    tissues = prepared.palette.tissues
    solid = np.array([not tissue.inert for tissue in tissues])[index]
    faces = _open_faces(solid, region == ROOM)
    outside = _warmed(prepared, place, grid, faces)
    return TissueMap(grid=grid, index=index, tissues=tissues, open_faces=faces, **outside)


def inside_scan(prepared: Prepared, grid: Grid) -> NDArray[np.bool_]:
    """(I, J, K) True where the centre of a voxel of ``grid`` was scanned: on the CT and in its field of view.

    Raises
    ------
    GeometryError : if the grid's axes are not those of the CT
    """
    place = sampling(prepared.case.ct.grid, grid)
    return place.inside() & (place.nearest(prepared.region) != NOT_SCANNED)


def _by_label(prepared: Prepared, place: Sampling, hu: NDArray[Any]) -> NDArray[np.uint8]:
    index = _soft_or_bone(hu)
    if prepared.case.labels is None:
        return index
    of_label = prepared.palette.of_label
    named = of_label[np.minimum(place.nearest(prepared.case.labels.array), of_label.size - 1)]
    index = np.where(named == BONE, _bone(hu, FIRST_BONE), index)
    index = np.where(named == LONG_BONE, _bone(hu, FIRST_LONG_BONE), index)
    dense = hu > library.hu_rules()["cement_above_hu"].value
    cemented = np.where(dense, np.uint8(prepared.palette.cement), _bone(hu, FIRST_BONE))
    index = np.where(named == CEMENTED, cemented, index)
    return np.where(named > BY_HU, named, index).astype(np.uint8)


def _soft_or_bone(hu: NDArray[Any]) -> NDArray[np.uint8]:
    rules = library.hu_rules()
    soft = np.where(hu < rules["fat_below_hu"].value, np.uint8(FAT), np.uint8(MUSCLE))
    return np.where(hu >= rules["bone_above_hu"].value, _bone(hu, FIRST_BONE), soft)


def _bone(hu: NDArray[Any], first: int) -> NDArray[np.uint8]:
    return (first + np.rint(matrix_fraction(hu) * (BINS - 1))).astype(np.uint8)


def _put_lesion(index: NDArray[np.uint8], lesion: Lesion, place: Sampling, hu: NDArray[Any]) -> None:
    """Write the lesion into ``index``: a mixed one is blastic where it is dense, else lytic."""
    inside = place.nearest(lesion.mask.array).astype(bool) & place.inside()
    dense = hu >= library.hu_rules()["blastic_above_hu"].value
    blastic = {"lytic": np.zeros_like(dense), "blastic": np.ones_like(dense), "mixed": dense}[lesion.matrix]
    index[inside] = np.where(blastic, np.uint8(BLASTIC), np.uint8(LYTIC))[inside]


def _fill_pockets(
    index: NDArray[np.uint8], prepared: Prepared, place: Sampling, grid: Grid, region: NDArray[Any]
) -> None:
    """Write the fillings into ``index``: soft tissue and gas give way, but nothing that is drawn or diseased."""
    pairs = zip(prepared.protections, prepared.palette.filling, strict=True)
    pockets = [(pocket, number) for pocket, number in pairs if isinstance(pocket, Pocket)]
    if not pockets:
        return
    case, is_soft = prepared.case, prepared.palette.is_soft
    labels = None if case.labels is None else place.nearest(case.labels.array)
    gives_way = (index == FAT) | (index == MUSCLE) | (region == GAS)
    if case.lesion is not None:
        gives_way &= ~place.nearest(case.lesion.mask.array).astype(bool)
    soft = np.True_ if labels is None else is_soft[np.minimum(labels, is_soft.size - 1)]
    for pocket, number in pockets:
        where = in_region(pocket.region, case, place, grid) & gives_way
        index[where & (np.True_ if isinstance(pocket.region, Drawn) else soft)] = number


def _warmed(prepared: Prepared, place: Sampling, grid: Grid, faces: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """What the skin meets, where a pad lies on some of it; a later pad lies on top."""
    pads = [protection for protection in prepared.protections if isinstance(protection, WarmPad)]
    if not pads:
        return {}
    room = library.physics()
    outside_c = np.full(grid.shape, room["room_air_c"].value, dtype=np.float32)
    film = np.full(grid.shape, room["skin_convection_w_per_m2_k"].value, dtype=np.float32)
    for pad in pads:
        under = in_region(pad.region, prepared.case, place, grid) & (faces > 0)
        outside_c[under], film[under] = pad.outside_c, pad.film_w_per_m2_k
    return {"outside_c": outside_c, "film_w_per_m2_k": film}


def _open_faces(tissue: NDArray[np.bool_], room: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Count the faces between ``tissue`` and ``room``; the border of the box has none."""
    faces = np.zeros(tissue.shape, dtype=np.uint8)
    for axis in range(3):
        ahead = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        behind = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        faces[behind] += room[ahead]
        faces[ahead] += room[behind]
    return np.where(tissue, faces, np.uint8(0))

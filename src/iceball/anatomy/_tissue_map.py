"""Tissue on the grid of a simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy._border import FAT as BESIDE_FAT
from iceball.anatomy._border import MUSCLE as BESIDE_MUSCLE
from iceball.anatomy._border import NOTHING, Steps, Surroundings, beside_bone, between, reach, touches_bone
from iceball.anatomy._palette import (
    AIR,
    BY_HU,
    CEMENTED,
    FAT,
    FIRST,
    LONG_BONE,
    LYTIC,
    METAL,
    MUSCLE,
    Palette,
    hard_numbers,
)
from iceball.anatomy._prepared import GAS, NOT_SCANNED, ROOM, TISSUE, Prepared
from iceball.anatomy._recipes import BESIDE, step_at
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
    step = reach(place)
    wide, inner = place.widened(step), tuple(slice(n, -n) for n in step)
    region = np.where(wide.inside(), wide.nearest(prepared.region), np.uint8(NOT_SCANNED))
    hu = wide.averaged(prepared.case.ct.array, prepared.region == TISSUE)
    gas = np.where(region == GAS, wide.nearest(prepared.case.ct.array), np.float32(-1000.0))
    hu = np.where(region == TISSUE, hu, gas)
    index = _sorted_out(prepared, wide, hu, region, step)
    region, hu = region[inner], hu[inner]
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


def _sorted_out(
    prepared: Prepared, wide: Sampling, hu: NDArray[Any], region: NDArray[Any], step: Steps
) -> NDArray[Any]:
    """Tissue by label and HU, the lesion in it, of the voxels (I, J, K) that lie ``step`` within ``wide``."""
    case, rules = prepared.case, library.hu_rules()
    inner = tuple(slice(n, -n) for n in step)
    named = _named(prepared, wide)
    is_bone = hu >= rules["bone_above_hu"].value
    if named is not None:
        is_bone = np.where(named == BY_HU, is_bone, named < BY_HU)
    lesion = None if case.lesion is None else wide.nearest(case.lesion.mask.array).astype(bool)
    within = is_bone if lesion is None else is_bone | lesion
    index = np.where(hu < rules["fat_below_hu"].value, np.uint8(FAT), np.uint8(MUSCLE))
    _put_bone(index, named, is_bone, Surroundings(hu=hu, is_bone=within, unknown=region <= ROOM, step=step))
    if named is not None:
        _put_named(index, named, hu, prepared.palette)
    if case.lesion is not None and lesion is not None:
        where = _only(lesion & wide.inside(), inner) & ~np.isin(index, hard_numbers(prepared.palette))
        index[where] = _lesion(hu[where], case.lesion)
    return np.ascontiguousarray(index[inner])


def _named(prepared: Prepared, place: Sampling) -> NDArray[np.int16] | None:
    """What the labels at ``place`` say, as in ``Palette.of_label``; None without labels."""
    labels, of_label = prepared.case.labels, prepared.palette.of_label
    return None if labels is None else of_label[np.minimum(place.nearest(labels.array), of_label.size - 1)]


def _only(mask: NDArray[np.bool_], inner: tuple[slice, ...]) -> NDArray[np.bool_]:
    kept = np.zeros_like(mask)
    kept[inner] = mask[inner]
    return kept


def _put_bone(
    index: NDArray[np.uint8], named: NDArray[np.int16] | None, is_bone: NDArray[np.bool_], here: Surroundings
) -> None:
    """Write bone by HU into ``index`` (I, J, K), and at its surface the mixture with what lies beside it.

    Muscle beside bone that no label knows may as well be that bone's own marrow: then it counts as marrow.
    """
    inner = tuple(slice(n, -n) for n in here.step)
    cells, hu = index.reshape(-1), here.hu.reshape(-1)
    flat = np.flatnonzero(_only(is_bone, inner))
    beside = beside_bone(flat, here)
    doubtful = np.flatnonzero(beside == BESIDE_MUSCLE)
    beside[doubtful[~_labelled(flat[doubtful], named, here)]] = NOTHING
    cells[flat] = _bone(hu[flat], None if named is None else named.reshape(-1)[flat], beside)
    soft = touches_bone(here) & ~here.is_bone
    if named is not None:
        soft &= named == BY_HU
    flat = np.flatnonzero(soft)
    beside = between(flat, here)
    flat, beside = flat[beside != NOTHING], beside[beside != NOTHING]
    mixed = _bone(hu[flat], None, beside)
    pure = np.isin(mixed, [FIRST[family] for family in BESIDE])  # no mineral in it: what lies beside, or as it was
    mixed[pure] = np.where(beside[pure] == BESIDE_FAT, np.uint8(FAT), cells[flat][pure])
    cells[flat] = mixed


def _labelled(flat: NDArray[np.intp], named: NDArray[np.int16] | None, here: Surroundings) -> NDArray[np.bool_]:
    """Whether the voxels ``flat`` (N,), or a neighbour of each, have a label of bone."""
    if named is None:
        return np.zeros(flat.size, dtype=bool)
    labels = named.reshape(-1)
    neighbours = (beside for pair in here.pairs(flat) for beside in pair)
    return np.logical_or.reduce([labels[each] < BY_HU for each in (flat, *neighbours)])


def _bone(hu: NDArray[Any], named: NDArray[np.int16] | None, beside: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Number (N,) of the tissue of bone voxels of ``hu`` (N,), by their label and what lies beside them."""
    index = FIRST["bone"] + step_at("bone", hu)
    if named is not None:
        index = np.where(named == LONG_BONE, FIRST["long bone"] + step_at("long bone", hu), index)
    for number, family in enumerate(BESIDE):
        where = beside == number
        index[where] = FIRST[family] + step_at(family, hu[where])
    return index.astype(np.uint8)


def _put_named(index: NDArray[np.uint8], named: NDArray[np.int16], hu: NDArray[Any], palette: Palette) -> None:
    """Write into ``index`` the tissues that labels name, and cement where its label and its density agree."""
    known = named > BY_HU
    index[known] = named[known]
    if palette.cement:
        index[(named == CEMENTED) & (hu > library.hu_rules()["cement_above_hu"].value)] = palette.cement


def _lesion(hu: NDArray[Any], lesion: Lesion) -> NDArray[np.uint8]:
    """Number (N,) of the tissue of a lesion's voxels of ``hu`` (N,): tumour with the mineral that HU ask for.

    What a lytic lesion has below ``blastic_above_hu`` is contrast or blur, no mineral.
    """
    steps = step_at("lesion", hu)
    if lesion.matrix == "lytic":
        steps = np.where(hu < library.hu_rules()["blastic_above_hu"].value, np.uint8(0), steps)
    return np.where(steps == 0, np.uint8(LYTIC), FIRST["lesion"] + steps).astype(np.uint8)


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

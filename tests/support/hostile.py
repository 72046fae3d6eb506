"""Cases as nobody wants them: each function takes a good case with a lesion and returns a bad one.

Whatever is fed with these has to refuse them clearly, or to say in a finding what is wrong: never to give a number
silently.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from iceball import library
from iceball.nouns import Case, Grid, Structure, Volume

METAL_HU, STREAK_HU = 3071, 400.0  # the end of a 12-bit scale; what streaks add and take away between metal parts
THICK_MM = 5.0
AROUND_MM = 12.0  # of bone and soft tissue that are left around the lesion of a cropped body


def empty_mask(case: Case) -> Volume:
    """A lesion mask without a voxel. It is no case: a lesion refuses it when it is made."""
    return Volume(grid=case.ct.grid, array=np.zeros(case.ct.grid.shape, np.uint8), quantity="label")


def one_voxel(case: Case) -> Case:
    """The lesion's mask with all but one voxel wiped out: as good as empty, and yet a case."""
    array = np.zeros(case.ct.grid.shape, np.uint8)
    array[_middle(case)] = 1
    return _with_mask(case, array)


def metal_everywhere(case: Case) -> Case:
    """Every bone turned to metal, with streaks through the whole body."""
    hu = np.asarray(case.ct.array, dtype=np.float64)
    bone = hu > library.hu_rules()["bone_above_hu"].value
    streaks = np.random.default_rng(7).standard_normal((1, *hu.shape[1:])) * STREAK_HU  # lines along the first axis
    body = hu > library.hu_rules()["gas_below_hu"].value
    return _with_hu(case, np.where(bone, METAL_HU, np.where(body, hu + streaks, hu)))


def cut_through_lesion(case: Case, axis: int = 2) -> Case:
    """The scan ends in the middle of the lesion along ``axis``: the far half of it was not scanned."""
    keep = [slice(None)] * 3
    keep[axis] = slice(0, _middle(case)[axis] + 1)
    return cropped(case, (keep[0], keep[1], keep[2]))


def hu_offset(case: Case, offset_hu: int = 1024) -> Case:
    """Stored values taken for HU, or the intercept taken off twice: every voxel is ``offset_hu`` off."""
    return _with_hu(case, np.asarray(case.ct.array, dtype=np.float64) + offset_hu)


def thick_slices(case: Case, slice_mm: float = THICK_MM) -> Case:
    """Slices of about ``slice_mm`` along the last axis: HU averaged, masks and labels of the middle one."""
    step = max(2, round(slice_mm / case.ct.grid.spacing_mm[2]))
    count = case.ct.grid.shape[2] // step
    old = case.ct.grid
    grid = Grid(
        shape=(old.shape[0], old.shape[1], count),
        spacing_mm=(old.spacing_mm[0], old.spacing_mm[1], old.spacing_mm[2] * step),
        origin_mm=tuple(float(v) for v in old.position_mm([0, 0, (step - 1) / 2])),
        direction=old.direction,
    )

    def in_slabs(array: np.ndarray) -> np.ndarray:
        return array[:, :, : count * step].reshape(*array.shape[:2], count, step)

    def thick(volume: Volume | None) -> Volume | None:
        if volume is None:
            return None
        slabs = in_slabs(np.asarray(volume.array))
        if volume.quantity == "hu":
            mean = slabs.mean(axis=-1)
            array = np.rint(mean).astype(volume.array.dtype) if volume.array.dtype.kind in "iu" else mean
        else:
            array = slabs[..., step // 2]
        return Volume(grid=grid, array=array, quantity=volume.quantity)

    return _each(case, thick)


def cropped_body(case: Case, around_mm: float = AROUND_MM) -> Case:
    """A patch with the lesion and ``around_mm`` [mm] around it: no skin, no air, bones cut on all sides."""
    assert case.lesion is not None
    index = np.argwhere(case.lesion.mask.array)
    reach = np.ceil(around_mm / np.asarray(case.ct.grid.spacing_mm)).astype(int)
    low = np.maximum(index.min(axis=0) - reach, 0)
    high = np.minimum(index.max(axis=0) + reach + 1, case.ct.grid.shape)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return cropped(case, (i, j, k))


def unknown_labels(case: Case) -> Case:
    """Structures with names that no table knows, and a label number that has no name at all."""
    array = np.zeros(case.ct.grid.shape, np.uint8) if case.labels is None else np.array(case.labels.array)
    known = [s.label for s in case.structures]
    free = next(number for number in range(200, 256) if number not in known)
    array[_middle(case)[0], :2, :2] = free
    renamed = tuple(
        Structure(name=f"thing_{number}", role="at_risk", label=s.label) for number, s in enumerate(case.structures)
    )
    return dataclasses.replace(
        case, labels=Volume(grid=case.ct.grid, array=array, quantity="label"), structures=renamed
    )


HOSTILE: dict[str, Callable[[Case], Case]] = {
    "one voxel": one_voxel,
    "metal everywhere": metal_everywhere,
    "cut through the lesion": cut_through_lesion,
    "HU 1024 too high": hu_offset,
    "HU 1024 too low": lambda case: hu_offset(case, -1024),
    "slices of 5 mm": thick_slices,
    "a cropped body": cropped_body,
    "unknown labels": unknown_labels,
}


def cropped(case: Case, part: tuple[slice, slice, slice]) -> Case:
    """The ``part`` of every volume of ``case``, as if only that had been scanned."""
    return _each(case, lambda volume: None if volume is None else volume.part(part))


def _each(case: Case, change: Callable[[Volume | None], Volume | None]) -> Case:
    """Change every volume of ``case``; all of them come to lie on the new grid."""
    ct = change(case.ct)
    lesion = case.lesion
    if lesion is not None:
        mask = change(lesion.mask)
        assert mask is not None
        lesion = dataclasses.replace(lesion, mask=mask)
    assert ct is not None
    return dataclasses.replace(
        case, ct=ct, labels=change(case.labels), field_of_view=change(case.field_of_view), lesion=lesion
    )


def _with_hu(case: Case, hu: np.ndarray) -> Case:
    dtype = case.ct.array.dtype
    if dtype.kind in "iu":
        ends = np.iinfo(dtype)
        hu = np.clip(np.rint(hu), ends.min, ends.max)
    return dataclasses.replace(case, ct=Volume(grid=case.ct.grid, array=hu.astype(dtype), quantity="hu"))


def _with_mask(case: Case, array: np.ndarray) -> Case:
    assert case.lesion is not None
    mask = Volume(grid=case.ct.grid, array=array, quantity="label")
    return dataclasses.replace(case, lesion=dataclasses.replace(case.lesion, mask=mask))


def _middle(case: Case) -> tuple[int, int, int]:
    """The lesion's voxel nearest to its centre."""
    assert case.lesion is not None
    index = np.argwhere(case.lesion.mask.array)
    away = np.linalg.norm((index - index.mean(axis=0)) * case.ct.grid.spacing_mm, axis=1)
    i, j, k = index[int(away.argmin())]
    return int(i), int(j), int(k)

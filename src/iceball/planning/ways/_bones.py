"""The lesion's own bone, every other one, and the joints between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case, Structure
    from iceball.planning.ways._thinned import Thinned

# A second bone that holds at least this share of what the first holds of the lesion is the lesion's own too.
ALSO_FRACTION = 0.25


@array_noun
class Bones:
    """``own`` are the lesion's bones, none where no label says; ``others`` the labelled bones that are not.

    ``site`` is the word of ``lesion_site``; ``why_site`` how it was found.
    """

    own: tuple[Structure, ...]
    others: tuple[Structure, ...]
    site: str
    why_site: str


def bones_of(case: Case) -> Bones:
    """Tell the lesion's own bones from the others by the labels under the lesion, or near it, and find the site.

    Source: ``library.measure_rules()``, ``judgement``.
    """
    named = [s for s in case.structures if _is_bone(s) and library.bone_rule(s.name) and s.name != "vertebrae_body"]
    own = _under(case, named)
    with_own = {stem for bone in own for stem in library.one_bone_with().get(bone.name, ())}
    one = [
        s for s in named if s not in own and any(s.name == stem or s.name.startswith(f"{stem}_") for stem in with_own)
    ]
    others = tuple(s for s in named if s not in own and s not in one)
    site, why = _site(case, own)
    return Bones(own=(*own, *one), others=others, site=site, why_site=why)


def _is_bone(structure: Structure) -> bool:
    return structure.role == "way_in" and library.structure_rule(structure.name).bone


def _under(case: Case, named: list[Structure]) -> tuple[Structure, ...]:
    assert case.lesion is not None
    if case.labels is None or not named:
        return _stated(case, named)
    by_label = {s.label: s for s in named}
    place, lesion = _around(case, library.measure_rules()["bone_near_mm"].value)
    labels = case.labels.array[place]
    numbers, counts = np.unique(labels[lesion], return_counts=True)
    held = {n: int(c) for n, c in zip(numbers.tolist(), counts, strict=True) if n in by_label}
    if not held:
        from scipy import ndimage  # only here: slow to import

        away = np.asarray(ndimage.distance_transform_edt(~lesion, sampling=case.ct.grid.spacing_mm))
        near = away <= library.measure_rules()["bone_near_mm"].value
        numbers, counts = np.unique(labels[near], return_counts=True)
        held = {n: int(c) for n, c in zip(numbers.tolist(), counts, strict=True) if n in by_label}
    if not held:
        return _stated(case, named)
    most = max(held.values())
    order = sorted(held, key=lambda n: -held[n])
    return tuple(by_label[n] for n in order if held[n] >= ALSO_FRACTION * most)


def _stated(case: Case, named: list[Structure]) -> tuple[Structure, ...]:
    assert case.lesion is not None
    return tuple(s for s in named if case.lesion.bone and s.name == case.lesion.bone)


def _around(case: Case, reach_mm: float) -> tuple[tuple[slice, ...], NDArray[np.bool_]]:
    """Slices of the scan around the lesion, and the lesion in them."""
    assert case.lesion is not None
    mask = case.lesion.mask.array
    place = []
    for axis, spacing in enumerate(case.ct.grid.spacing_mm):
        others = tuple(a for a in range(3) if a != axis)
        there = np.flatnonzero(mask.any(axis=others))
        more = int(np.ceil(reach_mm / spacing)) + 1
        place.append(slice(max(0, int(there[0]) - more), int(there[-1]) + more + 1))
    return tuple(place), mask[tuple(place)] > 0


def _site(case: Case, own: tuple[Structure, ...]) -> tuple[str, str]:
    assert case.lesion is not None
    if case.lesion.site in library.SITES:
        return case.lesion.site, "as the case says"
    name = own[0].name if own else case.lesion.bone
    rule = library.bone_rule(name) if name else None
    if rule is None:
        return "other", "no label and no name says which bone the lesion lies in"
    if rule.name == "hip" and _near_hip_joint(case, own):
        return "acetabulum", f"the lesion lies in {name}, near the femur"
    return rule.site, f"the lesion lies in {name}"


def _near_hip_joint(case: Case, own: tuple[Structure, ...]) -> bool:
    """Whether the lesion comes as near to the femur as an acetabular one does: the joint's gap counted in.

    Source: ``acetabulum_near_mm`` and ``joint_gap_mm`` of ``library.measure_rules()``, ``judgement``.
    """
    from scipy.spatial import KDTree  # only here: slow to import

    rules = library.measure_rules()
    reach_mm = rules["acetabulum_near_mm"].value + rules["joint_gap_mm"].value / 2
    femurs = [s.label for s in case.structures if s.name.startswith("femur")]
    if case.labels is None or not femurs or not own:
        return False
    place, lesion = _around(case, reach_mm)
    spacing = np.asarray(case.ct.grid.spacing_mm)
    there = np.argwhere(np.isin(case.labels.array[place], femurs)) * spacing
    if not len(there):
        return False
    away, _ = KDTree(there).query(np.argwhere(lesion) * spacing, distance_upper_bound=reach_mm)
    return bool(np.isfinite(away).any())


def own_bone(
    labelled: NDArray[np.bool_],
    other: NDArray[np.bool_],
    dense: NDArray[np.bool_],
    lesion: NDArray[np.bool_],
    thin: Thinned,
) -> NDArray[np.bool_]:
    """(i, j, k) True in the lesion's bone: its label and the dense rim around it; without a label what runs on in HU.

    ``dense`` is what is as dense as bone and has no name, ``other`` the labels of other bones.
    """
    if labelled.any():
        return labelled | _rim(labelled, other, dense, thin)
    from scipy import ndimage  # only here: slow to import

    reach_mm = library.way_rules()["unlabelled_reach_mm"].value
    box = _box(lesion, reach_mm, thin)
    pieces = np.asarray(ndimage.label(dense[box] | lesion[box])[0])  # pyright: ignore[reportIndexIssue]
    found = np.unique(pieces[lesion[box]])
    away = np.asarray(ndimage.distance_transform_edt(~lesion[box], sampling=thin.grid.spacing_mm))
    own = np.zeros_like(dense)
    own[box] = np.isin(pieces, found[found > 0]) & dense[box] & (away <= reach_mm)
    return own


def _rim(
    labelled: NDArray[np.bool_], other: NDArray[np.bool_], dense: NDArray[np.bool_], thin: Thinned
) -> NDArray[np.bool_]:
    from scipy import ndimage  # only here: slow to import

    reach_mm = library.way_rules()["unnamed_bone_mm"].value
    box = _box(labelled, reach_mm, thin)
    spacing = thin.grid.spacing_mm
    to_own = np.asarray(ndimage.distance_transform_edt(~labelled[box], sampling=spacing))
    nearer = np.ones_like(to_own, dtype=bool)
    if other[box].any():
        nearer = to_own <= np.asarray(ndimage.distance_transform_edt(~other[box], sampling=spacing))
    rim = np.zeros_like(labelled)
    rim[box] = dense[box] & (to_own <= reach_mm) & nearer
    return rim


def joint(own: NDArray[np.bool_], partners: NDArray[np.bool_], thin: Thinned) -> NDArray[np.bool_]:
    """(i, j, k) True in the gap between the lesion's bone and those that it meets in a joint that carries load.

    Source: ``joint_gap_mm`` of ``library.measure_rules()``, ``judgement``.
    """
    from scipy import ndimage  # only here: slow to import

    gap = np.zeros_like(own)
    gap_mm = library.measure_rules()["joint_gap_mm"].value
    if not own.any() or not partners.any():
        return gap
    box = _box(own, gap_mm, thin)
    if not partners[box].any():
        return gap
    spacing = thin.grid.spacing_mm
    sum_mm = np.asarray(ndimage.distance_transform_edt(~own[box], sampling=spacing))
    sum_mm = sum_mm + np.asarray(ndimage.distance_transform_edt(~partners[box], sampling=spacing))
    gap[box] = (sum_mm <= gap_mm) & ~own[box] & ~partners[box]
    return gap


def partners_of(case: Case, bones: Bones) -> list[Structure]:
    """Return the labelled bones that the lesion's bone meets in a joint that carries load."""
    stems = {stem for s in bones.own if (rule := library.bone_rule(s.name)) for stem in rule.joins}
    return [s for s in bones.others if any(s.name == stem or s.name.startswith(f"{stem}_") for stem in stems)]


def smooth(mask: NDArray[np.bool_], thin: Thinned, blur_mm: float) -> NDArray[np.float32]:
    """(i, j, k) ``mask`` blurred by ``blur_mm`` [mm], so that its gradient is the normal of its surface."""
    from scipy import ndimage  # only here: slow to import

    blurred = np.zeros(mask.shape, dtype=np.float32)
    if mask.any():
        box = _box(mask, 4 * blur_mm, thin)
        sigma = [blur_mm / spacing for spacing in thin.grid.spacing_mm]
        blurred[box] = ndimage.gaussian_filter(mask[box].astype(np.float32), sigma, truncate=3.0)
    return blurred


def without_specks(mask: NDArray[np.bool_], thin: Thinned) -> NDArray[np.bool_]:
    """(i, j, k) ``mask`` without its pieces below ``speck_ml`` of ``library.way_rules()``."""
    from scipy import ndimage  # only here: slow to import

    if not mask.any():
        return mask
    least = library.way_rules()["speck_ml"].value / thin.grid.voxel_ml
    pieces = np.asarray(ndimage.label(mask)[0], dtype=np.intp)  # pyright: ignore[reportIndexIssue]
    large = np.bincount(pieces.ravel()) >= least
    large[0] = False
    return large[pieces]


def _box(mask: NDArray[np.bool_], more_mm: float, thin: Thinned) -> tuple[slice, slice, slice]:
    """Slices around what is True, ``more_mm`` [mm] larger on every side."""
    place: list[slice] = []
    for axis, spacing in enumerate(thin.grid.spacing_mm):
        others = tuple(a for a in range(3) if a != axis)
        there = np.flatnonzero(mask.any(axis=others))
        if not len(there):
            return slice(0, 0), slice(0, 0), slice(0, 0)
        more = int(np.ceil(more_mm / spacing)) + 1
        place.append(slice(max(0, int(there[0]) - more), int(there[-1]) + more + 1))
    return place[0], place[1], place[2]

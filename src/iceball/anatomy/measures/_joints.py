"""Joints that carry load: where the labels of two bones that meet in one come close; and the site by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.measures._distances import Found, begins, write
from iceball.anatomy.measures._host import bones_of
from iceball.anatomy.measures._surfaces import surface_mm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._distances import Distances
    from iceball.anatomy.measures._host import Host
    from iceball.anatomy.measures._survey import Notebook
    from iceball.nouns import Structure


def partners(there: Distances, host: Host) -> list[Structure]:
    """Return the labelled bones that the host meets in a joint, those of the same side only."""
    if host.structure is None or host.rule is None:
        return []
    side = _side(host.structure.name)
    found = []
    for bone in bones_of(there.part):
        rule = library.bone_rule(bone.name)
        sides = ("", side) if side else ("", "left", "right")  # a bone of the middle meets those of both sides
        if rule is not None and rule.name in host.rule.joins and _side(bone.name) in sides:
            found.append(bone)
    return found


def _side(name: str) -> str:
    return next((side for side in ("left", "right") if side in name.split("_")), "")


def facing(there: Distances, bone: Structure, other: Structure) -> NDArray[np.float64]:
    """(N, 3) points of the surface of ``bone`` within ``joint_gap_mm`` of ``other``, in the part's frame [mm]."""
    from scipy.spatial import KDTree  # only here: slow to import

    gap = library.measure_rules()["joint_gap_mm"].value
    one, two = there.boxes.of(bone), there.boxes.of(other)
    labels = there.part.case.labels
    if labels is None or one is None or two is None:
        return np.empty((0, 3))
    spacing = there.part.spacing_mm
    more = np.ceil(gap / spacing).astype(int) + 1
    place = tuple(
        slice(max(a.start, z.start) - m, min(a.stop, z.stop) + m) for a, z, m in zip(one, two, more, strict=True)
    )
    place = tuple(slice(max(0, s.start), s.stop) for s in place)
    if any(s.start >= s.stop for s in place):
        return np.empty((0, 3))
    start = np.array([s.start for s in place]) * spacing
    points = [surface_mm(labels.array[place] == structure.label, spacing, start) for structure in (bone, other)]
    if not len(points[0]) or not len(points[1]):
        return np.empty((0, 3))
    away = KDTree(points[1]).query(points[0], distance_upper_bound=gap)[0]
    return points[0][np.isfinite(away)]


def joint(there: Distances, host: Host, book: Notebook) -> None:
    """Write down the distance to the nearest joint of the lesion's bone, where the bones that make it are labelled.

    Source: ``joint_gap_mm`` of ``library.measure_rules()``, ``judgement``.
    """
    key = "distance_joint_mm"
    if host.structure is None or host.rule is None or not host.rule.joins:
        book.leave(f"{host.note}: no joint that carries load is known there", key)
        return
    best: tuple[float, str] | None = None
    others = partners(there, host)
    for other in others:
        points = facing(there, host.structure, other)
        away = there.to_points(points) if len(points) else float("inf")
        if np.isfinite(away) and (best is None or away < best[0]):
            best = (away, f"the joint of {host.structure.name} and {other.name}")
    box = there.boxes.of(host.structure)
    if best is None or box is None:
        book.leave(f"no label of a bone that {host.structure.name} meets in a joint", key)
        return
    # A joint of this bone that nobody labelled may lie where the bone leaves the scan, or nearer than the one found.
    absent = [bone for bone in host.rule.joins if not any(begins(bone)(other.name) for other in others)]
    says = best[1] + (f" (no label of {', '.join(absent)}, which it meets too)" if absent else "")
    unsure = bool(absent) or host.structure.estimated or any(other.estimated for other in others)
    write(book, key, Found(best[0], says, there.unseen_mm(box), unsure), "the bone")


def site(there: Distances, host: Host, book: Notebook) -> None:
    """Write down the lesion's site, its bone and its level, by names; hip bone by the distance to the hip joint."""
    lesion = there.part.case.lesion
    stated = lesion.site if lesion else ""
    if stated in library.SITES:
        book.put("lesion_site", stated, "label", note="as the case says")
    elif host.rule is None:
        book.leave(host.note, "lesion_site")
    elif host.rule.name == "hip":
        _hip_site(there, host, book)
    else:
        book.put("lesion_site", host.rule.site, "label", note=host.note)
    if host.name is None:
        book.leave(host.note, "lesion_bone")
        return
    book.put("lesion_bone", host.name, "label", note=host.note)
    level = host.name.removeprefix("vertebrae_")
    if level != host.name and level in LEVELS:
        book.put("vertebral_level", level, "label", note=host.note)


LEVELS = (
    *(f"C{i}" for i in range(1, 8)),
    *(f"T{i}" for i in range(1, 13)),
    *(f"L{i}" for i in range(1, 6)),
    *(f"S{i}" for i in range(1, 6)),
)


def _hip_site(there: Distances, host: Host, book: Notebook) -> None:
    points = [
        facing(there, host.structure, other)
        for other in partners(there, host)
        if host.structure is not None and other.name.startswith("femur")
    ]
    points = [each for each in points if len(each)]
    if not points:
        book.leave("acetabulum or ilium: the femur is not labelled, so the hip joint is not known", "lesion_site")
        return
    away = min(there.to_points(each) for each in points)
    near = library.measure_rules()["acetabulum_near_mm"].value
    value = "acetabulum" if away <= near else "pelvis_sacrum"
    book.put("lesion_site", value, "measured", note=f"{away:.0f} mm from the hip joint; acetabulum up to {near:g} mm")

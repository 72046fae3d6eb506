"""Long bones: cortical involvement along and around the shaft, Mirels' size, and where along the femur."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.measures._involvement import involvement
from iceball.anatomy.measures._size import CUT
from iceball.anatomy.measures._unroll import unroll

if TYPE_CHECKING:
    from iceball.anatomy.measures._boxes import Boxes, Slices
    from iceball.anatomy.measures._host import Host
    from iceball.anatomy.measures._involvement import Involvement
    from iceball.anatomy.measures._part import Part
    from iceball.anatomy.measures._state import State
    from iceball.anatomy.measures._survey import Notebook

KEYS = ("cortex_axial_mm", "cortex_circumference_fraction", "lesion_to_bone_width_fraction")


def shaft(part: Part, host: Host, state: State, book: Notebook) -> bool:
    """Write down the cortical involvement of a long bone; return whether breaches are settled with it."""
    if host.rule is None:
        book.leave(f"{host.note}: only a long bone is unrolled about its axis", *KEYS)
        return False
    if not host.rule.shaft:
        return False  # these are questions about long bones only
    if state.spoiled:
        book.leave(state.spoiled, *KEYS)
        return False
    rules = library.measure_rules()
    bone = unroll(
        part, host.mask, from_mm=rules["reference_from_mm"].value, length_mm=rules["reference_length_mm"].value
    )
    if bone is None or not bone.lesion_sections.any():
        book.leave("too little of the bone is in the scan to find its axis, or the lesion lies off its shaft", *KEYS)
        return False
    found = involvement(bone)
    if found is None:
        book.leave("no cortex beside the lesion's own is in the scan to compare with", *KEYS)
        return False
    return _write(found, host, state, book)


def _write(found: Involvement, host: Host, state: State, book: Notebook) -> bool:
    most = library.measure_rules()["shaft_uneven_fraction"].value
    origin = state.origin(not host.labelled or found.uneven_fraction > most)
    against = state.noted(f"against {found.reference}; cortex there {found.cortex_mm:.1f} mm")
    if found.uneven_fraction > most:
        against += f"; the bone's circumference changes by {found.uneven_fraction:.0%} here: no plain shaft"
    if state.cut or found.open_ended:
        book.leave(CUT if state.cut else "the involved cortex runs out of the scan", *KEYS)
    else:
        book.put("cortex_axial_mm", found.axial_mm, origin, unit="mm", note=against)
        book.put("cortex_circumference_fraction", found.circumference_fraction, origin, unit="1", note=against)
        book.put(
            "lesion_to_bone_width_fraction",
            found.width_fraction,
            origin,
            unit="1",
            note="largest share of the bone's width across its axis, any way",
        )
    _breach(found, state.of_breach(), origin == "estimated", book)
    return True


def _breach(found: Involvement, state: State, estimated: bool, book: Notebook) -> None:
    breached = found.breach_mm2 >= library.measure_rules()["breach_area_mm2"].value
    if state.cut and not breached:
        book.leave(CUT, "cortex_breached")
        return
    note = state.noted(f"{found.breach_mm2:.0f} mm² without cortex, against {found.reference}")
    book.put("cortex_breached", breached, state.origin(estimated), note=note)


def mirels_site(part: Part, host: Host, boxes: Boxes, book: Notebook) -> None:
    """Write down the site by Mirels: the limb, or the trochanteric region of a femur whose head is in the scan.

    With it goes the part of the femur, as far as that is the same question.
    """
    if host.rule is None or host.rule.limb is None:
        return
    if host.rule.name != "femur":
        book.put("mirels_site", host.rule.limb, "label", note=host.note)
        book.put("femur_part", "none", "label", note=host.note)
        return
    up = part.axes @ np.array([0.0, 0.0, 1.0])
    axis = int(np.abs(up).argmax())
    box = boxes.of(host.structure)
    cut = box is not None and boxes.reaches(box, axis, up[axis] > 0)
    below = None if box is None else _below_mm(part, box, axis, up[axis] > 0)
    reach = library.measure_rules()["trochanteric_length_mm"].value
    if below is None or (cut and below < reach):  # the region has more points: what may be in it is no lower limb
        why = "the upper end of the femur is not in the scan: whether it is the trochanteric region is for you to say"
        book.leave(why, "mirels_site", "femur_part")
        return
    top = "the end of the scan, which cuts" if cut else "the top of"
    note = f"{below:.0f} mm below {top} the femur; the region reaches {reach:g} mm down"
    if below < reach:
        book.put("mirels_site", "trochanteric", "estimated", note=note)
        book.put("femur_part", "proximal", "estimated", note=note)
    else:
        book.put("mirels_site", "lower_limb", "estimated", note=note)
        book.leave("below the trochanters; shaft and lower end are not told apart", "femur_part")


def _below_mm(part: Part, box: Slices, axis: int, upward: bool) -> float:
    """How far the lesion's highest voxel lies below the upper end of ``box`` [mm], along ``axis``."""
    spacing = part.spacing_mm[axis]
    top = (box[axis].stop if upward else -box[axis].start) * spacing
    there = np.flatnonzero(part.lesion.any(axis=tuple({0, 1, 2} - {axis}))) + part.slices[axis].start
    highest = (there.max() + 1 if upward else -there.min()) * spacing
    return float(top - highest)

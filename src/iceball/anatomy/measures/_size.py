"""How large the lesion is, and of what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._pieces import numbered
from iceball.anatomy.measures._host import bones_of
from iceball.anatomy.measures._surfaces import largest_calliper_mm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.measures._host import Host
    from iceball.anatomy.measures._part import Part
    from iceball.anatomy.measures._state import State
    from iceball.anatomy.measures._survey import Notebook

CUT = "the scan cuts the lesion: it goes on where nothing is seen"


def size(part: Part, host: Host, state: State, book: Notebook) -> None:
    """Write down the lesion's matrix, its largest diameter, its volume, and what of it lies outside bone."""
    lesion = part.case.lesion
    assert lesion is not None  # measure() refuses a case without lesion
    book.put("lesion_matrix", lesion.matrix, "label", note=_matrix_note(part, state))
    if state.cut:
        book.leave(CUT, "lesion_diameter_mm", "lesion_volume_ml", "soft_tissue_ml")
        return
    widest = largest_calliper_mm(part.lesion, part.spacing_mm, part.start_mm)
    book.put("lesion_diameter_mm", widest, "measured", unit="mm", note="the largest calliper, any way")
    book.put("lesion_volume_ml", lesion.volume_ml, "measured", unit="ml", note=f"of the mask: {lesion.origin}")
    if not host.labelled and not state.is_hu:
        book.leave(state.spoiled, "soft_tissue_ml")
        return
    bone = _all_bone(part, host)
    if host.labelled and not (bone & part.lesion).any():
        book.leave("the labels of bone leave the lesion out: what of it was bone is not known", "soft_tissue_ml")
        return
    outside = part.lesion & ~bone
    book.put(
        "soft_tissue_ml",
        np.count_nonzero(outside) * part.case.ct.grid.voxel_ml,
        "measured" if host.labelled else "estimated",
        unit="ml",
        note="of the lesion outside " + ("the labels of bone" if host.labelled else "bone as outlined from HU"),
    )


def _all_bone(part: Part, host: Host) -> NDArray[np.bool_]:
    """(i, j, k) every bone of the part; a hole that labels leave in it, as they do around lytic lesions, is bone."""
    if not host.labelled or part.case.labels is None:
        return host.mask
    bone = np.isin(part.case.labels.array[part.slices], [s.label for s in bones_of(part)])
    pieces, count = numbered(~bone)
    open_ends = [np.unique(pieces.take(end, axis=axis)) for axis in range(3) for end in (0, -1)]
    holes = np.ones(count + 1, dtype=bool)
    holes[np.concatenate(open_ends)] = False
    holes[0] = True  # the bone itself
    return holes[pieces]


def _matrix_note(part: Part, state: State) -> str:
    lesion = part.case.lesion
    assert lesion is not None
    said = f"as the case says ({lesion.origin})"
    if not state.is_hu:
        return said
    hu = part.hu[part.lesion]
    dense = float(np.mean(hu > library.hu_rules()["blastic_above_hu"].value))
    return f"{said}; {dense:.0%} of it is denser than {library.hu_rules()['blastic_above_hu'].value:g} HU"

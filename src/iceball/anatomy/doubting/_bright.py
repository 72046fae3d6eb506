"""What is as bright as bone and may be none: contrast, cement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._palette import BY_HU
from iceball.anatomy.doubting._pieces import Part, Slices, doubt, pieces, wider

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy._palette import Palette
    from iceball.nouns import Finding

# A shell that is denser than what it encloses by this much is cortex: twice the noise of a CT, numerical.
DENSER_HU = 100.0
SHELL_VOXELS = 4  # of some 2 mm: the blur of the scanner and a cortex
MOST_NAMED = 3


def bright_doubts(part: Part, known: NDArray[np.bool_] | None) -> tuple[Finding, ...]:
    """Name what is bright and even, has no denser shell and no label: contrast in a vessel or an organ.

    Parameters
    ----------
    part : the scan, at some 2 mm
    known : (I, J, K) what a label says a tissue or bone of; None without labels
    """
    from scipy import ndimage  # only here: slow to import

    rules = library.hu_rules()
    mean = ndimage.uniform_filter(part.hu, 3)
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(part.hu**2, 3) - mean**2, 0.0))
    even = (mean > rules["vessel_above_hu"].value) & (mean < rules["vessel_below_hu"].value)
    even &= spread < rules["smooth_below_hu"].value
    if known is not None:
        even &= ~known
    least = int(np.ceil(rules["vessel_least_ml"].value / part.voxel_ml))
    found = []
    for piece, box in pieces(even, least):
        inside = part.hu[box][piece]
        if _shell(part, piece, box, float(inside.mean())) > rules["vessel_shell_fraction"].value:
            continue
        found.append((piece, box, inside))
    return _say_bright(part, found)


def cement_doubts(part: Part, known: NDArray[np.bool_] | None) -> tuple[Finding, ...]:
    """Name what is as dense as cement and thicker than cortex is, where no label says what it is."""
    from scipy import ndimage

    rules = library.hu_rules()
    dense = part.hu > rules["cement_above_hu"].value
    if known is not None:
        dense &= ~known
    spacing = [n * size for n, size in zip(part.every, part.case.ct.grid.spacing_mm, strict=True)]
    row = rules["cement_least_mm"]
    for piece, box in pieces(dense, int(np.ceil(row.value**3 / 2e3 / part.voxel_ml))):
        if part.hu[box][piece].max() > rules["metal_above_hu"].value:
            continue  # the blur around metal
        depth = np.asarray(ndimage.distance_transform_edt(np.pad(piece, 1), sampling=spacing))
        thick = 2 * float(depth.max()) - min(spacing)
        if thick >= row.value:
            return (_say_dense(part, piece, box, thick),)
    return ()


def known_by_label(part: Part, palette: Palette) -> NDArray[np.bool_] | None:
    """Where a label says what the tissue is, by name or as bone; None without labels."""
    if part.labels is None:
        return None
    return (palette.of_label != BY_HU)[np.minimum(part.labels, palette.of_label.size - 1)]


def _shell(part: Part, piece: NDArray[np.bool_], box: Slices, mean_hu: float) -> float:
    """Share of the surroundings of ``piece`` that are denser than it."""
    from scipy import ndimage

    bigger, added = wider(box, SHELL_VOXELS, part.hu.shape)
    here = np.pad(piece, added)
    beyond = np.asarray(ndimage.binary_dilation(here, iterations=SHELL_VOXELS), dtype=bool)
    touching = np.asarray(ndimage.binary_dilation(here), dtype=bool)
    around = part.hu[bigger][beyond & ~touching]
    return float(np.mean(around > mean_hu + DENSER_HU)) if around.size else 0.0


def _say_bright(part: Part, found: list[tuple[NDArray[np.bool_], Slices, NDArray[np.float32]]]) -> tuple[Finding, ...]:
    if not found:
        return ()
    rules = library.hu_rules()
    values = np.concatenate([inside for _, _, inside in found])
    as_bone = float(np.mean(values >= rules["bone_above_hu"].value))
    volume = values.size * part.voxel_ml
    named = [
        f"{inside.size * part.voxel_ml:.0f} ml of {float(inside.mean()):.0f} HU at ({_middle(part, piece, box)}) mm"
        for piece, box, inside in found[:MOST_NAMED]
    ]
    more = f", and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    says = (
        f"{volume:.0f} ml are bright and even, without a denser shell: {'; '.join(named)}{more}. This is "
        f"contrast in vessels or organs rather than bone, and {as_bone:.0%} of it would be read as bone. Label "
        "vessels: then they are blood that flows."
    )
    return (doubt("contrast without a label", "caution", says, rules["vessel_least_ml"], volume),)


def _say_dense(part: Part, piece: NDArray[np.bool_], box: Slices, thick_mm: float) -> Finding:
    rules = library.hu_rules()
    volume = np.count_nonzero(piece) * part.voxel_ml
    says = (
        f"{volume:.1f} ml at ({_middle(part, piece, box)}) mm are denser than "
        f"{rules['cement_above_hu'].value:g} HU and {thick_mm:.0f} mm thick: more than cortex. Without a label "
        "they count as dense bone; if they are cement, label them bone_cement or cemented_bone."
    )
    return doubt("cement suspected", "caution", says, rules["cement_least_mm"], thick_mm)


def _middle(part: Part, piece: NDArray[np.bool_], box: Slices) -> str:
    place = part.position_mm(np.argwhere(piece).mean(axis=0) + [s.start for s in box])
    return ", ".join(f"{value:.0f}" for value in place)

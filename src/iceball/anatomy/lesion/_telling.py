"""What was found, in numbers, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy.lesion._hypotheses import Hypothesis, agreed
from iceball.anatomy.lesion._star import STEP_MM, STEPS
from iceball.anatomy.lesion._window import HALF_MM
from iceball.nouns import Finding, FoundLesion, Matrix, Severity, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.lesion._window import Surroundings

DESIGN = "DESIGN"  # a rule of this package: no entry of sources.bib stands behind it
# What is worth a word, no clinical limits: nearly as good another size; how much larger; how few slices; how faint.
NEARLY, OTHER_SIZE, FEW_SLICES, FAINT = 0.7, 1.26, 5, 0.8
MOSTLY_OUT = 0.5  # share of the mask
MOSTLY, HARDLY = 0.6, 0.2  # share of dense voxels from which a lesion is blastic, and up to which it is lytic


def told(mask: Volume, around: Surroundings, found: Sequence[Hypothesis], *, by_box: bool) -> FoundLesion:
    """Describe the lesion ``mask`` (I, J, K) that the hypotheses ``found`` agreed on."""
    part = np.asarray(mask.array[around.place]) > 0
    hu = around.hu[part]
    low, middle, high = (float(each) for each in np.percentile(hu, (5, 50, 95)))
    dense = float(np.mean(hu >= library.hu_rules()["blastic_above_hu"].value))
    matrix: Matrix = "blastic" if dense >= MOSTLY else "lytic" if dense <= HARDLY else "mixed"
    corners = mask.grid.position_mm(np.argwhere(part) + [cut.start for cut in around.place])
    axes = np.abs(np.asarray(mask.grid.direction).reshape(3, 3)) @ np.asarray(mask.grid.spacing_mm)
    x, y, z = (float(each) for each in corners.max(axis=0) - corners.min(axis=0) + axes)
    voxel_ml = mask.grid.voxel_ml
    findings = [*_of_border(part, around), *_of_slices(part, mask), *_of_contrast(found), *_of_metal(around)]
    findings += _of_bone(part, around)
    if not by_box:
        findings += [*_of_reach(found), *_of_other_sizes(found)]
    return FoundLesion(
        mask=mask,
        matrix=matrix,
        volume_ml=float(np.count_nonzero(part)) * voxel_ml,
        extent_mm=(x, y, z),
        soft_tissue_ml=float(np.count_nonzero(part & ~around.bone)) * voxel_ml,
        low_hu=low,
        median_hu=middle,
        high_hu=high,
        findings=tuple(findings),
        start="box" if by_box else "click",
    )


def _finding(rule: str, severity: Severity, says: str, **measured: Any) -> Finding:
    return Finding(rule=rule, severity=severity, says=says, source=DESIGN, subject="lesion", **measured)


def _of_border(part: NDArray[np.bool_], around: Surroundings) -> list[Finding]:
    """Whether the mask meets the end of what was scanned."""
    from scipy import ndimage

    beyond = np.ones(np.add(part.shape, 2), dtype=bool)
    beyond[1:-1, 1:-1, 1:-1] = False
    for axis, (cut, n) in enumerate(zip(around.place, around.case.ct.grid.shape, strict=True)):
        for end, inner in ((0, cut.start > 0), (-1, cut.stop < n)):
            if inner:  # the window ends here, not the scan
                beyond[(slice(None),) * axis + (end,)] = False
    if around.case.field_of_view is not None:
        beyond[1:-1, 1:-1, 1:-1] |= around.case.field_of_view.array[around.place] == 0
    # two voxels: on the way back to the CT's voxels the mask loses up to one where nothing lies beyond
    met = np.count_nonzero(np.asarray(ndimage.binary_dilation(np.pad(part, 1), iterations=2)) & beyond)
    if met == 0:
        return []
    says = "The mask reaches the end of the scan: the lesion may go on beyond it. Give a CT that holds it whole."
    return [_finding("lesion cut by the scan", "caution", says)]


def _of_slices(part: NDArray[np.bool_], mask: Volume) -> list[Finding]:
    """Whether the mask, True in ``part`` (I, J, K), is but a few voxels wide where voxels are widest."""
    index, widest = np.argwhere(part), max(mask.grid.spacing_mm)
    wide = np.ptp(index, axis=0) + 1
    slices = float(min(n for n, s in zip(wide, mask.grid.spacing_mm, strict=True) if s > 0.99 * widest))
    if slices >= FEW_SLICES:
        return []
    says = f"The lesion covers {slices:.0f} of the widest voxels only: its volume is rough. Use thinner slices."
    return [_finding("coarse slices", "caution", says, measured=slices, limit=float(FEW_SLICES), unit="voxels")]


def _of_contrast(found: Sequence[Hypothesis]) -> list[Finding]:
    best = max(each.weight for each in found)
    if best >= FAINT:
        return []
    says = "The lesion hardly differs from what lies around it: look at its border before you use it."
    return [
        _finding("faint border", "caution", says, measured=round(best, 2), limit=FAINT, unit="nats over the border")
    ]


def _of_bone(part: NDArray[np.bool_], around: Surroundings) -> list[Finding]:
    outside = float(np.mean(~around.bone[part]))
    if outside <= MOSTLY_OUT:
        return []
    says = (
        f"{100 * outside:.0f} % of the mask lies in nothing that reads or is labelled as bone: bone that is destroyed "
        "so far, or labels that call this bone something else."
    )
    return [_finding("mostly outside bone", "caution", says, measured=round(outside, 2), limit=MOSTLY_OUT, unit="1")]


def _of_metal(around: Surroundings) -> list[Finding]:
    voxels = int(np.count_nonzero(around.hu > library.hu_rules()["metal_above_hu"].value))
    if voxels == 0:
        return []
    says = f"Metal lies within {HALF_MM:g} mm of the click: its streaks change HU, and the mask with them."
    ml = voxels * around.case.ct.grid.voxel_ml
    return [_finding("metal near the lesion", "caution", says, measured=round(ml, 2), unit="ml")]


def _of_reach(found: Sequence[Hypothesis]) -> list[Finding]:
    reach = float(agreed(found).max()) * STEP_MM
    limit = STEPS * STEP_MM
    if reach < limit:
        return []
    says = f"The mask reaches as far from the click as is looked ({limit:g} mm): it may go on. Draw a box (--box)."
    return [_finding("largest size", "caution", says, measured=reach, limit=limit, unit="mm")]


def _of_other_sizes(found: Sequence[Hypothesis]) -> list[Finding]:
    """Name the sizes that stand out nearly as well and are others: the picture decides between them."""
    size = float(agreed(found).mean()) * STEP_MM
    least = NEARLY * max(each.weight for each in found)
    others = {
        round(2 * each.radius_mm)
        for each in found
        if each.weight >= least and not 1 / OTHER_SIZE < each.radius_mm / size < OTHER_SIZE
    }
    if not others:
        return []
    sizes = ", ".join(f"{other} mm" for other in sorted(others))
    says = f"A lesion of {sizes} stands out nearly as well as this one of {2 * size:.0f} mm: else draw a box."
    return [_finding("other sizes nearly as good", "caution", says)]

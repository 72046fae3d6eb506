"""Are the numbers of a CT Hounsfield units?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.errors import InputError
from iceball.nouns import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Volume

# So many voxels say where the peaks of a scan are: numerical.
ENOUGH = 400_000
# By definition of the scale. Noise of a CT does not reach a fifth beyond it, padding does: numerical.
AIR_HU, BEYOND_NOISE = -1000.0, 1.2
CLIPPED_FRACTION = 1e-3  # of the voxels at the greatest number: a histogram of noise ends in single voxels


def scale_doubts(ct: Volume, field_of_view: Volume | None = None) -> tuple[Finding, ...]:
    """Say whether the numbers of ``ct`` can be HU: soft tissue where it belongs, enough contrast, no padding left.

    Parameters
    ----------
    ct : Volume
        (I, J, K) [HU]
    field_of_view : Volume, optional
        (I, J, K) 0/1; what was not scanned is left out

    Source: DESIGN; limits from ``library.hu_rules()``.
    """
    if unseen := _nothing_scanned(field_of_view):
        return unseen
    values = _some(ct, field_of_view)
    # what the numbers say else means nothing once they are no HU
    return _no_contrast(values) or _offset(values) or (*_cut_off(values), *_padding(values))


def require_hu(ct: Volume, field_of_view: Volume | None = None) -> None:
    """Refuse a CT whose numbers are HU with an offset: anything worked out from it would be wrong and look right.

    Parameters
    ----------
    ct : Volume
        (I, J, K) [HU]
    field_of_view : Volume, optional
        (I, J, K) 0/1

    Raises
    ------
    InputError : if soft tissue does not lie where it does in HU, or nothing was scanned
    """
    for finding in _nothing_scanned(field_of_view) or _offset(_some(ct, field_of_view)):
        raise InputError(finding.says)


def _nothing_scanned(field_of_view: Volume | None) -> tuple[Finding, ...]:
    """Stop where the field of view is empty: then all of the CT is padding, whatever its numbers."""
    if field_of_view is None or field_of_view.array.any():
        return ()
    says = "the field of view is empty: it says that no voxel of the CT was scanned. Read the CT again."
    return (_stop("field of view", says, "DESIGN", 0.0, 1.0),)


def _some(ct: Volume, field_of_view: Volume | None) -> NDArray[np.float32]:
    """Take some voxels of what was scanned, evenly spread, as (N,)."""
    every = max(1, round((ct.array.size / ENOUGH) ** (1 / 3)))
    values = ct.array[::every, ::every, ::every]
    if field_of_view is not None:
        seen = field_of_view.array[::every, ::every, ::every].astype(bool)
        values = values[seen] if seen.any() else values
    return values.astype(np.float32).reshape(-1)


def _share(mask: NDArray[Any], of: float | None = None) -> float:
    return float(np.count_nonzero(mask)) / max(of or mask.size, 1)


def _no_contrast(values: NDArray[np.float32]) -> tuple[Finding, ...]:
    row = library.hu_rules()["least_contrast_hu"]
    low, high = float(values.min()), float(values.max())
    if high - low >= row.value:
        return ()
    says = (
        f"the numbers of the CT run from {low:g} to {high:g} only: they are no HU, or nothing is on the scan. "
        "Export it again as HU."
    )
    return (_stop("HU scale", says, row.source, high - low, row.value),)


def _offset(values: NDArray[np.float32]) -> tuple[Finding, ...]:
    rules = library.hu_rules()
    low, high = rules["soft_tissue_low_hu"].value, rules["soft_tissue_high_hu"].value
    off, most = rules["hu_offset"], rules["offset_share_fraction"]
    shifted = _share((values > low + off.low) & (values < high + off.high))
    if shifted >= most.value:
        says = (
            f"{shifted:.0%} of the scan lies {off.value:g} HU above soft tissue: the numbers were stored without their "
            f"rescale intercept. Subtract {off.value:g} (or {off.low:g}) and read it again."
        )
        return (_stop("HU offset", says, most.source, shifted, most.value),)
    dense = values[values > rules["gas_below_hu"].value]
    soft = _share((dense > low) & (dense < high))
    least, of_all = rules["soft_tissue_share_fraction"], rules["soft_tissue_least_fraction"]
    if soft >= least.value and soft * dense.size >= of_all.value * values.size:
        return ()
    sunk = _share((values > low - off.high) & (values < high - off.low))
    if sunk >= most.value:
        says = (
            f"hardly any of the scan is soft tissue, and {sunk:.0%} of it lies {off.value:g} HU lower: the intercept "
            f"was subtracted twice, or it is a scan of air. Add {off.value:g} (or {off.low:g}) and read it again."
        )
    else:
        says = (
            f"only {soft:.0%} of what is denser than gas lies between {low:g} and {high:g} HU, where soft tissue does: "
            "the numbers are no HU, or the scan shows bone alone. Export it again as HU."
        )
    return (_stop("HU offset", says, least.source, soft, least.value),)


def _cut_off(values: NDArray[np.float32]) -> tuple[Finding, ...]:
    """Say whether fat and air, or dense bone, were cut off by a window."""
    rules = library.hu_rules()
    found = []
    lowest, highest = float(np.quantile(values, 1e-3)), float(values.max())
    if lowest > rules["fat_below_hu"].value:
        says = f"nothing on the scan is darker than {lowest:g} HU: it shows no fat and no air, or they were cut off."
        found.append(_caution("HU cut off", says, rules["fat_below_hu"].source, lowest, "HU"))
    at_top = _share(values == highest)
    if highest < rules["cement_above_hu"].value and at_top > CLIPPED_FRACTION:
        says = (
            f"{at_top:.1%} of the scan has its greatest number, {highest:g} HU: what is denser was cut off, and dense "
            "bone counts as less than it is."
        )
        found.append(_caution("HU cut off", says, rules["cement_above_hu"].source, highest, "HU"))
    return tuple(found)


def _padding(values: NDArray[np.float32]) -> tuple[Finding, ...]:
    most = library.hu_rules()["padding_share_fraction"]
    shares = {"exactly 0 HU": _share(values == 0.0), "darker than air can be": _share(values < BEYOND_NOISE * AIR_HU)}
    return tuple(
        _caution(
            "padding",
            f"{share:.0%} of the scan is {what}: padding that the reader did not take out counts as tissue or gas.",
            most.source,
            share,
            "1",
        )
        for what, share in shares.items()
        if share >= most.value
    )


def _stop(rule: str, says: str, source: str, measured: float, limit: float) -> Finding:
    return Finding(rule=rule, severity="stop", says=says, source=source, subject="CT", measured=measured, limit=limit)


def _caution(rule: str, says: str, source: str, measured: float, unit: str) -> Finding:
    return Finding(rule=rule, severity="caution", says=says, source=source, subject="CT", measured=measured, unit=unit)

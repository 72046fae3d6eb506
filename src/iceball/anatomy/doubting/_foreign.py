"""Metal on the scan, and gas in the lesion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball import library
from iceball.anatomy.doubting._pieces import REACH_MM, around_lesion, doubt
from iceball.nouns import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Case

STREAKS_MM = 30.0  # around metal, where noise is compared with that of the other slices: numerical
SOME_VOXELS = 1000  # fewer give no noise: numerical
MOST_SLICES = 8  # of each kind: numerical
MOST_POINTS = 20_000  # of metal or lesion, for their distance: numerical


def metal_doubts(case: Case) -> tuple[Finding, ...]:
    """Say how much metal the scan shows, how far it lies from the lesion and how noisy it makes what is around it."""
    rules = library.hu_rules()
    hu, grid = case.ct.array, case.ct.grid
    flat = np.flatnonzero(hu > rules["metal_above_hu"].value)
    count = flat.size
    if count * grid.voxel_ml < rules["metal_least_ml"].value:
        return ()
    metal = np.stack(np.unravel_index(flat, hu.shape), axis=-1)
    share = count / max(int(np.count_nonzero(hu > rules["gas_below_hu"].value)), 1)
    most = rules["metal_share_fraction"]
    if share >= most.value:
        says = (
            f"{share:.0%} of what is denser than gas is above {rules['metal_above_hu'].value:g} HU: no patient holds "
            "so much metal. The numbers are no HU, or the scan is spoilt."
        )
        return (doubt("metal", "stop", says, most, share),)
    near = _distance_mm(case, metal)
    volume = count * grid.voxel_ml
    says = f"{volume:.2g} ml of metal{_where(near)}. Streaks around it change HU, and what they make of bone is no bone"
    noise = _noise(hu, metal, grid.spacing_mm)
    if noise:
        says += f"; soft tissue within {STREAKS_MM:g} mm is {noise:.1f} times as noisy as in slices without metal"
    severity = "note" if near is not None and near > REACH_MM else "caution"
    return (doubt("metal", severity, f"{says}.", rules["metal_least_ml"], volume),)


def gas_doubts(case: Case) -> tuple[Finding, ...]:
    """Say how much of the lesion is gas."""
    if case.lesion is None:
        return ()
    row = library.hu_rules()["gas_below_hu"]
    near = around_lesion(case)
    inside = case.lesion.mask.array[near].astype(bool)
    gas = int(np.count_nonzero(case.ct.array[near][inside] < row.value))
    if gas == 0:
        return ()
    volume = gas * case.ct.grid.voxel_ml
    says = (
        f"{volume:.2g} ml of the lesion ({gas / np.count_nonzero(inside):.0%}) is gas: lung or bowel in the mask, a "
        "vacuum, or an infection. It does not freeze and insulates."
    )
    return (
        Finding(
            rule="gas in the lesion",
            severity="caution",
            says=says,
            source=row.source,
            subject="lesion",
            measured=volume,
            unit="ml",
        ),
    )


def _where(near_mm: float | None) -> str:
    if near_mm is None:
        return ""
    return ", in the lesion" if near_mm == 0.0 else f", {near_mm:.0f} mm from the lesion"


def _distance_mm(case: Case, metal: NDArray[np.intp]) -> float | None:
    """Least distance of metal (N, 3) to the lesion, between voxel centres [mm]; None without a lesion."""
    if case.lesion is None:
        return None
    from scipy.spatial import KDTree  # only here: slow to import

    mask = case.lesion.mask.array
    if mask[tuple(metal.T)].any():
        return 0.0
    near = around_lesion(case)
    lesion = np.argwhere(mask[near]) + [side.start for side in near]
    points = [case.ct.grid.position_mm(_thinned(index)) for index in (lesion, metal)]
    return float(KDTree(points[0]).query(points[1])[0].min())


def _thinned(index: NDArray[np.intp]) -> NDArray[np.intp]:
    return index[:: max(1, len(index) // MOST_POINTS)]


def _noise(hu: NDArray[Any], metal: NDArray[np.intp], spacing_mm: tuple[float, float, float]) -> float | None:
    """How much noisier soft tissue near metal (N, 3) is than in slices without; None with too little of either."""
    calm = np.setdiff1d(np.arange(hu.shape[2]), metal[:, 2])
    if calm.size == 0:
        return None
    low, high = metal.min(axis=0), metal.max(axis=0) + 1
    i, j = (int(STREAKS_MM / size) for size in spacing_mm[:2])
    with_metal = np.unique(metal[:, 2])[:: max(1, np.unique(metal[:, 2]).size // MOST_SLICES)]
    beside = hu[max(0, low[0] - i) : high[0] + i, max(0, low[1] - j) : high[1] + j]
    there = _roughness(beside[:, :, with_metal])
    elsewhere = _roughness(hu[:, :, calm[:: max(1, calm.size // MOST_SLICES)]])
    return None if there is None or not elsewhere else there / elsewhere


def _roughness(hu: NDArray[Any]) -> float | None:
    """Median step between neighbours of soft tissue along the first axis [HU]."""
    rules = library.hu_rules()
    low, high = rules["soft_tissue_low_hu"].value, rules["bone_above_hu"].value
    values = hu.astype(np.float32)
    soft = (values > low) & (values < high)
    steps = np.abs(np.diff(values, axis=0))[soft[1:] & soft[:-1]]
    return float(np.median(steps)) if steps.size >= SOME_VOXELS else None

"""What spoils a measure: a lesion that the scan cuts, metal, thick slices, numbers that are no HU."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy.measures._surfaces import nearest_mm, surface_mm

if TYPE_CHECKING:
    from iceball.anatomy.measures._part import Part
    from iceball.anatomy.measures._survey import Notebook
    from iceball.nouns.fact import Origin

# Numerical: so many voxels are no noise any more.
FEW_VOXELS = 5
NO_HU = "the numbers around the lesion are no HU"


@dataclasses.dataclass(frozen=True)
class State:
    """How far HU around the lesion can be trusted.

    ``spoiled`` says why walls and cortex cannot be judged, "" where they can; ``doubt`` why what is measured there is
    an estimate only; ``coarse`` why a breach is one. ``cut`` is True where the scan cuts the lesion; ``is_hu`` False
    where the numbers are no HU.
    """

    cut: bool
    spoiled: str
    doubt: str
    is_hu: bool
    coarse: str = ""

    def origin(self, estimated: bool = False) -> Origin:
        """Return "measured", or "estimated" where there is doubt or an outline was ``estimated``."""
        return "estimated" if estimated or self.doubt else "measured"

    def noted(self, note: str) -> str:
        """Return ``note`` with the doubt, where there is one."""
        return f"{note}; {self.doubt}" if self.doubt else note

    def of_breach(self) -> State:
        """Return the state for what is said of a hole: coarse voxels raise doubt of that alone."""
        doubts = [doubt for doubt in (self.doubt, self.coarse) if doubt]
        return dataclasses.replace(self, doubt="; ".join(doubts), coarse="")


def look_at(part: Part, book: Notebook) -> State:
    """Say what spoils the measures of this lesion, in facts and in the state that is returned.

    Source: thresholds from ``library.hu_rules()`` and ``library.measure_rules()``.
    """
    rules = library.measure_rules()
    slice_mm = float(part.spacing_mm.max())
    book.put("slice_spacing_mm", slice_mm, "measured", unit="mm", note="the longest edge of a voxel")
    cut = _cut(part)
    book.put("lesion_cut_by_scan", cut, "measured", note="whether the lesion reaches the border of what was scanned")
    is_hu = _is_hu(part)
    metal = _metal_mm(part)
    near = metal <= rules["metal_near_mm"].value
    if is_hu:
        book.put("metal_near_lesion", near, "measured", note=_metal_note(metal, rules["metal_near_mm"].value))
    else:
        book.leave(NO_HU, "metal_near_lesion")
    spoiled = doubt = ""
    if not is_hu:
        spoiled = f"{NO_HU}: nothing there reads as fat or air, or nothing as bone, or the lesion itself as gas"
    elif slice_mm > rules["wall_slices_mm"].value + 0.01:
        spoiled = f"voxels of {slice_mm:g} mm are too long: walls are judged up to {rules['wall_slices_mm'].value:g} mm"
    elif metal <= rules["metal_spoils_mm"].value:
        spoiled = f"metal {metal:.0f} mm from the lesion: its streaks look like cortex and like holes"
    elif near:
        doubt = f"metal {metal:.0f} mm from the lesion may have changed HU"
    return State(cut=cut, spoiled=spoiled, doubt=doubt, is_hu=is_hu, coarse=_coarse(part))


def _coarse(part: Part) -> str:
    pixel = float(np.sort(part.spacing_mm)[1])  # slices are the longest edge, as a rule
    if pixel <= library.measure_rules()["wall_pixel_mm"].value + 0.01:
        return ""
    return f"at voxels of {pixel:g} mm a thin shell can read as a hole"


def _cut(part: Part) -> bool:
    for axis, place in enumerate(part.slices):
        for end, at in ((0, place.start), (-1, place.stop - 1)):
            if at in (0, part.case.ct.grid.shape[axis] - 1) and part.lesion.take(end, axis=axis).any():
                return True
    if part.case.field_of_view is None:
        return False
    from scipy import ndimage  # only here: slow to import

    return bool((ndimage.binary_dilation(part.lesion) & np.isnan(part.hu)).any())


def _is_hu(part: Part) -> bool:
    rules = library.hu_rules()
    below = np.count_nonzero(part.hu < rules["fat_below_hu"].value)
    above = np.count_nonzero(part.hu > rules["bone_above_hu"].value)
    within = part.hu[part.lesion]
    solid = np.median(within[np.isfinite(within)]) > rules["gas_below_hu"].value if np.isfinite(within).any() else False
    return bool(below > FEW_VOXELS and above > FEW_VOXELS and solid)


def _metal_mm(part: Part) -> float:
    metal = part.hu > library.hu_rules()["metal_above_hu"].value
    if np.count_nonzero(metal) < FEW_VOXELS:
        return float("inf")
    if (metal & part.lesion).any():
        return 0.0
    surfaces = [surface_mm(mask, part.spacing_mm, part.start_mm) for mask in (metal, part.lesion)]
    return nearest_mm(*surfaces)


def _metal_note(metal_mm: float, near_mm: float) -> str:
    if metal_mm == float("inf"):
        return f"no metal within {near_mm:g} mm"
    return f"metal {metal_mm:.0f} mm from the lesion"

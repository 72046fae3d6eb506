"""What the lesion is made of, in HU: soft tissue, mottled sclerosis, a rim; with the noise of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.implanting._fields import smooth_field, stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from iceball.implanting._extent import Extent, Site
    from iceball.implanting._look import Look
    from iceball.implanting._scan import ScanLook
    from iceball.implanting._wish import Wish

AROUND_MM = 2.0  # over which the bone that sclerosis adds to is averaged, so that its trabeculae stay


def filled(site: Site, made: Extent, wish: Wish, look: Look, scan: ScanLook) -> NDArray[np.float64]:
    """(I, J, K) HU of ``site`` with the lesion ``made`` in it.

    Lytic matter takes the place of what was there, w of it, with noise such that its variance stays the scan's:
    (1 - w)² + w (2 - w) = 1. Sclerosis is added to the bone up to its own density, and what is denser stays.
    """
    from scipy import ndimage  # only here: slow to import

    hu, w = site.hu, made.weight
    if wish.matrix in ("lytic", "mixed"):
        w_lytic = w * (1.0 - made.blastic)
        lytic = look.lytic
        soft = lytic["matter_hu"] + lytic["patch_hu"] * _patches(site, wish, lytic)
        noise = scan.noise_hu * smooth_field(stream(wish.seed, "noise"), site.grid, scan.blur_mm)
        hu = (1.0 - w_lytic) * hu + w_lytic * soft + np.sqrt(w_lytic * (2.0 - w_lytic)) * noise
    if wish.matrix in ("blastic", "mixed"):
        blastic = look.blastic
        dense = blastic["matter_hu"] + blastic["patch_hu"] * _patches(site, wish, blastic)
        around = ndimage.gaussian_filter(hu, np.divide(AROUND_MM, site.grid.spacing_mm))
        hu = hu + w * made.blastic * np.maximum(dense - np.maximum(around, site.hu), 0.0)
    if look.rim:
        hu = hu + _rim(site, made, wish, look.rim, scan)
    return hu


def _patches(site: Site, wish: Wish, rows: Mapping[str, float]) -> NDArray[np.float64]:
    return smooth_field(stream(wish.seed, "matter"), site.grid, rows["patch_mm"])


def _rim(site: Site, made: Extent, wish: Wish, rows: Mapping[str, float], scan: ScanLook) -> NDArray[np.float64]:
    """HU (I, J, K) that a thin, patchy rim of sclerosis adds to the bone around the lesion."""
    from scipy import ndimage

    half = rows["rim_mm"] / 2
    shell = np.exp(-(((made.depth_mm + half) / half) ** 2)) * site.bone
    patchy = np.clip(0.5 + smooth_field(stream(wish.seed, "rim"), site.grid, 3.0 * rows["rim_mm"]), 0.0, 1.0)
    blurred = ndimage.gaussian_filter(shell * patchy, np.divide(scan.blur_mm, site.grid.spacing_mm))
    return rows["rim_hu"] * np.asarray(blurred) * (1.0 - made.weight)

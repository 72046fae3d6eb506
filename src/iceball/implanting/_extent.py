"""How far the lesion goes: its ideal shape with an irregular border, in its bone, and through its cortex."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._pieces import largest_piece
from iceball.implanting._crop import distance_mm
from iceball.implanting._fields import smooth_field, stream
from iceball.nouns import Grid
from iceball.nouns._noun import array_noun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from iceball.implanting._scan import ScanLook
    from iceball.implanting._shapes import Body
    from iceball.implanting._wish import Wish

# Choices of form: the border's slow waves as shares of the size, and how long the fine ones are [mm].
WAVE_HEIGHT, WAVE_LENGTH, FRINGE_LENGTH_MM = 0.035, 0.1, 2.0
MOST_FRINGE = 0.05  # of the size: a fringe of a small lesion must not double it
# Holes in the cortex: their length as a share of the size; how much of its field the edge of a hole or an island takes.
HOLE_LENGTH, LEAST_HOLE_MM, HOLE_EDGE, ISLAND_EDGE = 0.15, 2.5, 0.6, 1.2
CORTEX_MM, CORTEX_VOXELS = 3.0, 1.3  # dense bone this near to the surface is cortex, as CT shows it
FAR_MM = 1e3


@array_noun
class Site:
    """The part of a CT that a lesion goes into: its ``hu`` (I, J, K), the ``bone``, and ``soft`` tissue around it."""

    grid: Grid
    hu: NDArray[np.float64]
    bone: NDArray[np.bool_]
    soft: NDArray[np.bool_]


@array_noun
class Extent:
    """Share of each voxel's matter that the lesion replaces, and depth below its border [mm], negative outside.

    ``blastic`` (I, J, K) is the share of the lesion that is dense at a voxel: 0 lytic, 1 blastic.
    """

    weight: NDArray[np.float64]
    depth_mm: NDArray[np.float64]
    blastic: NDArray[np.float64]


def extent(site: Site, body: Body, wish: Wish, rows: Mapping[str, float], scan: ScanLook) -> Extent:
    """Fit the ideal ``body`` into the bone of ``site``.

    The cortex of a blastic lesion is kept and belongs to it. Elsewhere a part of the touched cortex is gone
    (``broken_fraction``), the rest thinned (``thinned_fraction``); beyond a hole the lesion bulges into soft tissue.
    """
    from scipy import ndimage  # only here: slow to import

    centred = site.grid.position_mm(np.moveaxis(np.indices(site.grid.shape), 0, -1)) - np.asarray(wish.at_mm)
    blastic = _islands(site.grid, wish, rows)
    below = _surface_depth_mm(site)
    open_ = _open(site.grid, wish, rows) * (1.0 - blastic) if wish.matrix != "blastic" else None
    reach = below if open_ is None else below + rows["bulge_mm"] * np.clip(2.0 * open_ - 1.0, 0.0, 1.0)
    reach = np.where(site.bone | site.soft, reach, -FAR_MM)
    depth = np.minimum(body.depth_mm(centred) + _border(site.grid, wish, rows), reach)
    depth = _one_piece(depth, site.grid, wish)
    width = math.hypot(rows["border_mm"], float(np.mean(site.grid.spacing_mm)))
    step = np.clip(0.5 + depth / width, 0.0, 1.0)
    blur = np.divide(scan.blur_mm, site.grid.spacing_mm)
    weight = np.asarray(ndimage.gaussian_filter(step, blur))
    if open_ is not None:
        thinned = rows["thinned_fraction"]
        kept = (1.0 - blastic) * (1.0 - thinned) * (1.0 - np.clip(open_, 0.0, 1.0))
        weight *= 1.0 - _cortex(site, below) * kept
    return Extent(weight=weight, depth_mm=depth, blastic=blastic)


def _islands(grid: Grid, wish: Wish, rows: Mapping[str, float]) -> NDArray[np.float64]:
    """Share (I, J, K) of blastic matter: 0, 1, or islands with soft borders."""
    if wish.matrix != "mixed":
        return np.full(grid.shape, float(wish.matrix == "blastic"))
    field = smooth_field(stream(wish.seed, "islands"), grid, rows["island_mm"])
    return np.clip(0.5 + (field - _above(rows["blastic_fraction"])) / ISLAND_EDGE, 0.0, 1.0)


def _open(grid: Grid, wish: Wish, rows: Mapping[str, float]) -> NDArray[np.float64]:
    """Where the cortex is gone: 0 stands, 0.5 at the edge of a hole, 1 well in it."""
    length = max(HOLE_LENGTH * wish.size_mm, LEAST_HOLE_MM)
    field = smooth_field(stream(wish.seed, "cortex"), grid, length)
    return np.clip(0.5 + (field - _above(rows["broken_fraction"])) / HOLE_EDGE, 0.0, 1.0)


def _above(share: float) -> float:
    """Level that a normal number exceeds with the chance ``share``."""
    from scipy import special  # only here: slow to import

    return float(special.ndtri(1.0 - share))


def _border(grid: Grid, wish: Wish, rows: Mapping[str, float]) -> NDArray[np.float64]:
    """How far (I, J, K) the border is moved [mm]: slow waves and a fine fringe."""
    waves = smooth_field(stream(wish.seed, "border"), grid, WAVE_LENGTH * wish.size_mm)
    fringe = smooth_field(stream(wish.seed, "fringe"), grid, FRINGE_LENGTH_MM)
    return WAVE_HEIGHT * wish.size_mm * waves + min(rows["fringe_mm"], MOST_FRINGE * wish.size_mm) * fringe


def _surface_depth_mm(site: Site) -> NDArray[np.float64]:
    """(I, J, K) depth below the bone's surface [mm], which runs half a voxel beside the voxels' centres."""
    half = float(np.mean(site.grid.spacing_mm)) / 2
    inside = np.minimum(distance_mm(~site.bone, site.grid), FAR_MM) - half
    outside = half - np.minimum(distance_mm(site.bone, site.grid), FAR_MM)
    return np.where(site.bone, inside, outside)


def _cortex(site: Site, below_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share (I, J, K) of cortex: dense, and near to the surface."""
    least = library.hu_rules()["bone_above_hu"].value
    near = below_mm <= max(CORTEX_MM, CORTEX_VOXELS * min(site.grid.spacing_mm))
    return np.where(near, np.clip((site.hu - least) / least, 0.0, 1.0), 0.0)


def _one_piece(depth: NDArray[np.float64], grid: Grid, wish: Wish) -> NDArray[np.float64]:
    """Push what does not hang together with the largest piece out of the lesion."""
    kept = largest_piece(depth > 0)
    if kept is None:
        return depth
    return np.where((depth > 0) & ~kept, -float(np.mean(grid.spacing_mm)), depth)

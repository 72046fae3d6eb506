"""What is hard on a CT and belongs to bone, and what it encloses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball import library
from iceball.anatomy._pieces import numbered
from iceball.anatomy.outlines._blocks import (
    ball,
    closed,
    cube_grown,
    eroded,
    opened,
    pooled,
    spread,
    steps_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.outlines._blocks import Steps

# All of these are numerical: sizes of bones and vessels, not limits of medicine.
MARGIN_MM = 30.0  # looked at around the part asked for: a vertebral body fits in
GROW_MM = 5.0  # how far bone that is less dense may lie from dense cortex
LEAST_ML = 0.05  # smaller pieces of dense cortex are calcified plaques, wires and noise
CLOSE_MM = 2.0  # half of the widest gap in a cortex that is bridged
RUN_MM = 20.0  # how far less dense bone may run on from it: half a vertebral body
SMOOTH_MM = 1.5  # of noise, before it is looked where bone runs on
THICK_MM = 4.0  # half the thickness of bone that less dense; thinner things are vessels
HOLE_ML = 100.0  # the marrow of half a femur; more is no hole
HOLE_MM = 45.0  # across, in a plane where the border of the scan cuts it; a vertebral body, but no canal
CUT_SHARE = 1.6  # and how much of the border it may have, to the root of its area: a body cut in half has 1.3
IN_AIR_FRACTION = 0.6  # of the surroundings: a rib beside the lung has less than half
VESSEL_RADIUS_MM = 4.0
VESSEL_LEAST_ML = 1.5
BRANCH_MM = 10.0  # how far the thinner, less smooth rest of a vessel or kidney is followed
SHELL_MM = 6.0  # how far from its core bone shows its cortex
SHELL_HU = 120.0  # by which cortex outshines what it encloses
SHELL_FRACTION = 0.65  # of the core's border


def hard_bone(hu: NDArray[np.float32], spacing_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """(I, J, K) True in what is hard and neither vessel, table nor speck, and in the softer bone that it runs into."""
    from scipy import ndimage  # only here: slow to import

    rules = library.hu_rules()
    steps, size = _blocks_of(spacing_mm)
    coarse = pooled(np.clip(hu, -1000.0, 3000.0), steps, np.mean)
    usual, dense = rules["bone_above_hu"].value, rules["cortex_above_hu"].value
    rough = pooled(hu >= dense, steps, np.max)
    edge = _edge_hu(coarse, rough, size)
    contrast = _contrast(coarse, size, usual) | _contrast(coarse, size, edge)
    sure = _pieces(rough & ~contrast, coarse, size)
    near = cube_grown(sure, max(GROW_MM, 1.5 * max(size)), size)
    hard = (hu >= usual) & spread(near & ~contrast, steps, hu.shape)
    calm = ndimage.gaussian_filter(coarse, [SMOOTH_MM / s for s in size])
    runs = ndimage.binary_dilation(sure, iterations=int(RUN_MM / min(size)), mask=((calm >= edge) & ~contrast) | sure)
    thick = opened(np.asarray(runs, dtype=np.bool_), ball(max(THICK_MM, 1.5 * max(size)), size))
    return hard | (spread(thick, steps, hu.shape) & (hu >= edge))


def _edge_hu(coarse: NDArray[np.float32], rough: NDArray[np.bool_], size: tuple[float, float, float]) -> float:
    """HU above which what runs on from cortex is bone: a step above the soft tissue around."""
    rules = library.hu_rules()
    soft = (coarse > rules["fat_below_hu"].value) & (coarse < rules["bone_above_hu"].value)
    around = cube_grown(rough, MARGIN_MM, size) & soft
    muscle = float(np.median(coarse[around])) if around.any() else 0.0
    return muscle + rules["bone_over_muscle_hu"].value


def filled(
    hu: NDArray[np.float32], hard: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """(I, J, K) ``hard`` with what it encloses: in two of three planes, or on all sides."""
    steps, size = _blocks_of(spacing_mm)
    blocks = pooled(hard, steps, np.max)
    coarse = pooled(hu, steps, np.mean)
    edge = coarse >= _edge_hu(coarse, blocks, size)
    wall = blocks | (edge & cube_grown(blocks, 2.0 * CLOSE_MM, size))
    votes = sum(_holes_in_plane(wall, axis, size).astype(np.uint8) for axis in range(3))
    inside = (votes >= 2) | _holes(wall, size)
    inside = closed(inside | blocks, ball(max(size), size))
    rim = blocks & ~eroded(inside)
    return hard | spread(inside & ~rim, steps, hard.shape)


def _blocks_of(spacing_mm: tuple[float, float, float]) -> tuple[Steps, tuple[float, float, float]]:
    steps = steps_of(spacing_mm)
    return steps, (spacing_mm[0] * steps[0], spacing_mm[1] * steps[1], spacing_mm[2] * steps[2])


def _holes_in_plane(wall: NDArray[np.bool_], axis: int, size: tuple[float, ...]) -> NDArray[np.bool_]:
    """(I', J', K') True in what a wall encloses within planes across ``axis``.

    Where the border of the scan cuts a piece, it counts as enclosed if it is small.
    """
    from scipy import ndimage

    flat = ball(max(CLOSE_MM, *size), size)
    flat = flat.take([flat.shape[axis] // 2], axis=axis)
    shut = closed(wall, flat)
    cross = ndimage.generate_binary_structure(3, 1)
    cross[tuple(slice(None) if a == axis else 1 for a in range(3))] = False
    cross[1, 1, 1] = True
    pieces, count = numbered(~shut, cross)
    border_mm = np.zeros(count + 1)
    for across in sorted({0, 1, 2} - {axis}):
        for end in (0, -1):
            touched = np.bincount(pieces.take(end, axis=across).ravel(), minlength=count + 1)
            border_mm += touched * size[3 - axis - across]
    area_mm2 = np.bincount(pieces.ravel(), minlength=count + 1) * np.prod(size) / size[axis]
    hole = border_mm == 0
    hole[~hole] = _short(pieces, ~hole, axis, size)
    hole &= border_mm <= CUT_SHARE * np.sqrt(area_mm2)
    hole[0] = False
    return hole[pieces] | (shut & ~wall)


def _short(pieces: NDArray[np.int32], which: NDArray[np.bool_], axis: int, size: tuple[float, ...]) -> list[bool]:
    """Whether each of the pieces ``which`` is shorter than HOLE_MM in the plane across ``axis``."""
    from scipy import ndimage

    found = ndimage.find_objects(pieces)
    short = []
    for number in np.flatnonzero(which):
        place = found[number - 1] if number else None
        extents = [] if place is None else [(p.stop - p.start) * s for p, s in zip(place, size, strict=True)]
        short.append(place is not None and max(e for a, e in enumerate(extents) if a != axis) < HOLE_MM)
    return short


def _holes(wall: NDArray[np.bool_], size: tuple[float, ...]) -> NDArray[np.bool_]:
    """(I', J', K') True in what a wall encloses on all sides, or with the upper and lower border of the scan."""
    shut = closed(wall, ball(max(CLOSE_MM, *size), size), border=True)
    pieces, count = numbered(~shut)
    hole = np.bincount(pieces.ravel(), minlength=count + 1) * np.prod(size) / 1000.0 < HOLE_ML
    for side in (pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]):
        hole[np.unique(side)] = False
    hole[0] = False
    return hole[pieces]


def _contrast(coarse: NDArray[np.float32], size: tuple[float, float, float], least_hu: float) -> NDArray[np.bool_]:
    """(I', J', K') True in vessels and organs full of contrast: thick, smooth, and no denser shell around."""
    from scipy import ndimage

    hard = coarse >= least_hu
    labels, count = numbered(~cube_grown(~hard, VESSEL_RADIUS_MM, size), _EVERY)
    large = np.bincount(labels.ravel(), minlength=count + 1) * np.prod(size) / 1000.0 >= VESSEL_LEAST_ML
    large[0] = False
    if not large.any():
        return np.zeros_like(hard)
    labels = np.where(large[labels], labels, 0)
    numbers = np.flatnonzero(large)
    edge = np.where(eroded(labels > 0), 0, labels) * _off_border(hard.shape, size)
    mean = ndimage.uniform_filter(coarse, 3)
    rough = np.sqrt(np.maximum(ndimage.uniform_filter(coarse**2, 3) - mean**2, 0.0))
    smooth = np.asarray(ndimage.median(rough, labels, numbers)) < library.hu_rules()["smooth_below_hu"].value
    level = np.zeros(count + 1)
    level[numbers] = ndimage.mean(coarse, labels, numbers)
    brightest = ndimage.maximum_filter(coarse, size=[2 * int(SHELL_MM / s) + 1 for s in size])
    seen = np.bincount(edge.ravel(), minlength=count + 1)
    shell = np.bincount(edge[brightest > level[labels] + SHELL_HU], minlength=count + 1)
    found = np.zeros(count + 1, dtype=bool)
    found[numbers] = smooth & (shell < SHELL_FRACTION * seen)[numbers]
    if not found.any():
        return np.zeros_like(hard)
    vessel = cube_grown(found[labels], VESSEL_RADIUS_MM, size) & hard
    way = (hard & (rough < 1.5 * library.hu_rules()["smooth_below_hu"].value)) | vessel
    turns = max(1, int(BRANCH_MM / min(size)))
    vessel = np.asarray(ndimage.binary_dilation(vessel, iterations=turns, mask=way), dtype=np.bool_)
    around = cube_grown(vessel, 2 * size[0], size) & (coarse < level[found].max())
    return vessel | (around & hard)


def _off_border(shape: tuple[int, ...], size: tuple[float, ...]) -> NDArray[np.int8]:
    """(I, J, K) 1 where a shell would show, 0 so near the border of the scan that it may lie beyond."""
    inside = np.zeros(shape, dtype=np.int8)
    inside[tuple(slice(b, max(b, n - b)) for b, n in zip((int(SHELL_MM / s) for s in size), shape, strict=True))] = 1
    return inside


def _pieces(
    blocks: NDArray[np.bool_], coarse: NDArray[np.float32], size: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Drop specks, and what lies in air: the table, wires, vessels of the lung."""
    from scipy import ndimage

    labels, count = numbered(blocks, _EVERY)
    large = np.bincount(labels.ravel(), minlength=count + 1) * np.prod(size) / 1000.0 >= LEAST_ML
    large[0] = False
    air = coarse < library.hu_rules()["gas_below_hu"].value
    near = np.where(blocks, 0, ndimage.grey_dilation(labels, footprint=ball(2 * max(size), size)))
    around = np.bincount(near.ravel(), minlength=count + 1)
    in_air = np.bincount(near[air], minlength=count + 1) > IN_AIR_FRACTION * around
    return (large & ~in_air)[labels]


_EVERY = np.ones((3, 3, 3), dtype=bool)

"""Neural foramina, and tubes where the nerve roots run through them: guessed from the gaps in the canal's wall."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

import numpy as np

from iceball import library
from iceball.anatomy.outlines._blocks import widened
from iceball.anatomy.outlines._canal import MARGIN_MM, Outline
from iceball.anatomy.outlines._sections import ANGLES, STEP_MM, Sections, rays
from iceball.anatomy.outlines._spine import Spine, spine
from iceball.anatomy.outlines._tubes import placed_tube
from iceball.anatomy.outlines._turning import turn_of
from iceball.nouns._noun import noun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.anatomy.outlines._blocks import Place
    from iceball.nouns import Case, Grid

Side = Literal["left", "right"]
NAME = "nerve_root"
BY_GAP = "estimated by iceball from a gap in the bone beside the canal: nobody drew it, no nerve was seen"
# Numerical: what a foramen looks like from the canal.
SECTOR = np.radians(50.0)  # to either side of straight left or right
OPEN_MM = 9.0  # free of bone beyond the canal's wall
LEAST_HEIGHT_MM = 3.0
LEAST_APART_MM = 14.0  # from one foramen to the next of the same side: no vertebra is lower
BRIDGE_MM = 2.5  # noise that closes a foramen for less is none
UPPER_FRACTION = 0.65  # of its height: the root leaves below the pedicle, not in the middle
AROUND_MM = 4.0  # up and down, in which the way out is averaged
INSIDE_MM = 2.0  # the tube begins inside of the canal's wall
ABOVE_MM = 4.0  # over the foramen stands the pedicle of the vertebra that names it
NEAR_MM = 30.0  # of the canal's middle lies that vertebra


@noun
class Root:
    """The way of one root: its ``side``, its ``level`` ("" where no vertebra is labelled), and points [mm, LPS].

    ``height_mm`` is the height of the foramen that it was found by.
    """

    side: Side
    level: str
    height_mm: float
    points_mm: tuple[tuple[float, float, float], ...]


def nerve_roots(case: Case, *, within: Place | None = None) -> tuple[Outline, ...]:
    """Tubes of nerve roots, of the part ``within`` of the CT: one for each gap in the bone beside the canal.

    Each runs from the canal's wall through the upper part of the gap, as far as it is free of bone. It is named by the
    labelled vertebra above it (``nerve_root_L5_left``), or counted from the head (``nerve_root_left_1``).

    Parameters
    ----------
    case : Case
        CT and labels
    within : three slices, optional
        the part that is asked for; 30 mm around are looked at too

    Source: this project's own method; radius and length from ``library.outline_rules()``.
    """
    if (turn := turn_of(case.ct.grid)) is not None:
        turned = nerve_roots(turn.case(case), within=turn.place(within, case.ct.grid.shape))
        return tuple(dataclasses.replace(each, mask=turn.back(each.mask)) for each in turned)
    wide, inner = widened(within, case.ct.grid, MARGIN_MM)
    found = spine(case, wide)
    return () if found is None else roots_from(found, case, wide, inner)


def roots_from(found: Spine, case: Case, wide: Place, inner: Place) -> tuple[Outline, ...]:
    """Draw the roots that leave the canal of the spine ``found``, on the part ``inner`` of the part ``wide``."""
    outlines = []
    for name, block, tube_ in root_tubes(found, case, wide):
        mask = np.zeros(found.hu.shape, dtype=bool)
        mask[block] = tube_
        if mask[inner].any():
            outlines.append(Outline(name=name, mask=mask[inner], estimated=True, note=BY_GAP))
    return tuple(outlines)


def root_tubes(found: Spine, case: Case, wide: Place) -> list[tuple[str, Place, NDArray[np.bool_]]]:
    """Name of each root that leaves the canal, block of the part ``wide`` around it, and its tube in the block."""
    grid = case.ct.grid.part(wide)
    radius_mm = library.outline_rules()["nerve_root_radius_mm"].value
    ways = _both_sides(_ways(found, case, wide, "left"), _ways(found, case, wide, "right"), found, case, wide)
    tubes = []
    for name, root in zip(_names(ways), ways, strict=True):
        block, mask = placed_tube(grid, root.points_mm, radius_mm)
        tubes.append((name, block, mask & (found.hu[block] < library.hu_rules()["bone_above_hu"].value)))
    return tubes


def _both_sides(left: list[Root], right: list[Root], found: Spine, case: Case, wide: Place) -> list[Root]:
    """Add the mirror image of a root where the other side has none at its height: foramina come in pairs."""
    grid = case.ct.grid.part(wide)
    pairs: tuple[tuple[Side, list[Root], list[Root]], ...] = (("left", left, right), ("right", right, left))
    both = []
    for side, own, other in pairs:
        heights = [_top(root) for root in own]
        alone = [root for root in other if all(abs(_top(root) - z) > LEAST_APART_MM for z in heights)]
        mirrored = [_mirrored(root, side, found, grid) for root in alone]
        both += sorted([*own, *mirrored], key=_top, reverse=True)
    return both


def _top(root: Root) -> float:
    return root.points_mm[0][2]


def _mirrored(root: Root, side: Side, found: Spine, grid: Grid) -> Root:
    """``root`` on the other side of the canal's middle."""
    index = grid.index_of(root.points_mm)
    row = int(np.clip(round(index[0, 2]) - found.sections.slices[0], 0, len(found.sections.slices) - 1))
    index[:, 0] = 2.0 * found.sections.middle_mm[row, 0] / grid.spacing_mm[0] - index[:, 0]
    points = tuple((float(x), float(y), float(z)) for x, y, z in grid.position_mm(index))
    return dataclasses.replace(root, side=side, points_mm=points)


def _names(ways: list[Root]) -> list[str]:
    """nerve_root_L5_left where the level is known and stands once on its side, else counted from the head."""
    names, count = [], {"left": 0, "right": 0}
    levels = [(root.level, root.side) for root in ways]
    for root in ways:
        if root.level and levels.count((root.level, root.side)) == 1:
            names.append(f"{NAME}_{root.level}_{root.side}")
        else:
            count[root.side] += 1
            names.append(f"{NAME}_{root.side}_{count[root.side]}")
    return names


def _ways(spine_: Spine, case: Case, wide: Place, side: Side) -> list[Root]:
    """Ways out of the canal on one side, from the head down."""
    found = spine_.sections
    free = _free_mm(found, spine_.hu, spine_.wall, case.ct.grid.spacing_mm)
    straight = 0.0 if side == "left" else np.pi  # x of LPS grows to the left
    sector = np.abs(np.angle(np.exp(1j * (ANGLES - straight)))) <= SECTOR
    open_rows = np.flatnonzero((free[:, sector] >= OPEN_MM).sum(axis=1) >= 2)
    step = case.ct.grid.spacing_mm[2]
    runs = [run for run in _runs(open_rows, max(1, int(BRIDGE_MM / step))) if len(run) * step >= LEAST_HEIGHT_MM]
    ways = []
    for run in _apart(runs, LEAST_APART_MM / step):
        points = _points(found, free, run, sector, case.ct.grid.spacing_mm)
        if len(points) > 1:
            offset = np.array([part.start for part in wide])
            index = np.asarray(points) / case.ct.grid.spacing_mm + offset
            level = _level(case, found, int(run[-1]), side, offset)
            places = tuple((float(x), float(y), float(z)) for x, y, z in case.ct.grid.position_mm(index))
            ways.append(Root(side=side, level=level, height_mm=len(run) * step, points_mm=places))
    return [
        way for way in ways if not way.level or way.height_mm == max(w.height_mm for w in ways if w.level == way.level)
    ]


def _free_mm(
    found: Sections, hu: NDArray[np.float32], wall: NDArray[np.bool_], spacing: tuple[float, ...]
) -> NDArray[np.float64]:
    """(N, 48) how far it is from the canal's wall to the next bone [mm], as far as a root is drawn."""
    length = library.outline_rules()["nerve_root_length_mm"].value
    reach = float(found.radius_mm.max()) + length
    least = library.hu_rules()["bone_above_hu"].value
    seen = rays(np.where(wall, np.maximum(hu, least + 50.0), hu), found.slices, found.middle_mm, spacing, reach)
    away = np.arange(seen.shape[2]) * STEP_MM
    hard = (seen >= least) & (away > found.radius_mm[:, :, None] - STEP_MM)
    met = np.where(hard.any(axis=2), away[hard.argmax(axis=2)], reach)
    return np.clip(met - found.radius_mm, 0.0, length)


def _runs(rows: NDArray[np.intp], bridge: int) -> list[NDArray[np.intp]]:
    return [run for run in np.split(rows, np.flatnonzero(np.diff(rows) > bridge) + 1) if run.size]


def _apart(runs: list[NDArray[np.intp]], least: float) -> list[NDArray[np.intp]]:
    """Keep the tallest where runs follow each other too closely, and give them from the head down."""
    kept: list[NDArray[np.intp]] = []
    for run in sorted(runs, key=len, reverse=True):
        if all(abs(run.mean() - other.mean()) >= least for other in kept):
            kept.append(run)
    return sorted(kept, key=lambda run: -run.mean())


def _points(
    found: Sections, free: NDArray[np.float64], run: NDArray[np.intp], sector: NDArray[np.bool_], spacing: tuple
) -> list[tuple[float, float, float]]:
    """Way through the foramen ``run`` [mm from voxel 0, along the axes]: where it is open, further and further out."""
    row = int(run[0] + UPPER_FRACTION * (run[-1] - run[0]))
    reach = max(1, int(AROUND_MM / spacing[2]))
    rows = run[(run >= row - reach) & (run <= row + reach)]
    points: list[tuple[float, float, float]] = []
    for away in np.arange(-INSIDE_MM, free.shape[1], 4.0):
        passes = (free[rows] >= max(away, OPEN_MM)) & sector
        if not passes.any():
            break
        angle = float(np.angle(np.exp(1j * ANGLES)[np.nonzero(passes)[1]].mean()))
        wall = float(np.interp(angle, ANGLES, found.radius_mm[row], period=2 * np.pi))
        x, y = found.middle_mm[row] + (wall + away) * np.array([np.cos(angle), np.sin(angle)])
        points.append((float(x), float(y), float(found.slices[row] * spacing[2])))
        if away >= free[rows].max():
            break
    return points


def _level(case: Case, found: Sections, row: int, side: Side, offset: NDArray[np.intp]) -> str:
    """Root that leaves below the labelled vertebra whose pedicle stands over the foramen; "" without one."""
    if case.labels is None:
        return ""
    spacing = np.asarray(case.ct.grid.spacing_mm)
    k = int(found.slices[row] + offset[2] + round(ABOVE_MM / spacing[2]))
    if k >= case.labels.grid.shape[2]:
        return ""
    i, j = (found.middle_mm[row] / spacing[:2] + offset[:2]).astype(int)
    across, deep = (int(NEAR_MM / s) for s in spacing[:2])
    lateral = slice(i, i + across) if side == "left" else slice(max(0, i - across), i)
    seen = case.labels.array[lateral, max(0, j - deep) : j + deep, k]
    numbers = {s.label: s.name.removeprefix("vertebrae_") for s in case.structures if s.name.startswith("vertebrae_")}
    counts = {level: int(np.count_nonzero(seen == number)) for number, level in numbers.items()}
    best = max(counts, key=lambda level: counts[level], default="")
    return _root_below(best) if best and counts[best] else ""


def _root_below(vertebra: str) -> str:
    """Root that leaves below ``vertebra``: in the neck it bears the next number, from T1 on the same."""
    if vertebra.startswith("C") and vertebra[1:].isdigit():
        return f"C{int(vertebra[1:]) + 1}"
    return vertebra

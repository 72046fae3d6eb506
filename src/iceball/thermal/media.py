"""Materials as the fast engine reads them: straight pieces of enthalpy, in single precision.

Enthalpy and potential are counted from the arterial temperature, so that tissue at rest holds small numbers: single
precision then resolves its changes to a microkelvin. Each material has three ranges of equal pieces (frozen, mushy,
unfrozen); from ``straight`` on it is one straight line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.nouns._noun import array_noun
from iceball.thermal.smooth import SMOOTH, smooth_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from iceball.thermal.materials import Table
    from iceball.thermal.problem import Problem

PIECES = (256, 512, 256)
FIRST = (0, 256, 768)
TOTAL = sum(PIECES)
WARM_ENOUGH_C = -40.0  # where a range of thawing that never ends is cut in two: below it the curves are smooth
MEDIUM = np.dtype(
    [
        ("low", "f4", 3),
        ("inverse", "f4", 3),
        *((name, "f4") for name in ("straight", "t0", "t1", "p0", "p1", "k", "perfusion", "metabolic")),
    ]
)


@array_noun
class Media:
    """All materials of a problem: ``medium``, ``smooth`` (M,) of those dtypes; ``rows`` (8, M * TOTAL) float32.

    The rows are value and step of temperature, potential, conductivity and perfused fraction over each piece.
    ``shift_h`` and ``shift_p`` (M,) are what was subtracted from enthalpy [J/m³] and potential [W/m] of the table.
    """

    medium: NDArray[np.void]
    smooth: NDArray[np.void]
    rows: NDArray[np.float32]
    shift_h: NDArray[np.float64]
    shift_p: NDArray[np.float64]
    nodes_h: NDArray[np.float64]
    nodes_c: NDArray[np.float64]

    def enthalpy(self, temperature_c: ArrayLike, material: NDArray[np.integer]) -> NDArray[np.float64]:
        """Enthalpy [J/m³] above the arterial temperature of ``material`` (...) at ``temperature_c`` (...) [°C]."""
        if np.ndim(temperature_c) == 0 and material.ndim > 1:
            kinds = np.arange(self.shift_h.size)
            return self.enthalpy(np.full(kinds.size, temperature_c), kinds)[material]
        temperature = np.broadcast_to(np.asarray(temperature_c, dtype=float), material.shape)
        result = np.empty(material.shape)
        for m in np.unique(material):
            here = material == m
            nodes_h, nodes_c = self.nodes_h[m], self.nodes_c[m]
            rising = nodes_c + np.arange(nodes_c.size) * 1e-12
            t = temperature[here]
            line = self.medium[m]
            straight = (t - line["t0"]) / line["t1"]
            result[here] = np.where(straight >= line["straight"], straight, np.interp(t, rising, nodes_h))
        return result

    def place(self, enthalpy: NDArray[np.floating], material: NDArray[np.integer]) -> tuple[NDArray, NDArray]:
        """Return piece (...) and position in it (...) of ``enthalpy`` (...) of ``material`` (...)."""
        m = self.medium[material]
        part = (enthalpy >= m["low"][..., 1]).astype(int) + (enthalpy >= m["low"][..., 2])
        low = np.take_along_axis(m["low"], part[..., None], -1)[..., 0]
        inverse = np.take_along_axis(m["inverse"], part[..., None], -1)[..., 0]
        at = (enthalpy - low) * inverse
        first = np.asarray(FIRST)[part]
        node = np.clip(np.floor(at).astype(int), 0, TOTAL - 1 - first)
        return node + first + material.astype(np.int64) * TOTAL, at - node

    def read(self, row: int, enthalpy: NDArray[np.floating], material: NDArray[np.integer]) -> NDArray[np.float64]:
        """Row 0 temperature [°C], 2 potential [W/m], 4 conductivity, 6 perfused fraction of ``enthalpy`` (...)."""
        node, part = self.place(enthalpy, material)
        value, step = self.rows[row, node].astype(np.float64), self.rows[row + 1, node].astype(np.float64)
        return value + part * step


def make_media(problem: Problem) -> Media:
    """Cut the table of ``problem`` into pieces."""
    return problem.once("media", lambda: _media(problem))


def _media(problem: Problem) -> Media:
    table, count = problem.table, problem.table.start.size
    medium = np.zeros(count, MEDIUM)
    rows = np.zeros((8, count * TOTAL), np.float32)
    shift_h = table.enthalpy(np.full(count, problem.arterial_c), np.arange(count))
    shift_p, nodes_h, nodes_c = np.zeros(count), [], []
    for m in range(count):
        cuts, straight = _cuts(table, m)
        places = np.concatenate(
            [np.linspace(a, z, n, endpoint=False) for a, z, n in zip(cuts[:-1], cuts[1:], PIECES, strict=True)]
            + [cuts[-1:]]
        )
        grid = np.arange(table.temperature_c.shape[1])
        fields = [np.interp(places, grid, getattr(table, f)[m]) for f in ("temperature_c", "potential", "conductivity")]
        fields.append(np.interp(places, grid, table.perfused[m]))
        h = table.start[m] + places / table.inverse_step[m] - shift_h[m]
        shift_p[m] = np.interp(shift_h[m], h + shift_h[m], fields[1])
        fields[1] = fields[1] - shift_p[m]
        for f, values in enumerate(fields):
            rows[2 * f, m * TOTAL : (m + 1) * TOTAL] = values[:-1]
            rows[2 * f + 1, m * TOTAL : (m + 1) * TOTAL] = np.diff(values)
        _fill(medium[m], h, fields, straight)
        nodes_h.append(h)
        nodes_c.append(fields[0])
    medium["perfusion"] = np.where(problem.conducts, problem.perfusion, 0.0)
    medium["metabolic"] = np.where(problem.conducts, problem.metabolic, 0.0)
    smooth = [smooth_of(problem, m, (shift_h[m], shift_p[m]), medium[m]) for m in range(count)]
    return Media(
        medium=medium, smooth=np.array(smooth, SMOOTH), rows=rows, shift_h=shift_h, shift_p=shift_p,
        nodes_h=np.array(nodes_h), nodes_c=np.array(nodes_c),
    )  # fmt: skip


def _fill(medium: NDArray[np.void], h: NDArray[np.float64], fields: list[NDArray[np.float64]], straight: bool) -> None:
    for part in range(3):
        a = FIRST[part]
        medium["low"][part] = h[a]
        medium["inverse"][part] = PIECES[part] / (h[a + PIECES[part]] - h[a])
    first, last = FIRST[2], TOTAL
    span = h[last] - h[first]
    medium["straight"] = h[first] if straight else np.inf
    t1, p1 = ((fields[f][last] - fields[f][first]) / span for f in (0, 1))
    medium["t1"], medium["p1"] = t1, p1
    medium["t0"], medium["p0"] = fields[0][first] - t1 * h[first], fields[1][first] - p1 * h[first]
    medium["k"] = fields[2][last]


def _cuts(table: Table, m: int) -> tuple[NDArray[np.float64], bool]:
    """Places (4,) on the table where the three ranges of material m begin and end; whether the last one is straight."""
    last = table.temperature_c.shape[1] - 1
    bent = np.flatnonzero((table.perfused[m] != 1.0) | (table.conductivity[m] != table.conductivity[m, -1]))
    thawed = int(bent[-1]) + 1 if bent.size else 2
    slopes = np.diff(table.temperature_c[m, thawed:])
    straight = thawed < last - 1 and bool(np.ptp(slopes) < 1e-6 * slopes.mean())
    if not straight:
        unfrozen = np.flatnonzero(table.unfrozen[m] != 1.0)
        thawed = min(int(unfrozen[-1]) + 1 if unfrozen.size else last // 2, last - 1)
    frozen = np.flatnonzero(table.unfrozen[m] == 0.0)
    solid = int(frozen[-1]) if frozen.size else 0
    cold = int(np.searchsorted(table.temperature_c[m], WARM_ENOUGH_C))
    if solid < 1 or table.temperature_c[m, solid] < WARM_ENOUGH_C:
        solid = cold
    solid = int(np.clip(solid, 1, thawed - 1))
    return np.array([0.0, solid, thawed, last]), straight

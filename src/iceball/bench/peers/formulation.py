"""A bench case as it is handed to the peers: closed forms, a tissue map, line sources and the steps to take.

The state is e [J/m³], the enthalpy above that of each tissue at its solidus. With d_f, d_m and d_u [K] the parts of
T - solidus below the solidus, between solidus and liquidus, and above it (the law of ``materials.curve``, inverted):

    d_f = 2 e_f / (a_f + √(a_f² + 4 b_f e_f))    e_f = min(e, 0)
    d_m = 2 e_m / (a_m + √(a_m² + 4 b_m e_m))    e_m = e within [0, e_melt]
    d_u = max(e - e_melt, 0) / c_u
    k = k_a + k_b / (T_s + d_f) + k_m d_m        Θ = k_a d_f + k_b ln(1 + d_f/T_s) + k_s d_m + k_m d_m²/2 + k_u d_u

The table of iceball is this same law on 4096 nodes down to -160 °C; below, iceball holds k and C as they are there
(``materials.HELD_BELOW_C``), and the peers do not: with shafts at -160 °C only the voxels
on their axes get colder. Between voxels the explicit peers take the arithmetic mean of k: it
is cheap, and at 1 mm the 99th percentile of its isotherms is within 0.12 mm of ours after 4 min. The harmonic mean,
which people often reach for, is up to 0.35 mm off at 0 °C (iceball takes the Kirchhoff potential within a tissue, the
harmonic mean only between two).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.bench.cases import SURFACE_C, legs_of, problem_of, start_c, tissues_of
from iceball.nouns._noun import array_noun, noun
from iceball.thermal.materials import KELVIN, REFERENCE_K

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.bench.cases import BenchCase
    from iceball.nouns import Tissue
    from iceball.thermal.problem import Problem

    Field = NDArray[np.float64]

OVERSHOOT_C = 10.0  # the voxel on a probe's axis gets so much colder than its shaft: 7 °C were seen
SAFETY = 0.98
# One row each of Formulation.law, in SI units; the names are those of the formulas above.
LAW = ("a_f", "b_f", "a_m", "b_m", "e_melt", "c_u", "k_a", "k_b", "k_m", "k_s", "k_u", "t_s", "solidus", "gap", "w")


@noun
class Stretch:
    """One leg in equal explicit steps."""

    freezing: bool
    steps: int
    step_s: float


@array_noun
class Formulation:
    """What a peer computes.

    ``law`` (15, M) holds the constants LAW of each tissue; ``index`` (I, J, K) the tissue of each voxel; ``start`` (M,)
    e at the start [J/m³]. Segment s of a probe takes ``strength[s]`` (Σ ``weight[s, u]`` Θ[u] - ``surface[s]``) [W/m³]
    out of the voxels ``voxel`` (U,), shared by the same weights: ``weight`` is (S, U).
    """

    spacing_m: float
    index: NDArray[np.uint8]
    law: Field
    start: Field
    arterial_c: float
    voxel: NDArray[np.int64]
    weight: Field
    strength: Field
    surface: Field
    stretches: tuple[Stretch, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(I, J, K)."""
        return self.index.shape

    @property
    def total_steps(self) -> int:
        """Explicit steps of the whole run."""
        return sum(stretch.steps for stretch in self.stretches)

    def constants(self, where: NDArray[np.integer] | None = None, dtype: type = np.float64) -> dict[str, NDArray]:
        """Every constant of LAW for each voxel of ``where`` (...), tissue indices; one number each for one tissue."""
        rows = self.law.astype(dtype)
        if self.law.shape[1] == 1:
            return {name: rows[n, 0] for n, name in enumerate(LAW)}
        return {name: rows[n][self.index if where is None else where] for n, name in enumerate(LAW)}

    def at_probes(self, dtype: type = np.float64) -> dict[str, NDArray]:
        """The constants of the voxels ``voxel``, (U,) each or one number."""
        return self.constants(self.index.reshape(-1)[self.voxel], dtype)

    def begin(self, dtype: type = np.float64) -> NDArray:
        """The state (I, J, K) at the start, e [J/m³]."""
        return self.start.astype(dtype)[self.index]


def formulate(case: BenchCase) -> Formulation:
    """Hand ``case`` over: every step as long as explicit Euler allows."""
    problem, tissues = problem_of(case), tissues_of(case)
    law = np.stack([law_of(tissue) for tissue in tissues], axis=1)
    voxel, weight = _dense_wells(problem)
    wells = problem.wells
    return Formulation(
        spacing_m=problem.spacing_m,
        index=problem.index,
        law=law,
        start=np.array([_enthalpy_at(law[:, m], start_c()) for m in range(len(tissues))]),
        arterial_c=problem.arterial_c,
        voxel=voxel,
        weight=weight,
        strength=wells.conductance * wells.length_m / problem.voxel_m3,
        surface=_surface(problem, law),
        stretches=_stretches(case, problem, law),
    )


def law_of(tissue: Tissue) -> Field:
    """Return the constants LAW (15,) of one tissue."""
    gap, t_s = tissue.liquidus_c - tissue.solidus_c, tissue.solidus_c + KELVIN
    b, c = tissue.conductivity_ice_fraction, tissue.capacity_ice_fraction
    k40, c40 = tissue.frozen_conductivity_w_per_m_k, tissue.frozen_heat_capacity_j_per_m3_k
    k_a, k_b = k40 * (1 - b), k40 * b * REFERENCE_K
    k_s, c_s = k_a + k_b / t_s, c40 * ((1 - c) + c * t_s / REFERENCE_K)
    c_step = tissue.heat_capacity_j_per_m3_k - c_s
    made = {
        "a_f": c_s,
        "b_f": 0.5 * c40 * c / REFERENCE_K,
        "a_m": c_s + tissue.latent_heat_j_per_m3 / gap,
        "b_m": 0.5 * c_step / gap,
        "e_melt": (c_s + 0.5 * c_step) * gap + tissue.latent_heat_j_per_m3,
        "c_u": tissue.heat_capacity_j_per_m3_k,
        "k_a": k_a,
        "k_b": k_b,
        "k_m": (tissue.conductivity_w_per_m_k - k_s) / gap,
        "k_s": k_s,
        "k_u": tissue.conductivity_w_per_m_k,
        "t_s": t_s,
        "solidus": tissue.solidus_c,
        "gap": gap,
        "w": tissue.perfusion_w_per_m3_k,
    }
    return np.array([made[name] for name in LAW])


def parts(e: Field, p: dict[str, NDArray]) -> tuple[Field, Field, Field]:
    """Return d_f, d_m, d_u (...) [K] of the state ``e`` (...) [J/m³]; ``p`` as Formulation.constants gives it."""
    e_f, e_m = np.minimum(e, 0.0), np.clip(e, 0.0, p["e_melt"])
    d_f = 2.0 * e_f / (p["a_f"] + np.sqrt(p["a_f"] ** 2 + 4.0 * p["b_f"] * e_f))
    d_m = 2.0 * e_m / (p["a_m"] + np.sqrt(p["a_m"] ** 2 + 4.0 * p["b_m"] * e_m))
    return d_f, d_m, np.maximum(e - p["e_melt"], 0.0) / p["c_u"]


def temperature(e: Field, p: dict[str, NDArray]) -> Field:
    """Return the temperature (...) [°C] of the state ``e`` (...) [J/m³]."""
    d_f, d_m, d_u = parts(e, p)
    return p["solidus"] + d_f + d_m + d_u


def potential(e: Field, p: dict[str, NDArray]) -> Field:
    """Return the Kirchhoff potential Θ (...) [W/m] above the solidus of the state ``e`` (...) [J/m³]."""
    d_f, d_m, d_u = parts(e, p)
    frozen = p["k_a"] * d_f + p["k_b"] * np.log1p(d_f / p["t_s"])
    return frozen + (p["k_s"] + 0.5 * p["k_m"] * d_m) * d_m + p["k_u"] * d_u


def padded(matrix: Field) -> tuple[NDArray[np.int64], Field]:
    """Return columns and values (rows, n) of a sparse matrix, n those of its fullest row; the rest is zeros."""
    most = int((matrix != 0).sum(axis=1).max())
    columns = np.argsort(matrix == 0, axis=1, kind="stable")[:, :most]
    return columns, np.take_along_axis(matrix, columns, axis=1)


@array_noun
class Tangent:
    """The law at a temperature, (...) each: e [J/m³], de/dT [J/m³/K], k [W/m/K], unfrozen fraction."""

    e: Field
    capacity: Field
    conductivity: Field
    unfrozen: Field


def at_temperature(temperature_c: Field, p: dict[str, NDArray]) -> Tangent:
    """Return the law at ``temperature_c`` (...) [°C]: for peers that solve for temperature."""
    above = temperature_c - p["solidus"]
    d_f, d_m, d_u = np.minimum(above, 0.0), np.clip(above, 0.0, p["gap"]), np.maximum(above - p["gap"], 0.0)
    mushy = np.where(above < p["gap"], p["a_m"] + 2 * p["b_m"] * d_m, p["c_u"])
    return Tangent(
        e=(p["a_f"] + p["b_f"] * d_f) * d_f + (p["a_m"] + p["b_m"] * d_m) * d_m + p["c_u"] * d_u,
        capacity=np.where(above < 0, p["a_f"] + 2 * p["b_f"] * d_f, mushy),
        conductivity=p["k_a"] + p["k_b"] / (p["t_s"] + d_f) + p["k_m"] * d_m,
        unfrozen=d_m / p["gap"],
    )


def _enthalpy_at(law: Field, temperature_c: float) -> float:
    """E [J/m³] of one tissue at a temperature [°C]."""
    return float(at_temperature(np.array(temperature_c), dict(zip(LAW, law, strict=True))).e)


def _dense_wells(problem: Problem) -> tuple[NDArray[np.int64], Field]:
    """The voxels near the probes, (U,), and the weight (S, U) of each in each segment."""
    wells = problem.wells
    voxel, place = np.unique(wells.voxel, return_inverse=True)
    weight = np.zeros((wells.length_m.size, voxel.size))
    segment = np.repeat(np.arange(wells.length_m.size), np.diff(wells.start))
    weight[segment, place] = wells.weight
    return voxel, weight


def _surface(problem: Problem, law: Field) -> Field:
    """Θ (S,) [W/m] at the shaft, mixed as the tissue around each segment is."""
    wells = problem.wells
    held = [float(potential(np.array(_enthalpy_at(row, SURFACE_C)), dict(zip(LAW, row, strict=True)))) for row in law.T]
    return np.add.reduceat(wells.share * np.array(held)[wells.material], wells.mix_start[:-1])


def _stretches(case: BenchCase, problem: Problem, law: Field) -> tuple[Stretch, ...]:
    longest = SAFETY * stable_step_s(problem, law)
    made = []
    for leg in legs_of(case):
        steps = math.ceil((leg.stop_s - leg.start_s) / longest)
        made.append(Stretch(freezing=leg.freezing, steps=steps, step_s=(leg.stop_s - leg.start_s) / steps))
    return tuple(made)


def stable_step_s(problem: Problem, law: Field) -> float:
    """Return the largest stable explicit step [s], h²/(6 α) with every voxel as cold as a probe.

    The checkerboard that sets it does not see the line sources: they are spread too smoothly. A power iteration with
    them found the same limit within 2 %; row sums would demand a step shorter by a third. The limit is that of the
    peers' closed form, whose k and C go on changing below -160 °C.
    """
    fastest = 0.0
    for m in np.unique(problem.index):
        p = dict(zip(LAW, law[:, m], strict=True))
        below = SURFACE_C - OVERSHOOT_C - p["solidus"]
        conductivity = p["k_a"] + p["k_b"] / (p["t_s"] + below)
        fastest = max(fastest, conductivity / (p["a_f"] + 2 * p["b_f"] * below))
    return problem.spacing_m**2 / (6.0 * fastest)

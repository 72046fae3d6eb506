"""The specification: every term of the enthalpy bioheat equation in plain numpy, to be read and trusted.

∂H/∂t = ∇·(k(T)∇T) + f_u [w (T_a - T) + q_m] + skin convection + probes, f_u the unfrozen fraction (DESIGN).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.thermal.materials import COLDEST_C, SURFACE_STEP_C
from iceball.thermal.problem import BOUNDARY, METABOLIC, OFF, PERFUSION, PRESCRIBED, PROBE, Rate
from iceball.thermal.tables import look_up
from iceball.thermal.wholebox import WholeBox

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.thermal.materials import Table
    from iceball.thermal.problem import Drive, Problem, Wall, Watch
    from iceball.thermal.stepping import Stepping

    Field = NDArray[np.float64]


class NumpyBackend:
    """The readable reference: slow, float64, one thread."""

    name = "numpy"
    device = "cpu"
    dtype = "float64"

    def operator(self, problem: Problem) -> NumpyOperator:
        """Bind to ``problem``."""
        return NumpyOperator(problem)

    def solver(self, problem: Problem, start_c: float | Field, stepping: Stepping, watch: Watch) -> WholeBox:
        """See Backend.solver: start at ``start_c`` [°C]."""
        return WholeBox(problem, self.operator(problem), start_c, stepping, watch)


class NumpyOperator:
    """dH/dt of one problem in plain numpy."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.conducting = problem.conducts[problem.index]

    def rate(self, enthalpy: Field, drive: Drive, alive: NDArray[np.uint8], out: Field) -> Rate:
        """See Operator.rate."""
        p = self.problem
        temperature = self._look_up(enthalpy, p.table.temperature_c)
        potential = self._look_up(enthalpy, p.table.potential)
        conductivity = self._look_up(enthalpy, p.table.conductivity)
        living = self._look_up(enthalpy, p.table.perfused) * alive * self.conducting
        perfusion = p.perfusion[p.index] * living * (p.arterial_c - temperature)
        metabolic = p.metabolic[p.index] * living
        boundary = p.open_conductance * (p.air_c - temperature)
        if p.wall_heat is not None:
            boundary += p.wall_heat
        for wall in p.walls:
            _hold(wall, boundary, potential, p, self.conducting)
        out[...] = perfusion + metabolic + boundary
        for axis in range(3):
            self._conduct(axis, temperature, potential, conductivity, out)
        if p.held is not None:  # what flows into a held voxel leaves the tissue
            perfusion, metabolic = np.where(p.held, 0.0, perfusion), np.where(p.held, 0.0, metabolic)
            boundary = np.where(p.held, perfusion + metabolic + boundary - out, boundary)
            out[p.held] = 0.0
        heat_w, surface_c = self._probes(potential, drive, out)
        powers = np.zeros(4)
        powers[[PERFUSION, METABOLIC, BOUNDARY]] = perfusion.sum(), metabolic.sum(), boundary.sum()
        powers *= p.voxel_m3
        powers[PROBE] = -heat_w.sum()
        return Rate(enthalpy=out, powers=powers, probe_heat_w=heat_w, surface_c=surface_c)

    def temperature(self, enthalpy: Field) -> Field:
        """See Operator.temperature."""
        return self._look_up(enthalpy, self.problem.table.temperature_c)

    def frozen_fraction(self, enthalpy: Field) -> Field:
        """See Operator.frozen_fraction."""
        return (1.0 - self._look_up(enthalpy, self.problem.table.unfrozen)) * self.conducting

    def blend(self, terms: tuple[Field, ...], factors: tuple[float, ...], out: Field) -> None:
        """See Operator.blend."""
        out[...] = sum(factor * term for factor, term in zip(factors, terms, strict=True))

    def linear_conduction(self, temperature: Field, conductivity: Field, out: Field) -> None:
        """See Operator.linear_conduction."""
        out[...] = 0.0
        for axis in range(3):
            low, high = _neighbours(axis)
            ka, kb = conductivity[low], conductivity[high]
            flow = 2.0 * ka * kb / (ka + kb) * (temperature[high] - temperature[low])
            self._exchange(axis, flow, out)

    def _look_up(self, enthalpy: Field, rows: Field) -> Field:
        return look_up(self.problem.table, self.problem.index, enthalpy, rows)

    def _conduct(self, axis: int, temperature: Field, potential: Field, conductivity: Field, out: Field) -> None:
        """Add the conduction across the faces of one axis: Kirchhoff in one material, harmonic between two."""
        low, high = _neighbours(axis)
        ka, kb = conductivity[low], conductivity[high]
        harmonic = 2.0 * ka * kb / (ka + kb) * (temperature[high] - temperature[low])
        kirchhoff = potential[high] - potential[low]
        flow = np.where(self.problem.index[low] == self.problem.index[high], kirchhoff, harmonic)
        self._exchange(axis, flow, out)

    def _exchange(self, axis: int, flow: Field, out: Field) -> None:
        low, high = _neighbours(axis)
        flow = flow * (self.conducting[low] & self.conducting[high]) / self.problem.spacing_m**2
        out[low] += flow
        out[high] -= flow

    def _probes(self, potential: Field, drive: Drive, out: Field) -> tuple[Field, Field]:
        """Take the probes' heat out of ``out``; returns heat (P,) [W] and mean surface temperature (P,) [°C]."""
        wells, flat, around = self.problem.wells, out.reshape(-1), potential.reshape(-1)
        heat, surface, length = np.zeros(wells.probes), np.zeros(wells.probes), np.zeros(wells.probes)
        for s, probe in enumerate(wells.probe):
            if drive.mode[probe] == OFF:
                continue
            here = slice(wells.start[s], wells.start[s + 1])
            voxels, weights = wells.voxel[here], wells.weight[here]
            if drive.mode[probe] == PRESCRIBED:
                full, at_c = drive.value[probe], np.nan
            else:
                resistance = wells.resistance[s] * drive.resistance[probe]
                gas_c = float(drive.value[probe] + drive.tilt[probe] * wells.offset_k[s])
                full, at_c = self._well(s, float(weights @ around[voxels]), gas_c, resistance)
                full = max(full, -float(drive.most_heat_w_per_m[probe]))
            line_heat = full * drive.power[probe] * wells.length_m[s]
            flat[voxels] -= line_heat * weights / self.problem.voxel_m3
            heat[probe] += line_heat
            surface[probe] += at_c * wells.length_m[s]
            length[probe] += wells.length_m[s]
        return heat, np.divide(surface, length, out=np.full(wells.probes, np.nan), where=length > 0)

    def _well(self, s: int, around: float, gas_c: float, resistance: float) -> tuple[float, float]:
        """Solve q' = A [<Θ> - Θ(T_gas + R' q')] by bisection; returns q' [W/m] and the surface temperature [°C]."""
        wells = self.problem.wells
        mix = slice(wells.mix_start[s], wells.mix_start[s + 1])
        material, share = wells.material[mix], wells.share[mix]
        a = wells.conductance[s]

        def surplus(q: float) -> float:
            at_surface = _surface_potential(self.problem.table, material, gas_c + resistance * q) @ share
            return q - a * (around - at_surface)

        edge = -surplus(0.0)  # the heat an unlimited probe would take: the root lies between it and zero
        low, high = min(edge, 0.0), max(edge, 0.0)
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if surplus(middle) < 0 else (low, middle)
        q = 0.5 * (low + high)
        return q, gas_c + resistance * q


def _surface_potential(table: Table, material: NDArray[np.int64], temperature_c: float) -> Field:
    rows = table.surface_potential
    place = (temperature_c - COLDEST_C) / SURFACE_STEP_C
    node = min(max(int(place), 0), rows.shape[1] - 2)
    return rows[material, node] + (place - node) * (rows[material, node + 1] - rows[material, node])


def _neighbours(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
    high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
    return low, high


def _hold(wall: Wall, boundary: Field, potential: Field, problem: Problem, conducting: NDArray[np.bool_]) -> None:
    """Add the heat through a held face of the box: half a voxel from the wall to the first centre."""
    edge = tuple((0 if wall.side == 0 else -1) if a == wall.axis else slice(None) for a in range(3))
    materials = problem.index[edge]
    place = (wall.held_c - COLDEST_C) / SURFACE_STEP_C
    node = min(max(int(place), 0), problem.table.surface_potential.shape[1] - 2)
    rows = problem.table.surface_potential
    held = rows[materials, node] + (place - node) * (rows[materials, node + 1] - rows[materials, node])
    boundary[edge] += 2.0 * (held - potential[edge]) / problem.spacing_m**2 * conducting[edge]

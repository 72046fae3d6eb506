"""The bench problem in FiPy: implicit steps, Newton sweeps on the enthalpy, conjugate gradients; float64."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from iceball.bench.peers.formulation import at_temperature, potential, temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.bench.peers.formulation import Formulation, Tangent

FORM = "implicit Euler, Newton sweeps on the enthalpy to 0.05 °C, conjugate gradients, Jacobi; faces as ours; float64"
STEP_S = 1.0
SWEEPS, CONVERGED_K = 12, 0.05


class Stepper:
    """Temperature as a CellVariable; FiPy counts cells with the first axis fastest."""

    def __init__(self, formulation: Formulation, threads: int) -> None:  # scipy's conjugate gradients take one thread
        os.environ["FIPY_SOLVERS"] = "scipy"
        import fipy  # pyright: ignore[reportMissingImports]

        f = self._f = formulation
        self._mesh = fipy.Grid3D(
            **dict(zip(("nx", "ny", "nz"), f.shape, strict=True)), dx=f.spacing_m, dy=f.spacing_m, dz=f.spacing_m
        )
        ones = np.ones(f.index.size)
        self._p = {name: np.broadcast_to(value, f.shape).ravel("F") * ones for name, value in f.constants().items()}
        self._near = {name: np.broadcast_to(value, f.voxel.shape) for name, value in f.at_probes().items()}
        self._cells = np.ravel_multi_index(np.unravel_index(f.voxel, f.shape), f.shape, order="F")
        self._t, self._held, self._source = (
            fipy.CellVariable(mesh=self._mesh, value=value) for value in (f.arterial_c, 0.0, 0.0)
        )
        self._k = fipy.FaceVariable(mesh=self._mesh, value=0.5)
        self._a, self._b = (np.ma.filled(each, 0) for each in self._mesh.faceCellIDs)
        self._same = (index := f.index.ravel("F"))[self._a] == index[self._b]
        self._equation = fipy.DiffusionTerm(coeff=self._k) - fipy.ImplicitSourceTerm(coeff=self._held) + self._source
        self._solver = fipy.LinearCGSolver(tolerance=1e-6, iterations=500, precon=fipy.solvers.JacobiPreconditioner())
        self._e = f.begin().ravel("F")
        self.sweeps = 0

    def run(self, freezing: bool, steps: int, step_s: float) -> None:
        """Take ``steps`` implicit steps of ``step_s`` [s] with the probes on or off."""
        for _ in range(steps):
            before = self._e.copy()
            for _ in range(SWEEPS):
                self.sweeps += 1
                if self._sweep(freezing, before, step_s) < CONVERGED_K:
                    break

    def _sweep(self, freezing: bool, before: NDArray[np.float64], step_s: float) -> float:
        """Solve about the present state, carry the change over as enthalpy; returns the largest miss in T [K].

        Carried over as temperature, Newton jumps to and fro across solidus and liquidus for ever; as enthalpy along the
        tangent, it overshoots where it leaves the mushy zone. The smaller of the two changes is taken.
        """
        t = temperature(self._e, self._p)
        here = at_temperature(t, self._p)
        self._linearise(freezing, t, here, (self._e - before) / step_s, step_s)
        self._t.setValue(t)
        self._equation.sweep(var=self._t, solver=self._solver)
        along, across = here.capacity * (self._t.value - t), at_temperature(self._t.value, self._p).e - self._e
        self._e += np.where(np.abs(along) < np.abs(across), along, across)
        return float(np.abs(temperature(self._e, self._p) - self._t.value).max())

    def temperature_c(self) -> NDArray[np.float64]:
        """Temperature (I, J, K) [°C]."""
        return temperature(self._e, self._p).reshape(self._f.shape, order="F")

    def _linearise(
        self, freezing: bool, t: NDArray[np.float64], here: Tangent, stored: NDArray[np.float64], step_s: float
    ) -> None:
        """What is held at the new temperature, and what is left as a source [W/m³]; ``stored`` is de/dt so far."""
        blood = self._p["w"] * here.unfrozen
        held = here.capacity / step_s + blood
        source = here.capacity / step_s * t - stored + blood * self._f.arterial_c
        if freezing:
            heat, stiff = self._heat_into_probes(self._e[self._cells], here.conductivity[self._cells])
            held[self._cells] += stiff
            source[self._cells] += stiff * t[self._cells] - heat
        self._k.setValue(self._at_faces(t, here.conductivity))
        self._held.setValue(held)
        self._source.setValue(source)

    def _at_faces(self, t: NDArray[np.float64], k: NDArray[np.float64]) -> NDArray[np.float64]:
        """Conductivity of each face: the mean over temperature within a tissue, the harmonic mean between two."""
        a, b, around = self._a, self._b, potential(self._e, self._p)
        apart = t[b] - t[a]
        small = np.abs(apart) < 1e-6
        mean = np.where(small, k[a], (around[b] - around[a]) / np.where(small, 1.0, apart))
        return np.where(self._same, mean, 2.0 * k[a] * k[b] / (k[a] + k[b]))

    def _heat_into_probes(
        self, e: NDArray[np.float64], k: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heat (U,) [W/m³] out of the voxels near the probes, and its slope [W/m³/K] gathered on the diagonal."""
        f = self._f
        heat = f.strength * (f.weight @ potential(e, self._near) - f.surface)
        return heat @ f.weight, (f.strength * (f.weight @ k)) @ f.weight

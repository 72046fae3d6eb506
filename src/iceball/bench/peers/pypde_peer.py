"""The bench problem in py-pde: an equation of our own for its numba backend, its explicit Euler solver; float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.bench.peers.formulation import padded, temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.bench.peers.formulation import Formulation

_HELD: list[Any] = []  # py-pde compiles addresses into its functions; somebody must keep the arrays alive
FORM = "a PDEBase with its rate compiled for the numba backend, parallel loops, tissue constants by label; float64"


class Stepper:
    """The state as a ScalarField, and py-pde's Euler stepper for probes on and off."""

    def __init__(self, formulation: Formulation, threads: int) -> None:  # numba takes NUMBA_NUM_THREADS
        import pde  # pyright: ignore[reportMissingImports]

        self._f, self._pde = formulation, pde
        h = formulation.spacing_m
        grid = pde.CartesianGrid([(0.0, n * h) for n in formulation.shape], formulation.shape)
        self._state = pde.ScalarField(grid, formulation.begin())
        self._steppers: dict[tuple[bool, float], Any] = {}

    def run(self, freezing: bool, steps: int, step_s: float) -> None:
        """Take ``steps`` explicit steps of ``step_s`` [s] with the probes on or off."""
        if (freezing, step_s) not in self._steppers:
            equation = _equation(self._pde, self._f, freezing)
            solver = self._pde.EulerSolver(equation, backend="numba", adaptive=False)
            self._steppers[freezing, step_s] = solver.make_stepper(self._state, dt=step_s)
        if steps:
            self._steppers[freezing, step_s](self._state, 0.0, steps * step_s)

    def temperature_c(self) -> NDArray[np.float64]:
        """Temperature (I, J, K) [°C]."""
        return temperature(self._state.data, self._f.constants())


def _equation(pde: Any, f: Formulation, freezing: bool) -> Any:
    """Freezing tissue as py-pde wants an equation."""

    class Freezing(pde.PDEBase):
        explicit_time_dependence = False

        def evolution_rate(self, state: Any, t: float = 0) -> Any:
            rate = self.make_evolution_rate(state, pde.backends.get_backend("numba"))
            return pde.ScalarField(state.grid, rate(state.data, t))

        def make_evolution_rate(self, state: Any, backend: Any) -> Any:
            return _rate(f, freezing, backend)

    return Freezing()


def _rate(f: Formulation, freezing: bool, backend: Any) -> Any:
    """The compiled rate of change: a function of (state, time)."""
    from pde.backends.numba.utils import make_array_constructor  # pyright: ignore[reportMissingImports]

    from iceball.bench.peers import _pypde_kernels as loops

    local = backend.compile_function(loops.local_terms, parallel=True)
    conduct = backend.compile_function(loops.conduct, parallel=True)
    probes = backend.compile_function(loops.probes)
    members, weights = padded(f.weight)
    places = np.stack(np.unravel_index(f.voxel, f.shape), axis=1)
    held = [f.index, f.law.T, places, members, weights, f.strength, f.surface]
    held = [np.array(each, order="C") for each in held]
    _HELD.append(held)
    index, law, voxel, member, weight, strength, surface = (make_array_constructor(each) for each in held)
    arterial, inverse = f.arterial_c, 0.5 / f.spacing_m**2

    def rate(e: Any, t: Any = 0) -> Any:
        temperature_c, conductivity, out = np.empty_like(e), np.empty_like(e), np.empty_like(e)
        local(e, index(), law(), arterial, temperature_c, conductivity, out)
        conduct(temperature_c, conductivity, inverse, out)
        if freezing:
            probes(e, index(), law(), voxel(), member(), weight(), strength(), surface(), out)
        return out

    return backend.compile_function(rate)

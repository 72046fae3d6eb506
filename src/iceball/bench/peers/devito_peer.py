"""The bench problem in Devito: symbolic equations, generated C with OpenMP, autotuned blocks; float32."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.bench.peers.formulation import LAW, padded, temperature
from iceball.thermal.materials import KELVIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.bench.peers.formulation import Formulation

FORM = (
    "generated C, OpenMP, autotuned blocks; tissue constants as arrays or by label, whichever is faster here; float32"
)
TRIAL_STEPS = 20


class Stepper:
    """The state as a TimeFunction, and operators for probes on and off."""

    def __init__(self, formulation: Formulation, threads: int) -> None:
        import devito  # pyright: ignore[reportMissingImports]

        devito.configuration["log-level"] = "ERROR"
        devito.configuration["language"] = "openmp" if threads > 1 else "C"
        self._f, self._at = formulation, 0
        h = formulation.spacing_m
        grid = devito.Grid(
            shape=formulation.shape, extent=tuple((n - 1) * h for n in formulation.shape), dtype=np.float32
        )
        self._e = devito.TimeFunction(name="e", grid=grid, space_order=2, time_order=1)
        forms = [_Form(devito, formulation, self._e, constants) for constants in (_arrays, _labels)]
        self._form = min(forms, key=lambda form: form.trial_s)
        self._e.data[:] = formulation.begin(np.float32)

    def run(self, freezing: bool, steps: int, step_s: float) -> None:
        """Take ``steps`` explicit steps of ``step_s`` [s] with the probes on or off."""
        if steps:
            self._form.apply(freezing, self._at, steps, step_s)
        self._at = (self._at + steps) % 2

    def temperature_c(self) -> NDArray[np.float64]:
        """Temperature (I, J, K) [°C]."""
        return temperature(np.array(self._e.data[self._at], dtype=float), self._f.constants())


class _Form:
    """One way to give Devito the tissue constants: its two operators, tuned, and what a trial of them took."""

    def __init__(self, devito: Any, f: Formulation, e: Any, constants: Any) -> None:
        grid, p = e.grid, constants(devito, f, e.grid)
        t, k = (devito.Function(name=name, grid=grid, space_order=2) for name in "tk")
        t.data_with_halo[:] = f.arterial_c  # beyond the lattice: never reached by the cold
        k.data_with_halo[:] = 0.5
        d_f, d_m, d_u = _parts(devito, e, p)
        rate = p["w"] * d_m / p["gap"] * (f.arterial_c - t)
        for d in grid.dimensions:
            for side in (1, -1):
                there = {d: d + side * d.spacing}
                rate += 0.5 / f.spacing_m**2 * (k.subs(there) + k) * (t.subs(there) - t)
        step_s = grid.time_dim.spacing
        equations = [
            devito.Eq(t, p["t_s"] - KELVIN + d_f + d_m + d_u),
            devito.Eq(k, p["k_a"] + p["k_b"] / (p["t_s"] + d_f) + p["k_m"] * d_m),
            devito.Eq(e.forward, e + step_s * rate),
        ]
        probes = _probes(devito, f, e)
        self._operators = {False: devito.Operator(equations), True: devito.Operator([*equations, *probes])}
        self._tuned: dict[bool, dict[str, int]] = {}
        self.trial_s = self._try(e, f)

    def apply(self, freezing: bool, first: int, steps: int, step_s: float) -> None:
        self._operators[freezing].apply(
            time_m=first, time_M=first + steps - 1, dt=step_s, autotune=False, **self._tuned[freezing]
        )

    def _try(self, e: Any, f: Formulation) -> float:
        e.data[:] = f.begin(np.float32)
        for freezing, operator in self._operators.items():
            operator.apply(time_m=0, time_M=TRIAL_STEPS, dt=1e-3, autotune="basic")
            self._tuned[freezing] = operator._state["autotuning"][-1].get("tuned", {})
        begun = time.perf_counter()
        self.apply(True, 0, TRIAL_STEPS, 1e-3)
        return time.perf_counter() - begun


def _arrays(devito: Any, f: Formulation, grid: Any) -> dict[str, Any]:
    """One Function for each constant that differs between tissues, a number for the others."""
    made: dict[str, Any] = {}
    for name, value in f.constants(dtype=np.float32).items():
        if np.ptp(value) == 0:
            made[name] = float(np.ravel(value)[0])
        else:
            made[name] = devito.Function(name=name, grid=grid, space_order=0)
            made[name].data[:] = value
    return made


def _labels(devito: Any, f: Formulation, grid: Any) -> dict[str, Any]:
    """A small table for each constant, indexed by the label of the voxel."""
    tissue = devito.Dimension(name="tissue")
    label = devito.Function(name="label", grid=grid, space_order=0, dtype=np.uint8)
    label.data[:] = f.index
    made = {}
    for name, row in zip(LAW, f.law, strict=True):
        table = devito.Function(name=f"of_{name}", dimensions=(tissue,), shape=row.shape, dtype=np.float32)
        table.data[:] = row
        made[name] = table[label]
    return made


def _parts(devito: Any, e: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    e_f, e_m = devito.Min(e, 0.0), devito.Min(devito.Max(e, 0.0), p["e_melt"])
    d_f = 2.0 * e_f / (p["a_f"] + devito.sqrt(p["a_f"] * p["a_f"] + 4.0 * p["b_f"] * e_f))
    d_m = 2.0 * e_m / (p["a_m"] + devito.sqrt(p["a_m"] * p["a_m"] + 4.0 * p["b_m"] * e_m))
    return d_f, d_m, devito.Max(e - p["e_melt"], 0.0) / p["c_u"]


def _probes(devito: Any, f: Formulation, e: Any) -> list[Any]:
    """Equations over voxels u near the probes and segments s: Θ[u], heat[s], and what it takes from e.

    The weights are lists, filled up with zeros: n of voxels for each segment, m of segments for each voxel.
    """
    u, s, v, n, m = (devito.Dimension(name=name) for name in "usvnm")  # v is u again, in a loop of its own

    def table(name: str, dimensions: tuple[Any, ...], values: NDArray, dtype: type = np.float32) -> Any:
        made = devito.Function(name=name, dimensions=dimensions, shape=values.shape, dtype=dtype)
        made.data[:] = values
        return made

    places = np.unravel_index(f.voxel, f.shape)
    at = [table(f"at_{axis}", (u,), place, np.int32) for axis, place in zip("xyz", places, strict=True)]
    near = {
        name: table(f"near_{name}", (u,), np.broadcast_to(value, f.voxel.shape))
        for name, value in f.at_probes(np.float32).items()
    }
    voxels, weights = padded(f.weight)
    segments, shares = padded(f.weight.T)
    voxel, weight = table("voxel", (s, n), voxels, np.int32), table("weight", (s, n), weights)
    segment, share = table("segment", (v, m), segments, np.int32), table("share", (v, m), shares)
    strength, surface = table("strength", (s,), f.strength), table("surface", (s,), f.surface)
    around, heat = table("around", (u,), 0.0 * f.voxel), table("heat", (s,), 0.0 * f.strength)
    taken = table("taken", (v,), 0.0 * f.voxel)
    now = e[(e.grid.stepping_dim, *at)]
    after = e[(e.grid.stepping_dim + 1, *(axis[v] for axis in at))]
    d_f, d_m, d_u = _parts(devito, now, near)
    frozen = near["k_a"] * d_f + near["k_b"] * devito.log(1.0 + d_f / near["t_s"])
    each_step = {"implicit_dims": (e.grid.stepping_dim,)}  # else Devito lifts what has no time index out of the loop
    return [
        devito.Eq(around, frozen + (near["k_s"] + 0.5 * near["k_m"] * d_m) * d_m + near["k_u"] * d_u, **each_step),
        devito.Eq(heat, -strength * surface, **each_step),
        devito.Inc(heat, strength * weight * around[voxel], **each_step),
        devito.Eq(taken, 0.0, **each_step),
        devito.Inc(taken, share * heat[segment], **each_step),
        devito.Inc(after, -e.grid.time_dim.spacing * taken),
    ]

"""The bench problem in JAX: one jitted function per leg, ``fori_loop`` over its steps, XLA free to fuse; float32."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.bench.peers.formulation import Formulation

FORM = "jit, fori_loop over the steps, donated state, tissue constants as full arrays, float32"


class Stepper:
    """The state on JAX's CPU device, and how to advance it."""

    def __init__(self, formulation: Formulation, threads: int) -> None:  # XLA takes the cores this process may use
        import jax  # pyright: ignore[reportMissingImports]
        import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

        self.state = jnp.asarray(formulation.begin(np.float32))
        constants = {name: jnp.asarray(value) for name, value in formulation.constants(dtype=np.float32).items()}
        near = {name: jnp.asarray(value) for name, value in formulation.at_probes(np.float32).items()}
        wells = [jnp.asarray(a, jnp.float32) for a in (formulation.weight, formulation.strength, formulation.surface)]
        arguments = (constants, near, jnp.asarray(formulation.voxel), *wells)
        step = partial(_step, f=formulation, arguments=arguments)

        @partial(jax.jit, static_argnums=3, donate_argnums=0)
        def advance(e: Any, steps: Any, step_s: Any, freezing: bool) -> Any:
            return jax.lax.fori_loop(0, steps, lambda _, now: step(now, step_s, freezing), e)

        self._advance, self._constants = advance, constants

    def run(self, freezing: bool, steps: int, step_s: float) -> None:
        """Take ``steps`` explicit steps of ``step_s`` [s] with the probes on or off."""
        self.state = self._advance(self.state, steps, np.float32(step_s), freezing).block_until_ready()

    def temperature_c(self) -> NDArray[np.float64]:
        """Temperature (I, J, K) [°C]."""
        return np.asarray(_temperature(*_parts(self.state, self._constants), self._constants), dtype=float)


def _parts(e: Any, p: dict[str, Any]) -> tuple[Any, Any, Any]:
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

    e_f, e_m = jnp.minimum(e, 0.0), jnp.clip(e, 0.0, p["e_melt"])
    d_f = 2.0 * e_f / (p["a_f"] + jnp.sqrt(p["a_f"] ** 2 + 4.0 * p["b_f"] * e_f))
    d_m = 2.0 * e_m / (p["a_m"] + jnp.sqrt(p["a_m"] ** 2 + 4.0 * p["b_m"] * e_m))
    return d_f, d_m, jnp.maximum(e - p["e_melt"], 0.0) / p["c_u"]


def _temperature(d_f: Any, d_m: Any, d_u: Any, p: dict[str, Any]) -> Any:
    return p["solidus"] + d_f + d_m + d_u


def _step(e: Any, step_s: Any, freezing: bool, *, f: Formulation, arguments: tuple[Any, ...]) -> Any:
    import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

    p, near, voxel, weight, strength, surface = arguments
    d_f, d_m, d_u = _parts(e, p)
    t = _temperature(d_f, d_m, d_u, p)
    k = p["k_a"] + p["k_b"] / (p["t_s"] + d_f) + p["k_m"] * d_m
    rate = p["w"] * d_m / p["gap"] * (f.arterial_c - t)
    for axis in range(3):
        a = tuple(slice(None, -1) if n == axis else slice(None) for n in range(3))
        b = tuple(slice(1, None) if n == axis else slice(None) for n in range(3))
        flow = (0.5 / f.spacing_m**2) * (k[a] + k[b]) * (t[b] - t[a])
        rate = rate + jnp.diff(jnp.pad(flow, [(1, 1) if n == axis else (0, 0) for n in range(3)]), axis=axis)
    after = e + step_s * rate
    if freezing:
        d_f, d_m, d_u = _parts(e.reshape(-1)[voxel], near)
        around = near["k_a"] * d_f + near["k_b"] * jnp.log1p(d_f / near["t_s"])
        around = around + (near["k_s"] + 0.5 * near["k_m"] * d_m) * d_m + near["k_u"] * d_u
        heat = strength * (weight @ around - surface)
        after = after.reshape(-1).at[voxel].add(-step_s * (heat @ weight)).reshape(e.shape)
    return after

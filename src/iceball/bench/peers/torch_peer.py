"""The bench problem in PyTorch, eager: every operation writes into a buffer made once; float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.bench.peers.formulation import Formulation

FORM = "eager, in-place operations on buffers made once, tissue constants as full arrays, float32"


class Stepper:
    """The state as a tensor, and how to advance it."""

    def __init__(self, formulation: Formulation, threads: int) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        torch.set_num_threads(threads)
        self._f, self._torch = formulation, torch
        self.state = torch.tensor(formulation.begin(np.float32))
        self._p = _derived({n: torch.tensor(v) for n, v in formulation.constants(dtype=np.float32).items()})
        self._near = _derived({n: torch.tensor(v) for n, v in formulation.at_probes(np.float32).items()})
        self._voxel = torch.tensor(formulation.voxel)
        self._wells = [
            torch.tensor(a.astype(np.float32)) for a in (formulation.weight, formulation.strength, formulation.surface)
        ]
        self._grid_buffers = [torch.empty_like(self.state) for _ in range(7)]
        self._near_buffers = [torch.empty(formulation.voxel.size) for _ in range(4)]
        shapes = [tuple(n - (a == axis) for a, n in enumerate(formulation.shape)) for axis in range(3)]
        self._faces = [(torch.empty(shape), torch.empty(shape)) for shape in shapes]

    def run(self, freezing: bool, steps: int, step_s: float) -> None:
        """Take ``steps`` explicit steps of ``step_s`` [s] with the probes on or off."""
        with self._torch.no_grad():
            for _ in range(steps):
                self._step(freezing, step_s)

    def temperature_c(self) -> NDArray[np.float64]:
        """Temperature (I, J, K) [°C]."""
        d_f, d_m, d_u = self._parts(self.state, self._p, self._grid_buffers[:4])
        return (self._p["solidus"] + d_f + d_m + d_u).numpy().astype(float)

    def _parts(self, e: Any, p: dict[str, Any], buffers: list[Any]) -> tuple[Any, Any, Any]:
        """d_f, d_m, d_u [K] in the first three of four buffers."""
        torch = self._torch
        d_f, d_m, d_u, root = buffers
        torch.clamp(e, max=0.0, out=d_f)
        torch.addcmul(p["a_f_squared"], p["b_f_times_4"], d_f, out=root)
        d_f.mul_(2.0).div_(root.sqrt_().add_(p["a_f"]))
        torch.minimum(e, p["e_melt"], out=d_m).clamp_(min=0.0)
        torch.addcmul(p["a_m_squared"], p["b_m_times_4"], d_m, out=root)
        d_m.mul_(2.0).div_(root.sqrt_().add_(p["a_m"]))
        torch.sub(e, p["e_melt"], out=d_u).clamp_(min=0.0).mul_(p["per_c_u"])
        return d_f, d_m, d_u

    def _step(self, freezing: bool, step_s: float) -> None:
        torch, p = self._torch, self._p
        heat = self._heat_into_probes() if freezing else None
        d_f, d_m, d_u, spare, k, t, rate = self._grid_buffers
        self._parts(self.state, p, [d_f, d_m, d_u, spare])
        torch.add(d_f, p["solidus"], out=t).add_(d_m).add_(d_u)
        torch.add(d_f, p["t_s"], out=k)
        torch.div(p["k_b"], k, out=k).addcmul_(p["k_m"], d_m).add_(p["k_a"])
        torch.sub(self._f.arterial_c, t, out=rate)
        rate.mul_(d_m).mul_(p["w_per_gap"])
        for axis in range(3):
            self._conduct(axis, t, k, rate)
        self.state.add_(rate, alpha=step_s)
        if heat is not None:
            self.state.view(-1).index_add_(0, self._voxel, heat, alpha=-step_s)

    def _conduct(self, axis: int, t: Any, k: Any, rate: Any) -> None:
        """Add the flow through the faces of one axis."""
        torch, n = self._torch, t.shape[axis] - 1
        flow, both = self._faces[axis]
        torch.sub(t.narrow(axis, 1, n), t.narrow(axis, 0, n), out=flow)
        torch.add(k.narrow(axis, 1, n), k.narrow(axis, 0, n), out=both)
        flow.mul_(both)
        rate.narrow(axis, 0, n).add_(flow, alpha=0.5 / self._f.spacing_m**2)
        rate.narrow(axis, 1, n).sub_(flow, alpha=0.5 / self._f.spacing_m**2)

    def _heat_into_probes(self) -> Any:
        """Heat (U,) [W/m³] out of the voxels near the probes."""
        torch, p = self._torch, self._near
        weight, strength, surface = self._wells
        near = self.state.view(-1).index_select(0, self._voxel)
        d_f, d_m, d_u = self._parts(near, p, self._near_buffers)
        around = p["k_a"] * d_f + p["k_b"] * torch.log1p(d_f / p["t_s"])
        around += (p["k_s"] + 0.5 * p["k_m"] * d_m) * d_m + p["k_u"] * d_u
        return (strength * (weight @ around - surface)) @ weight


def _derived(p: dict[str, Any]) -> dict[str, Any]:
    """Add what would else be computed anew in every step."""
    return p | {
        "a_f_squared": p["a_f"] ** 2,
        "b_f_times_4": 4.0 * p["b_f"],
        "a_m_squared": p["a_m"] ** 2,
        "b_m_times_4": 4.0 * p["b_m"],
        "per_c_u": 1.0 / p["c_u"],
        "w_per_gap": p["w"] / p["gap"],
    }

"""What the lattice itself does: the radius a line of heat has on it (B12), the stages of a long step (B13)."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import quad

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FAR = np.euler_gamma + 1.5 * math.log(2.0)  # the kernel nears (2/π)(ln r + FAR) far away


def effective_radius(offsets: ArrayLike, weights: ArrayLike | None = None) -> float:
    """B12: radius [voxels] that nodes at ``offsets`` (N, 2) of a square lattice have when seen from afar.

    With ``weights`` (N,) that sum to one, heat is spread and temperature sampled by them, as a well does: ln r_eff =
    (π/2) Σ w_i w_j a(x_i - x_j) - γ - 1.5 ln 2, with a() the potential kernel of the lattice. Without, the nodes are
    held at one temperature: the weights are those that make it so. Source: key iceball_physics_notes, B12 (exact
    lattice Green's function).
    """
    nodes = np.asarray(offsets, dtype=int)
    apart = np.abs(nodes[:, None] - nodes[None, :])
    kernel = np.array([[lattice_kernel(int(m), int(n)) for m, n in row] for row in apart])
    if weights is None:
        shared = np.linalg.solve(kernel, np.ones(len(nodes))) if len(nodes) > 1 else np.ones(1)
        share = shared / shared.sum()
    else:
        share = np.asarray(weights, dtype=float)
    return math.exp(0.5 * math.pi * float(share @ kernel @ share) - FAR)


@functools.cache
def lattice_kernel(m: int, n: int) -> float:
    """Potential kernel a(m, n) of the square lattice: 0 at the origin, 1 beside it, elsewhere its neighbours' mean.

    a = (2/π) ∫_0^π [1 - exp(-m s) cos(n u)] / sinh s du, cosh s = 2 - cos u. Source: key iceball_physics_notes, B12.
    """
    m, n = max(m, n), min(m, n)
    if m == n:
        return sum(4 / math.pi / (2 * k - 1) for k in range(1, n + 1))

    def share(u: float) -> float:
        if u < 1e-6:
            return float(m)
        s = math.acosh(2 - math.cos(u))
        return (1 - math.exp(-m * s) * math.cos(n * u)) / math.sinh(s)

    return 2 / math.pi * quad(share, 0, math.pi, limit=400, epsabs=1e-12, epsrel=1e-12)[0]


def super_step_stages(step_s: float, limit_s: float) -> int:
    """B13: fewest odd stages of RKL2 that cover ``step_s`` [s], Euler's stable step being ``limit_s`` [s].

    τ <= dt (s² + s - 2)/4. Source: key iceball_physics_notes, B13 (Meyer, Balsara and Aslam 2014).
    """
    count = max(3, math.ceil(0.5 * (math.sqrt(9 + 16 * step_s / limit_s) - 1)))
    return count if count % 2 else count + 1

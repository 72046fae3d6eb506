"""The loops of the py-pde peer, plain Python for numba; py-pde compiles them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange


def local_terms(  # noqa: PLR0913  (what numba compiles takes bare arrays, no noun)
    e: Any, index: Any, law: Any, arterial: Any, t: Any, k: Any, out: Any
) -> None:
    """Temperature and conductivity of every voxel, and what its blood brings."""
    ni, nj, nl = e.shape
    for i in prange(ni):
        for j in range(nj):
            for n in range(nl):
                p = law[
                    index[i, j, n]
                ]  # a_f, b_f, a_m, b_m, e_melt, c_u, k_a, k_b, k_m, k_s, k_u, t_s, solidus, gap, w
                e_f = min(e[i, j, n], 0.0)
                e_m = min(max(e[i, j, n], 0.0), p[4])
                d_f = 2.0 * e_f / (p[0] + np.sqrt(p[0] * p[0] + 4.0 * p[1] * e_f))
                d_m = 2.0 * e_m / (p[2] + np.sqrt(p[2] * p[2] + 4.0 * p[3] * e_m))
                now = p[12] + d_f + d_m + max(e[i, j, n] - p[4], 0.0) / p[5]
                t[i, j, n] = now
                k[i, j, n] = p[6] + p[7] / (p[11] + d_f) + p[8] * d_m
                out[i, j, n] = p[14] * d_m / p[13] * (arterial - now)


def conduct(t: Any, k: Any, inverse: Any, out: Any) -> None:
    """Add the flow through the faces; ``inverse`` is 1/(2 h²)."""
    ni, nj, nl = t.shape
    for i in prange(ni):
        for j in range(nj):
            for n in range(nl):
                here, kh, flow = t[i, j, n], k[i, j, n], 0.0
                if i > 0:
                    flow += (k[i - 1, j, n] + kh) * (t[i - 1, j, n] - here)
                if i < ni - 1:
                    flow += (k[i + 1, j, n] + kh) * (t[i + 1, j, n] - here)
                if j > 0:
                    flow += (k[i, j - 1, n] + kh) * (t[i, j - 1, n] - here)
                if j < nj - 1:
                    flow += (k[i, j + 1, n] + kh) * (t[i, j + 1, n] - here)
                if n > 0:
                    flow += (k[i, j, n - 1] + kh) * (t[i, j, n - 1] - here)
                if n < nl - 1:
                    flow += (k[i, j, n + 1] + kh) * (t[i, j, n + 1] - here)
                out[i, j, n] += inverse * flow


def probes(  # noqa: PLR0913  (what numba compiles takes bare arrays, no noun)
    e: Any, index: Any, law: Any, voxel: Any, members: Any, weight: Any, strength: Any, surface: Any, out: Any
) -> None:
    """Take the probes' heat out of ``out``; ``voxel`` (U, 3) are its places, ``members`` point into them."""
    around = np.empty(voxel.shape[0])
    for u in range(voxel.shape[0]):
        i, j, n = voxel[u, 0], voxel[u, 1], voxel[u, 2]
        p, here = law[index[i, j, n]], e[i, j, n]
        e_f = min(here, 0.0)
        e_m = min(max(here, 0.0), p[4])
        d_f = 2.0 * e_f / (p[0] + np.sqrt(p[0] * p[0] + 4.0 * p[1] * e_f))
        d_m = 2.0 * e_m / (p[2] + np.sqrt(p[2] * p[2] + 4.0 * p[3] * e_m))
        around[u] = p[6] * d_f + p[7] * np.log1p(d_f / p[11]) + (p[9] + 0.5 * p[8] * d_m) * d_m
        around[u] += p[10] * max(here - p[4], 0.0) / p[5]
    for s in range(strength.size):
        heat = -surface[s]
        for m in range(members.shape[1]):
            heat += weight[s, m] * around[members[s, m]]
        for m in range(members.shape[1]):
            u = members[s, m]
            out[voxel[u, 0], voxel[u, 1], voxel[u, 2]] -= strength[s] * heat * weight[s, m]

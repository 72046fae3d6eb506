"""An independent reference for one probe: axisymmetric finite volumes on a graded mesh, sharing no code with iceball.

The probe is a solid cylinder held at its surface temperature, both end faces cooled, tissue beyond both ends. With
``insulated_shaft`` the cylinder r < R goes on beyond the ends as an adiabatic rod instead: the end condition of the
physics notes' own gel model, against which this file is checked. Half the probe is solved (mirror at z = 0).

It knows numba, which else only the backends do: in numpy it takes an hour. It is not imported with its package.
"""

# Bare loops over a mesh, their neighbours unrolled, look complex.
# ruff: noqa: C901

from __future__ import annotations

import math

import numba
import numpy as np

from iceball.nouns._noun import noun


@noun
class Medium:
    """Closed-form medium: k = k40 233.15/T_K and C = C40 [(1-c) + c T_K/233.15] when frozen, linear in the mush."""

    ku: float
    k40: float
    cu: float
    c40: float
    latent: float
    solidus: float
    liquidus: float
    capacity_ice_fraction: float = 1.0


@noun
class Setup:
    """One probe in a uniform medium."""

    radius_mm: float = 0.75
    active_mm: float = 30.0
    surface_c: float = -140.0
    start_c: float = 37.0
    tau_s: float = 15.0
    until_s: float = 600.0
    insulated_shaft: bool = False


_MEDIUM = ("ku", "k40", "cu", "c40", "latent", "solidus", "liquidus", "capacity_ice_fraction")


def faces(inner: list[float], finest: float, outward: float, growth: float, coarsest: float) -> np.ndarray:
    """Faces from ``inner`` outward to ``outward``: cells grow from ``finest`` by ``growth`` to ``coarsest``."""
    x, step = list(inner), finest
    while x[-1] < outward:
        x.append(x[-1] + step)
        step = min(step * growth, coarsest)
    return np.array(x)


def back_from(distance: float, finest: float, growth: float, coarsest: float) -> np.ndarray:
    """Faces from 0 to ``distance``, finest at ``distance``."""
    back = faces([0.0], finest, distance, growth, coarsest)
    return distance - (back * distance / back[-1])[::-1]


@numba.njit(cache=True)
def _state(h, p):
    ku, k40, cu, c40, latent, ts, tl, share = p
    tks, ref = ts + 273.15, 233.15
    a = 0.5 * c40 * share / ref
    b = c40 * (1.0 - share)
    top = latent + 0.5 * (b + 2 * a * tks + cu) * (tl - ts)
    if h <= 0.0:
        low = -(b * tks + a * tks * tks) - h
        tk = -low / b if a == 0.0 else (-b + math.sqrt(max(b * b - 4 * a * low, 0.0))) / (2 * a)
        t = tk - 273.15
        return t, k40 * ref * math.log(tk / tks)
    ks = k40 * ref / tks
    if h < top:
        cs = b + 2 * a * tks
        # cs x + (cu - cs) x^2/(2 w) + latent x/w = h in the mush of width w
        w = tl - ts
        quad, lin = (cu - cs) / (2 * w), cs + latent / w
        x = h / lin if quad == 0.0 else (-lin + math.sqrt(lin * lin + 4 * quad * h)) / (2 * quad)
        return ts + x, ks * x + (ku - ks) * x * x / (2 * w)
    return tl + (h - top) / cu, 0.5 * (ks + ku) * (tl - ts) + ku * (h - top) / cu


@numba.njit(cache=True)
def _rate(h, theta, theta_s, mesh, p, out):
    gr, gz, gp, ge, volume, fixed = mesh
    nr, nz = h.shape
    for i in range(nr):
        for j in range(nz):
            if fixed[i, j]:
                theta[i, j] = theta_s
            else:
                theta[i, j] = _state(h[i, j], p)[1]
    for i in range(nr):
        for j in range(nz):
            out[i, j] = 0.0
    for i in range(nr):
        for j in range(nz):
            if fixed[i, j]:
                continue
            flow = gp[i, j] * (theta_s - theta[i, j]) + ge[i, j] * (theta_s - theta[i, j])
            if i > 0:
                flow += gr[i - 1, j] * (theta[i - 1, j] - theta[i, j])
            if i < nr - 1:
                flow += gr[i, j] * (theta[i + 1, j] - theta[i, j])
            if j > 0:
                flow += gz[i, j - 1] * (theta[i, j - 1] - theta[i, j])
            if j < nz - 1:
                flow += gz[i, j] * (theta[i, j + 1] - theta[i, j])
            out[i, j] = flow / volume[i, j]


@numba.njit(cache=True)
def _theta_of(t, p):
    ku, k40, ts, tl = p[0], p[1], p[5], p[6]
    tks, ks = ts + 273.15, k40 * 233.15 / (ts + 273.15)
    if t <= ts:
        return k40 * 233.15 * math.log((t + 273.15) / tks)
    if t < tl:
        x = t - ts
        return ks * x + (ku - ks) * x * x / (2 * (tl - ts))
    return 0.5 * (ks + ku) * (tl - ts) + ku * (t - tl)


@numba.njit(cache=True)
def _march(h, mesh, p, times):
    start_c, surface_c, tau, until, step, limit = times
    theta, first, rate = np.empty_like(h), np.empty_like(h), np.empty_like(h)
    now = 0.0
    dt = 0.05
    while until - now > 1e-9:
        dt = min(dt * 1.3, step, until - now)
        s = max(3, math.ceil(0.5 * (math.sqrt(9 + 16 * dt / limit) - 1)))
        s += 1 - s % 2
        w1 = 4.0 / (s * s + s - 2)
        t_s = start_c + (surface_c - start_c) * (1 - math.exp(-now / tau))
        _rate(h, theta, _theta_of(t_s, p), mesh, p, first)
        y0 = h.copy()
        older = h.copy()
        newer = h + w1 / 3 * dt * first
        c_old, c_new = 0.0, w1 / 3
        b_2, b_1 = 1.0 / 3, 1.0 / 3
        for j in range(2, s + 1):
            b = (j * j + j - 2.0) / (2.0 * j * (j + 1))
            mu, nu = (2 * j - 1.0) / j * b / b_1, -(j - 1.0) / j * b / b_2
            mt = mu * w1
            gamma = -(1 - b_1) * mt
            t_s = start_c + (surface_c - start_c) * (1 - math.exp(-(now + c_new * dt) / tau))
            _rate(newer, theta, _theta_of(t_s, p), mesh, p, rate)
            for i in range(h.shape[0]):
                for k in range(h.shape[1]):
                    y = mu * newer[i, k] + nu * older[i, k] + (1 - mu - nu) * y0[i, k]
                    older[i, k] = y + dt * (mt * rate[i, k] + gamma * first[i, k])
            older, newer = newer, older
            c_old, c_new = c_new, mu * c_new + nu * c_old + mt + gamma
            b_2, b_1 = b_1, b
        h[...] = newer
        now += dt


def solve(medium: Medium, setup: Setup, finest_mm: float, *, growth: float = 1.08, step_s: float = 2.0):
    """Run the reference; returns r (n,), z (m,) cell centres [mm] and T (n, m) [°C] at the end."""
    rf, zf = _mesh(setup, finest_mm, growth)
    rc, zc = 0.5 * (rf[1:] + rf[:-1]), 0.5 * (zf[1:] + zf[:-1])
    fixed = (rc[:, None] < setup.radius_mm / 1e3) & (zc[None, :] < setup.active_mm / 2e3)
    volume = np.pi * (rf[1:] ** 2 - rf[:-1] ** 2)[:, None] * np.diff(zf)[None, :]
    flows = _conductances(rf, zf, setup)
    p = tuple(float(getattr(medium, name)) for name in _MEDIUM)
    share = medium.capacity_ice_fraction

    def capacity(t_c: float) -> float:
        return medium.c40 * ((1 - share) + share * (t_c + 273.15) / 233.15)

    diffusivity = medium.k40 * 233.15 / (setup.surface_c + 273.15) / capacity(setup.surface_c)
    limit = 0.9 * float((volume / _total(*flows))[~fixed].min()) / diffusivity
    top = medium.latent + 0.5 * (capacity(medium.solidus) + medium.cu) * (medium.liquidus - medium.solidus)
    h = np.full(fixed.shape, top + medium.cu * (setup.start_c - medium.liquidus))
    times = (setup.start_c, setup.surface_c, setup.tau_s, setup.until_s, step_s, limit)
    _march(h, (*flows, volume, fixed), p, times)
    t = np.array([[_state(v, p)[0] for v in row] for row in h])
    t[fixed] = setup.surface_c
    return rc * 1e3, zc * 1e3, t


def _mesh(setup: Setup, finest_mm: float, growth: float) -> tuple[np.ndarray, np.ndarray]:
    """Faces in r and z [m], finest at the probe's surface and end; cells grow to 10 (growth - 1) mm."""
    radius, half, coarsest = setup.radius_mm, setup.active_mm / 2, 10 * (growth - 1)
    inside = np.linspace(0, radius, max(2, round(radius / finest_mm)) + 1)
    inner = [radius] if setup.insulated_shaft else list(inside)
    near = back_from(half, finest_mm, growth, coarsest)
    outward = faces(list(near), finest_mm, half + 45.0, growth, coarsest)
    return faces(inner, finest_mm, 55.0, growth, coarsest) / 1e3, outward / 1e3


def _conductances(rf: np.ndarray, zf: np.ndarray, setup: Setup) -> tuple[np.ndarray, ...]:
    """Between neighbours in r and z, to the probe's side and to its end face [m]; nothing flows inside the probe."""
    rc, zc, dz = 0.5 * (rf[1:] + rf[:-1]), 0.5 * (zf[1:] + zf[:-1]), np.diff(zf)
    ring = np.pi * (rf[1:] ** 2 - rf[:-1] ** 2)
    gr = 2 * np.pi * dz[None, :] / np.log(rc[1:] / rc[:-1])[:, None]
    gz = ring[:, None] / np.diff(zc)[None, :]
    side, end = np.zeros((rc.size, zc.size)), np.zeros((rc.size, zc.size))
    alongside = zc < setup.active_mm / 2e3
    wall = int(np.flatnonzero(rc > setup.radius_mm / 1e3)[0])
    side[wall, alongside] = 2 * np.pi * dz[alongside] / math.log(rc[wall] / rf[wall])
    if not setup.insulated_shaft:
        beyond = int(np.flatnonzero(~alongside)[0])
        end[:wall, beyond] = ring[:wall] / (zc[beyond] - zf[beyond])
        gr[wall - 1, alongside] = 0.0
        gz[:wall, beyond - 1] = 0.0
    return gr, gz, side, end


def _total(gr: np.ndarray, gz: np.ndarray, side: np.ndarray, end: np.ndarray) -> np.ndarray:
    total = side + end
    total[1:] += gr
    total[:-1] += gr
    total[:, 1:] += gz
    total[:, :-1] += gz
    return np.maximum(total, 1e-300)


def extents(
    r: np.ndarray, z: np.ndarray, t: np.ndarray, isotherms=(0.0, -20.0, -40.0)
) -> tuple[np.ndarray, np.ndarray]:
    """Radius at the middle and half-length on the axis [mm] of each isotherm, linear between cell centres."""

    def crossing(x: np.ndarray, profile: np.ndarray, level: float) -> float:
        i = int(np.flatnonzero(profile < level)[-1])
        return float(x[i] + (level - profile[i]) / (profile[i + 1] - profile[i]) * (x[i + 1] - x[i]))

    return (
        np.array([crossing(r, t[:, 0], level) for level in isotherms]),
        np.array([crossing(z, t[0], level) for level in isotherms]),
    )

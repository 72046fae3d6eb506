"""The state before freezing: perfusion, metabolism and the skin's loss to the room in balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from iceball.thermal.problem import Operator, Problem

    Field = NDArray[np.float64]

TOLERANCE = 1e-6  # of the right-hand side: less than 1e-5 °C
COARSE_TOLERANCE = 5e-4  # about 1e-3 °C where the search starts from a coarse solution of the same patient
MOST_SWEEPS, LOOK_EVERY = 3000, 4


def steady_state(
    operator: Operator,
    problem: Problem,
    guess_c: Field | None = None,
    held: NDArray[np.bool_] | None = None,
    tolerance: float = TOLERANCE,
) -> Field:
    """Temperature (I, J, K) [°C] that solves ∇·(k∇T) + W (T_a - T) + q_m + skin = 0 with unfrozen properties.

    Conjugate gradients on the temperature above arterial, preconditioned by the diagonal. ``guess_c`` (I, J, K) [°C]
    starts the search and is kept where ``held`` (I, J, K); ``tolerance`` of the right-hand side may be left. Voxels
    that do not conduct keep the arterial temperature.
    DESIGN, "the steady state before freezing"; Pennes' equation without its time derivative.

    Raises
    ------
    SimulationError : if the search does not converge
    """
    if problem.held is not None:
        guess_c, held = _with_baths(problem, guess_c, held)
    index, table = problem.index, problem.table
    conducting = problem.conducts[index]
    warm = np.array(
        [np.interp(problem.arterial_c, t, k) for t, k in zip(table.temperature_c, table.conductivity, strict=True)]
    )
    conductivity = np.ascontiguousarray(warm[index])
    loss = (problem.perfusion[index] * conducting) + problem.open_conductance
    load = problem.metabolic[index] * conducting + problem.open_conductance * (problem.air_c - problem.arterial_c)
    flow = np.empty(index.shape)
    free = (conducting if held is None else conducting & ~held).astype(float)
    own = loss * free

    def apply(excess: Field, image: Field) -> None:
        operator.linear_conduction(excess, conductivity, flow)
        np.multiply(own, excess, out=image)
        np.multiply(flow, free, out=flow)
        np.subtract(image, flow, out=image)

    diagonal = loss + 6.0 * conductivity / problem.spacing_m**2
    excess = np.zeros(index.shape) if guess_c is None else (guess_c - problem.arterial_c) * conducting
    if not _conjugate_gradients(apply, load * free, diagonal, excess, tolerance):
        raise SimulationError(
            f"the temperature before freezing did not settle on a box of {index.shape} voxels: a region that makes "
            "heat may be cut off from all blood and skin. Look at the labels there."
        )
    return excess + problem.arterial_c


def _with_baths(
    problem: Problem, guess_c: Field | None, held: NDArray[np.bool_] | None
) -> tuple[Field, NDArray[np.bool_]]:
    """Guess and what is held of it, with the large vessels at their temperature."""
    assert problem.held is not None
    assert problem.held_c is not None
    start = np.full(problem.index.shape, problem.arterial_c) if guess_c is None else guess_c
    start = np.where(problem.held, problem.held_c[problem.index], start)
    return start, problem.held if held is None else held | problem.held


def _conjugate_gradients(
    apply: Callable[[Field, Field], None], load: Field, diagonal: Field, found: Field, tolerance: float
) -> bool:
    """Improve ``found`` in place until ``apply(found)`` is ``load``; False where that cannot be reached.

    ``apply`` writes into its second argument. Everything is done in place: the arrays are large.
    """
    image, ready, inverse = np.empty_like(load), np.empty_like(load), 1.0 / diagonal
    apply(found, image)
    residual = load - image
    goal = tolerance * max(float(np.linalg.norm(load)), float(np.linalg.norm(residual)))
    np.multiply(residual, inverse, out=ready)
    search, product = ready.copy(), float(np.vdot(residual, ready))
    for sweep in range(MOST_SWEEPS):
        if sweep % LOOK_EVERY == 0 and float(np.linalg.norm(residual)) <= goal:
            return True
        apply(search, image)
        curvature = float(np.vdot(search, image))
        if curvature <= 0.0:  # heat is made where neither blood nor skin can take it
            return product == 0.0 or float(np.linalg.norm(residual)) <= goal
        step = product / curvature
        np.multiply(search, step, out=ready)
        np.add(found, ready, out=found)
        np.multiply(image, step, out=image)
        np.subtract(residual, image, out=residual)
        np.multiply(residual, inverse, out=ready)
        fresh = float(np.vdot(residual, ready))
        np.multiply(search, fresh / product, out=search)
        np.add(search, ready, out=search)
        product = fresh
    return False

"""A protocol as the solver sees it: phases, and what the probes do at each moment of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import InputError
from iceball.nouns._noun import array_noun
from iceball.thermal.problem import OFF, POWER_LIMITED, Drive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Placement, Plan, Step


@array_noun
class Phase:
    """One step of a protocol in time. ``goal_c`` (P,) is the gas each probe heads for, NaN where it is off."""

    start_s: float
    stop_s: float
    freezing: bool
    goal_c: NDArray[np.float64]
    power: NDArray[np.float64]
    tau_s: NDArray[np.float64]


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Lay the steps of the plan's protocol end to end.

    Raises
    ------
    InputError : if an active thaw is asked of a probe that cannot
    """
    laid: list[Phase] = []
    now = 0.0
    for step in plan.protocol.steps:
        stop = now + step.duration_s
        laid.append(
            Phase(
                start_s=now,
                stop_s=stop,
                freezing=step.kind == "freeze",
                goal_c=np.array([_goal(step, placement) for placement in plan.placements]),
                power=np.array([step.power_of(placement.label) for placement in plan.placements]),
                tau_s=np.array([placement.probe.cooling_time_s for placement in plan.placements]),
            )
        )
        now = stop
    return tuple(laid)


def drive(phase: Phase, from_c: NDArray[np.float64], now_s: float) -> Drive:
    """Return what the probes do at ``now_s`` [s]: the gas nears its goal from ``from_c`` (P,) [°C].

    T_gas = goal + (from - goal) exp(-t/τ), t since the switch (DESIGN, "a cooling-down time constant").
    """
    on = np.isfinite(phase.goal_c) & (phase.power > 0)
    since = now_s - phase.start_s
    fade = np.array([math.exp(-since / tau) if tau > 0 else 0.0 for tau in phase.tau_s])
    gas = phase.goal_c + (from_c - phase.goal_c) * fade
    return Drive(
        mode=np.where(on, POWER_LIMITED, OFF),
        value=np.where(on, gas, 0.0),
        power=np.where(on, phase.power, 0.0),
        resistance=np.full(on.size, 1.0 if phase.freezing else 0.0),
    )


def _goal(step: Step, placement: Placement) -> float:
    if step.kind == "freeze":
        return placement.probe.gas_temperature_c
    if step.kind == "passive thaw":
        return math.nan
    if placement.probe.thaw_temperature_c is None:
        raise InputError(
            f"probe {placement.label} ({placement.probe.name}) cannot thaw actively; write 'thaw for ...' (passive)"
        )
    return placement.probe.thaw_temperature_c

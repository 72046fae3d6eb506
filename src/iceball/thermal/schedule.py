"""A protocol as the solver sees it: phases, and what the probes do at each moment of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from iceball.errors import InputError
from iceball.nouns import Heater, WarmGas
from iceball.nouns._noun import array_noun
from iceball.thermal.marching import Leg
from iceball.thermal.problem import OFF, POWER_LIMITED, Drive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iceball.nouns import Placement, Plan, Step
    from iceball.thermal.marching import Driver


@array_noun
class Phase:
    """One step of a protocol in time. ``goal_c`` (P,) is the gas each probe heads for, NaN where it is off.

    ``behind_resistance`` (P,) is 1 where the goal is a gas behind the probe's resistance, 0 where it is the shaft
    itself; ``most_heat_w_per_m`` (P,) the most that a probe can give in an active thaw.
    """

    start_s: float
    stop_s: float
    freezing: bool
    goal_c: NDArray[np.float64]
    power: NDArray[np.float64]
    tau_s: NDArray[np.float64]
    behind_resistance: NDArray[np.float64]
    most_heat_w_per_m: NDArray[np.float64]


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
                tau_s=np.array([_time_constant(step, placement) for placement in plan.placements]),
                behind_resistance=np.array([_behind(step, placement) for placement in plan.placements]),
                most_heat_w_per_m=np.array([_most_heat(step, placement) for placement in plan.placements]),
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
        resistance=phase.behind_resistance,
        tilt=np.where(on & phase.freezing, 1.0 - fade, 0.0),
        most_heat_w_per_m=phase.most_heat_w_per_m,
    )


def legs(plan: Plan) -> tuple[Leg, ...]:
    """Return the phases of ``plan`` as legs of a march.

    Raises
    ------
    InputError : if an active thaw is asked of a probe that cannot
    """
    state = _Gas(np.full(len(plan.placements), np.nan))

    def leg(phase: Phase) -> Leg:
        def begin(around_c: NDArray[np.float64]) -> Driver:
            start_c = np.where(np.isfinite(state.gas_c), state.gas_c, around_c)
            at_end = drive(phase, start_c, phase.stop_s)
            state.gas_c = np.where(at_end.mode == OFF, np.nan, at_end.value)
            return lambda now_s: drive(phase, start_c, now_s)

        return Leg(start_s=phase.start_s, stop_s=phase.stop_s, freezing=phase.freezing, begin=begin)

    return tuple(leg(phase) for phase in phases(plan))


@dataclass
class _Gas:
    """The gas at the last switch (P,) [°C], NaN where it was off: a probe that goes on starts from where it was."""

    gas_c: NDArray[np.float64]


def _time_constant(step: Step, placement: Placement) -> float:
    return placement.probe.cooling_time_s if step.kind == "freeze" else placement.probe.thaw_time_s


def _behind(step: Step, placement: Placement) -> float:
    return 1.0 if step.kind == "freeze" or isinstance(placement.probe.thaw_law, WarmGas) else 0.0


def _most_heat(step: Step, placement: Placement) -> float:
    law = placement.probe.thaw_law
    return law.heat_w_per_m if step.kind == "active thaw" and isinstance(law, Heater) else math.inf


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

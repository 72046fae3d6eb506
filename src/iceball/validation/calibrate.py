"""``python -m iceball.validation.calibrate``: fit the generic probes to measurements of one probe alone.

Three figures are fitted, nothing else is looked at: the -30 °C diameter of one 2.4 mm probe in agar (R' of that probe),
the temperature of a shaft in pure lard (the gas of all argon probes: little heat flows, so that the gas shows), and a
trace of the shaft's temperature in a warm bath (R' and cooling time of the 1.5 mm x 22 mm probe). What was found, with
its residuals and with what else the study leaves open, is kept in ``data/calibration.json``; a person carries it into
``library/probes.toml``.
"""

from __future__ import annotations

import functools
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import least_squares, root_scalar

from iceball.errors import SimulationError, UnknownName
from iceball.validation import icesphere, lard, littrup, rig
from iceball.validation.tables import CALIBRATION, rows

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3  # gas and R' hardly know of each other: the third round changes neither
RESISTANCES, RESISTANCE_STEP = (0.145, 0.155), 2e-4  # where the secant starts [K·m/W], and how near is near enough
GASES_C, GAS_STEP_C = (-160.0, -165.0), 0.1
PARTS = ("argon", "trace", "variants")
DATA = Path(__file__).parent / "data"


def single_diameter_mm(variant: littrup.Variant, resistance_k_m_per_w: float) -> float:
    """-30 °C diameter [mm] of one probe in Littrup's agar, for R' [K·m/W]."""
    moment = rig.freeze(littrup.setting(variant, littrup.ARRANGED[1], resistance_k_m_per_w))[-1]
    return rig.diameter_mm(moment, littrup.LETHAL_C)


def fit_resistance(variant: littrup.Variant) -> dict[str, float]:
    """Fit R' so that one probe has the variant's -30 °C diameter."""

    @functools.cache
    def off(resistance: float) -> float:
        return single_diameter_mm(variant, resistance) - variant.fitted_mm

    found = _root(off, RESISTANCES, RESISTANCE_STEP)
    return {"internal_resistance_k_m_per_w": round(found, 4), "residual_mm": round(off(found), 3)}


def fit_gas(resistance_k_m_per_w: float, properties: str = "value", wanted_c: float | None = None) -> dict[str, float]:
    """Fit the gas [°C] so that a shaft with R' [K·m/W] has the measured temperature in pure lard."""
    goal = rows(lard.KEY)["shaft"].value if wanted_c is None else wanted_c

    @functools.cache
    def off(gas_c: float) -> float:
        return lard.shaft_in_lard_c(gas_c, resistance_k_m_per_w, properties) - goal

    found = _root(off, GASES_C, GAS_STEP_C)
    return {"gas_temperature_c": round(found, 1), "residual_k": round(off(found), 2)}


def fit_argon(say: Callable[[str], None]) -> dict[str, Any]:
    """Fit the gas of argon probes and R' of the 2.4 mm probe together, in turn until neither moves."""
    central, gas, resistance = littrup.variants()[0], {"gas_temperature_c": -160.0}, {}
    for _ in range(ROUNDS):
        resistance = fit_resistance(replace(central, gas_temperature_c=gas["gas_temperature_c"]))
        gas = fit_gas(resistance["internal_resistance_k_m_per_w"])
        say(f"gas {gas['gas_temperature_c']:.1f} °C, R' {resistance['internal_resistance_k_m_per_w']:.4f} K·m/W")
    shaft, r = rows(lard.KEY)["shaft"], resistance["internal_resistance_k_m_per_w"]
    spread = [fit_gas(r, end, goal)["gas_temperature_c"] for end, goal in (("low", shaft.high), ("high", shaft.low))]
    return {**gas, **resistance, "gas_low_c": min(spread), "gas_high_c": max(spread)}


def fit_variants(gas_c: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Fit R' again for every variant of what Littrup's study leaves open."""
    found: dict[str, Any] = {}
    for variant in littrup.variants():
        filled = replace(variant, gas_temperature_c=variant.gas_temperature_c or gas_c)
        found[variant.name] = fit_resistance(filled)
        say(f"{variant.name}: R' {found[variant.name]['internal_resistance_k_m_per_w']:.4f} K·m/W")
    return found


def fit_trace(gas_c: float) -> dict[str, Any]:
    """Fit R' and the cooling time of the 22 mm probe to the trace of its shaft in a warm bath."""
    times, measured = icesphere.trace()

    def off(guess: np.ndarray) -> np.ndarray:
        return icesphere.shaft_c(gas_c, float(guess[0]), float(guess[1])) - measured

    fit = least_squares(off, [0.1, 1.5], bounds=([0.005, 0.2], [0.5, 15.0]), diff_step=0.05, max_nfev=15)
    return {
        "internal_resistance_k_m_per_w": round(float(fit.x[0]), 4),
        "cooling_time_s": round(float(fit.x[1]), 2),
        "residual_k": {f"{t:g} s": round(float(e), 1) for t, e in zip(times, fit.fun, strict=True)},
        "rms_k": round(float(np.sqrt(np.mean(fit.fun**2))), 1),
        "resistance_of_replicates": _replicates(gas_c, float(fit.x[1])),
    }


def _replicates(gas_c: float, cooling_time_s: float) -> dict[str, float]:
    """R' [K·m/W] that the other recordings would ask for, from their one plateau each."""
    found: dict[str, float] = {}
    for name, (time_s, temperature_c) in icesphere.plateaus().items():

        def off(resistance: float, at_s: float = time_s, goal: float = temperature_c) -> float:
            return icesphere.plateau_c(gas_c, resistance, cooling_time_s, at_s) - goal

        found[name] = round(_root(off, RESISTANCES, RESISTANCE_STEP), 3)
    return found


def _root(off: Callable[[float], float], start: tuple[float, float], near: float) -> float:
    found = root_scalar(off, method="secant", x0=start[0], x1=start[1], xtol=near, maxiter=15)
    if not found.converged:
        raise SimulationError(f"the fit did not settle after 15 rounds, at {found.root:g}; look at its measurement")
    return float(found.root)


def calibrate(part: str, known: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Fit one ``part`` ("argon", "trace" or "variants"); returns ``known``, what was found before, with what is new.

    Raises
    ------
    UnknownName : if there is no such part
    """
    thick, thin = known.get(littrup.PROBE, {}), known.get(icesphere.PROBE, {})
    if part == "argon":
        thick = {**thick, **fit_argon(say)}
    elif part == "trace":
        thin = fit_trace(thick["gas_temperature_c"])
        found, tau = thin["internal_resistance_k_m_per_w"], thin["cooling_time_s"]
        say(f"trace: R' {found} K·m/W, {tau} s, rms {thin['rms_k']} K")
    elif part == "variants":
        thick = {**thick, "variants": fit_variants(thick["gas_temperature_c"], say)}
    else:
        raise UnknownName(f"no part {part!r} of the calibration; there are: {', '.join(PARTS)}")
    settings = {"spacing_mm": rig.SPACING_MM, "accuracy": rig.ACCURACY}
    return {"computed_with": settings, littrup.PROBE: thick, icesphere.PROBE: thin}


def main() -> None:
    """Fit the parts named, all without any, in their order, and write the file after each."""
    file, parts = DATA / CALIBRATION, sys.argv[1:] or PARTS
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for part in parts:
        known = calibrate(part, known, lambda text: print(text, file=sys.stderr, flush=True))
        file.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {CALIBRATION}; carry what changed into src/iceball/library/probes.toml")


if __name__ == "__main__":
    main()

"""Measure the noise of sensitivities; write its figure and its tables into docs/concepts/sensitivities.md.

python scripts/write_sensitivities.py     (some minutes on one core)
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from iceball.bench import cases
from iceball.nouns import Bench, Layer, Probe, placed, read_protocol
from iceball.thermal.phantom_bath import bath_grid, bath_problem, bath_start
from iceball.thermal.schedule import legs
from iceball.thermal.sensitivity import IsothermMotion, Look, Parameter, Sensitivities, sensitivities
from iceball.thermal.wells import wells

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the choice of Agg

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, FIGURE = DOCS / "concepts" / "sensitivities.md", DOCS / "images" / "sensitivities.png"
STEPS = (0.001, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)  # of a voxel
SHOWN = (0.001, 0.1, 0.5, 1.0)
SHIFTS = {"along x": (1.0, 0.0, 0.0), "oblique": (2 / 3, 1 / 3, 2 / 3)}
SEEN = ((600.0, 0.0), (600.0, -20.0), (600.0, -40.0), (60.0, -20.0), (720.0, 0.0))
ACCURACIES = {"preview": 2.0, "standard": 1.0, "reference": 1.0}  # and the voxel [mm] each is meant for
TRIED = (  # the small steps of reference cost minutes: fewer of them
    ("preview", "along x", STEPS),
    ("preview", "oblique", STEPS),
    ("standard", "along x", STEPS),
    ("standard", "oblique", SHOWN),
    ("reference", "along x", SHOWN),
)
SHARES, USUAL = (0.001, 0.01, 0.03, 0.1, 0.2, 0.3), 0.2
# The generic 1.5 mm argon probe and a perfused gel: round numbers, not those of the library.
BENCH: dict[str, float] = {
    "conductivity of ice": 2.0,
    "conductivity, unfrozen": 0.52,
    "latent heat": 250e6,
    "perfusion": 5e3,
    "internal resistance": 0.149,
    "cooling time": 1.4,
}


def shifted(accuracy: str, way: tuple[float, ...], steps: tuple[float, ...]) -> Sensitivities:
    """Shift three probes in a gel as one, by every step: each isotherm must move by exactly n times the way."""
    spacing_mm = ACCURACIES[accuracy]
    case = cases.BenchCase(name="shift", says="", spacing_mm=spacing_mm, width_mm=80.0, stop_s=720.0)
    problem = cases.problem_of(case)

    def make(values: Mapping[str, float]) -> Any:
        by = sum(values.values()) * np.array(way)
        moved = [
            dataclasses.replace(p, entry_mm=tuple(p.entry_mm + by), tip_mm=tuple(p.tip_mm + by))
            for p in cases.placements_of(case)
        ]
        lines = wells(moved, case.grid, problem.index, problem.conducts)
        return dataclasses.replace(problem, wells=lines), cases.start_c(), cases.legs_of(case)

    parameters = [Parameter(name=f"{s:g}", unit="mm", value=0.0, step=s * spacing_mm) for s in steps]
    look = Look(grid=case.grid, times_s=(60.0, 600.0, 720.0))
    return sensitivities(make, parameters, look, accuracy=accuracy)


def varied(accuracy: str, spacing_mm: float) -> Sensitivities:
    """Vary what tissue and probe are by every share of it, around one oblique probe in a perfused gel."""
    parameters = [
        Parameter(name=f"{name}: {share:g}", unit="of its value", value=0.0, step=share)
        for name in BENCH
        for share in SHARES
    ]

    def make(values: Mapping[str, float]) -> Any:
        real = {name: BENCH[name] * (1 + sum(values[f"{name}: {s:g}"] for s in SHARES)) for name in BENCH}
        made = bench(real, spacing_mm)
        problem = bath_problem(made, grid)
        return problem, bath_start(made, problem), legs(made.plan)

    grid = bath_grid(bench(BENCH, spacing_mm))
    look = Look(grid=grid, times_s=(600.0,), isotherms_c=(0.0, -40.0))
    return sensitivities(make, parameters, look, accuracy=accuracy)


def bench(real: Mapping[str, float], spacing_mm: float) -> Bench:
    """One probe in a box of gel."""
    probe = Probe(
        name="argon", cryogen="argon", shaft_diameter_mm=1.5, active_length_mm=30.0, gas_temperature_c=-161.0,
        internal_resistance_k_m_per_w=real["internal resistance"], cooling_time_s=real["cooling time"],
    )  # fmt: skip
    tissue = dataclasses.replace(
        cases.gel(),
        frozen_conductivity_w_per_m_k=real["conductivity of ice"],
        conductivity_w_per_m_k=real["conductivity, unfrozen"],
        latent_heat_j_per_m3=real["latent heat"],
        perfusion_w_per_m3_k=real["perfusion"],
    )
    return Bench(
        layers=(Layer(medium=tissue),), probes=(placed("A", probe, (0.3, 0.2, -15.1), (0.3, 0.2, -1.0)),),
        protocol=read_protocol("10"), start_c=37.0, arterial_c=37.0, spacing_mm=spacing_mm,
        box_size_mm=(64.0, 64.0, 80.0), box_centre_mm=(0.0, 0.0, 0.0),
    )  # fmt: skip


def errors(motion: IsothermMotion, way: tuple[float, ...]) -> np.ndarray:
    """Error (P, N) [mm per mm] of an isotherm whose probes were shifted along ``way``."""
    return np.abs(motion.motion_mm_per_unit - motion.outward @ np.array(way))


def rms(values: np.ndarray) -> np.ndarray:
    """Root mean square over the points (P, N), those that were found."""
    return np.sqrt(np.nanmean(values**2, axis=-1))


def shift_table(found: Mapping[tuple[str, str], Sensitivities]) -> list[str]:
    """Rows of the table of shifts, for the steps shown."""
    head = " | ".join(f"{s:g}" for s in SHOWN)
    lines = [f"| accuracy, voxel | shift | at | {head} |", "|---|---|---|" + "--:|" * len(SHOWN)]
    for (accuracy, way), made in found.items():
        for time_s, level in SEEN:
            off = errors(made.at(time_s, level), SHIFTS[way])
            cells = [off[made.row(f"{s:g}")] for s in SHOWN]
            text = " | ".join(f"{np.nanmedian(c):.3f} / {np.nanpercentile(c, 99):.2f}" for c in cells)
            lines.append(f"| {accuracy}, {ACCURACIES[accuracy]:g} mm | {way} | {time_s:g} s, {level:g} °C | {text} |")
    return lines


def share_table(found: Mapping[str, Sensitivities]) -> list[str]:
    """Rows of the table of shares: the motion, and what smaller and larger steps change of motion and volume."""
    others = [s for s in SHARES if s != USUAL]
    lines = [
        f"| accuracy | parameter | at | mm for {USUAL:.0%} | " + " | ".join(f"{100 * s:g} %" for s in others) + " |"
    ]
    lines.append("|---|---|---|--:|" + "--:|" * len(others))
    for accuracy, made in found.items():
        for name in BENCH:
            for motion in made.isotherms:
                row = made.row(f"{name}: {USUAL:g}")
                base, volume = motion.motion_mm_per_unit[row], motion.volume_ml_per_unit[row]
                cells = []
                for share in others:
                    other = made.row(f"{name}: {share:g}")
                    away = rms(motion.motion_mm_per_unit[other] - base) / rms(base)
                    cells.append(f"{away:.0%} / {abs(motion.volume_ml_per_unit[other] / volume - 1):.1%}")
                where = f"{motion.isotherm_c:g} °C"
                lines.append(f"| {accuracy} | {name} | {where} | {USUAL * rms(base):.4f} | {' | '.join(cells)} |")
    return lines


def draw(shifts: Mapping[tuple[str, str], Sensitivities], shares: Mapping[str, Sensitivities]) -> None:
    """Draw error against step: shifts by accuracy, then properties."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    for axis, accuracy in zip(axes, ("preview", "standard"), strict=False):
        made = shifts[accuracy, "along x"]
        for time_s, level in SEEN:
            off = np.nanpercentile(errors(made.at(time_s, level), SHIFTS["along x"]), 99, axis=1)
            axis.loglog(
                STEPS, off, marker="o", ms=3, ls="--" if time_s != 600 else "-", label=f"{level:g} °C, {time_s:g} s"
            )
        axis.axvline(0.5, color="0.7", lw=6, zorder=0)
        axis.set(xlabel="step up and down [voxels]", ylabel="99th percentile of the error [mm per mm]", ylim=(5e-3, 30))
        axis.set_title(f"Three probes shifted along x: {accuracy}, {ACCURACIES[accuracy]:g} mm")
        axis.legend(fontsize=8)
    made = shares["standard"]
    motion = made.at(600.0, 0.0)
    for name in BENCH:
        rows = [made.row(f"{name}: {s:g}") for s in SHARES]
        base = motion.motion_mm_per_unit[made.row(f"{name}: {USUAL:g}")]
        away = [rms(motion.motion_mm_per_unit[row] - base) / rms(base) for row in rows]
        shown = [(s, 100 * a) for s, a in zip(SHARES, away, strict=True) if s != USUAL]
        axes[2].loglog(*zip(*shown, strict=True), "o-", ms=3, label=name)
    axes[2].axvline(USUAL, color="0.7", lw=6, zorder=0)
    axes[2].set(xlabel="step up and down, share of the value", ylabel=f"motion away from that by {USUAL:.0%} [% rms]")
    axes[2].set_title("Properties: standard, 1 mm, 0 °C at 600 s")
    axes[2].legend(fontsize=8)
    figure.savefig(FIGURE, dpi=110)


def main() -> None:
    """Measure, draw, and put the tables where the page has its marks."""
    shifts: dict[tuple[str, str], Sensitivities] = {}
    for accuracy, way, steps in TRIED:
        shifts[accuracy, way] = shifted(accuracy, SHIFTS[way], steps)
        print(f"{accuracy}, {way}", flush=True)
    shares = {accuracy: varied(accuracy, ACCURACIES[accuracy]) for accuracy in ("preview", "standard")}
    draw(shifts, shares)
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (("shifts", shift_table(shifts)), ("shares", share_table(shares))):
        filled = f"<!-- {name} -->\n" + "\n".join(lines) + f"\n<!-- end of {name} -->"
        text = re.sub(f"<!-- {name} -->.*<!-- end of {name} -->", lambda _, f=filled: f, text, flags=re.DOTALL)
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.name} and {FIGURE.name}")


if __name__ == "__main__":
    main()

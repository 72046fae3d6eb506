"""Draw HU against what tissue holds and how it conducts, with the spread; put tables into the page of tissue from CT.

python scripts/write_hu_properties.py             (some seconds)
python scripts/write_hu_properties.py --check     only say whether the page's tables are up to date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

from iceball import anatomy, library
from iceball.anatomy import PropertySpread
from iceball.nouns import Case, Grid, Volume
from iceball.report.palette import INK, LINES

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the choice of Agg
from matplotlib.axes import Axes

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, FIGURE = DOCS / "concepts" / "tissue-from-ct.md", DOCS / "images" / "hu-properties.png"
HU = np.linspace(-200.0, 2000.0, 221)
BINS = 16
# What is drawn: a family of mixtures, what its legend says, the HU of its filling and of what it is without matrix.
FAMILIES = {"bone": "bone, marrow of a vertebra", "long bone": "bone, marrow of a long bone", "lesion": "lesion, by HU"}
SOFT = ("fat", "muscle")
PANELS = (  # field of Tissue, title, unit, factor
    ("conductivity_w_per_m_k", "Conductivity, unfrozen", "W/m/K", 1.0),
    ("frozen_conductivity_w_per_m_k", "Conductivity, frozen, -40 °C", "W/m/K", 1.0),
    ("heat_capacity_j_per_m3_k", "Heat capacity, unfrozen", "MJ/m³/K", 1e-6),
    ("frozen_heat_capacity_j_per_m3_k", "Heat capacity, frozen, -40 °C", "MJ/m³/K", 1e-6),
    ("latent_heat_j_per_m3", "Latent heat", "MJ/m³", 1e-6),
    ("solidus_c", "Solidus, and liquidus above it", "°C", 1.0),
    ("conductivity_ice_fraction", "Share of ice in the frozen conductivity", "1", 1.0),
    ("capacity_ice_fraction", "Share of ice in the frozen heat capacity", "1", 1.0),
    ("perfusion_w_per_m3_k", "Perfusion", "kW/m³/K", 1e-3),
    ("metabolic_heat_w_per_m3", "Metabolic heat", "kW/m³", 1e-3),
)
PARTS = ("mineral", "organic", "fat", "water")
TABLE_HU = (0, 100, 200, 400, 800, 1200, 1700)
TABLE_TISSUES = (
    *("fat", "muscle", "osteolytic_lesion", "bone, 0% matrix", "bone, 13% matrix", "bone, 47% matrix"),
    *("bone, 100% matrix", "long bone, 0% matrix", "lesion, 33% matrix", "lesion, 67% matrix"),
    *("cortex beside muscle, 33% matrix", "cortex beside fat, 33% matrix", "cortex beside lung, 33% matrix"),
)


def spread_of_everything() -> PropertySpread:
    """Spread of every tissue that a case without labels may hold."""
    grid = Grid(shape=(20, 20, 20), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
    hu = np.full(grid.shape, 50.0, dtype=np.float32)
    return anatomy.property_spread(anatomy.prepare(Case(id="any", ct=Volume(grid=grid, array=hu, quantity="hu"))))


def hu_of(family: str) -> np.ndarray:
    """(16,) HU of the steps of ``family``, from the row of what fills it to that of solid matrix."""
    rules = library.hu_rules()
    solid = rules["mineral_density"].value * rules["mineral_in_matrix_fraction"].value / rules["bmd_per_hu"].value
    filling = {"bone": "red_marrow_hu", "long bone": "yellow_marrow_hu", "lesion": "tumour_hu"}[family]
    return np.linspace(rules[filling].value, solid, BINS)


def steps(spread: PropertySpread, family: str) -> list[int]:
    """Rows of ``spread`` that are the steps of ``family``."""
    return [i for i, name in enumerate(spread.tissues) if name.startswith(f"{family},")]


def draw(spread: PropertySpread) -> None:
    """Draw the fractions and every property."""
    figure, axes = plt.subplots(4, 3, figsize=(13, 14), layout="constrained", sharex=True)
    for axis, long_bone in zip(axes[0, :2], (False, True), strict=True):
        _fractions(axis, long_bone=long_bone)
    for axis, panel in zip(axes.flat[2:], PANELS, strict=True):
        _property(axis, spread, *panel)
    axes[1, 0].legend(fontsize=8, loc="upper right")
    for axis in axes[-1]:
        axis.set_xlabel("HU")
    figure.savefig(FIGURE, dpi=90)
    plt.close(figure)


def _fractions(axis: Axes, *, long_bone: bool) -> None:
    middle, ends = anatomy.fractions(HU, long_bone=long_bone), anatomy.fraction_spread(HU, long_bone=long_bone)
    for part, colour in zip(PARTS, (INK, LINES[1], LINES[4], LINES[0]), strict=True):
        low, high = (getattr(end, f"{part}_fraction") for end in ends)
        axis.fill_between(HU, low, high, color=colour, alpha=0.2, lw=0)
        axis.plot(HU, getattr(middle, f"{part}_fraction"), color=colour, label=part)
    axis.set(title=f"Fractions by volume: {'long bone' if long_bone else 'vertebra, pelvis'}", ylim=(0, 1))
    axis.legend(fontsize=8, loc="upper right", ncols=2)


def _property(axis: Axes, spread: PropertySpread, field: str, title: str, unit: str, factor: float) -> None:
    for name in (field, "liquidus_c") if field == "solidus_c" else (field,):
        _lines(axis, spread, name, factor)
    axis.set(title=f"{title} [{unit}]")
    if field != "solidus_c":
        axis.set_ylim(bottom=0)


def _lines(axis: Axes, spread: PropertySpread, field: str, factor: float) -> None:
    column, rules = spread.properties.index(field), library.hu_rules()
    for (family, label), colour in zip(FAMILIES.items(), LINES, strict=False):
        rows, hu = steps(spread, family), hu_of(family)
        low, value, high = (factor * each[rows, column] for each in (spread.low, spread.values, spread.high))
        axis.fill_between(hu, low, high, color=colour, alpha=0.18, lw=0)
        axis.plot(hu, value, color=colour, marker=".", ms=4, label=label)
    for name, colour in zip(SOFT, LINES[4:1:-1], strict=False):
        row, hu = spread.tissues.index(name), rules[f"{name}_hu"].value
        low, value, high = (factor * each[row, column] for each in (spread.low, spread.values, spread.high))
        axis.errorbar(hu, value, [[value - low], [high - value]], color=colour, marker="s", ms=4, capsize=3, label=name)


def fraction_table() -> list[str]:
    """Rows of the table of fractions of a vertebra."""
    names = ("matrix", "mineral", "organic", "fat", "water")
    lines = [f"| HU | {' | '.join(names)} | mineral density [mg/ml] |", "|--:|" + "---|" * (len(names) + 1)]
    for hu in TABLE_HU:
        middle, ends = anatomy.fractions(float(hu)), anatomy.fraction_spread(float(hu))
        found = [[100 * float(getattr(each, f"{n}_fraction")) for each in (middle, *ends)] for n in names]
        cells = [_cell(each, " %") for each in found]
        cells.append(_cell([float(each.bmd_mg_per_ml) for each in (middle, *ends)]))
        lines.append(f"| {hu} | {' | '.join(cells)} |")
    return lines


def property_table(spread: PropertySpread) -> list[str]:
    """Rows of the table of properties, for some tissues."""
    shown = PANELS[:5]
    heads = [f"{title.replace(', -40 °C', '')} [{unit}]" for _, title, unit, _ in shown]
    lines = [f"| tissue | {' | '.join(heads)} |", "|---|" + "---|" * len(shown)]
    for name in TABLE_TISSUES:
        row, cells = spread.tissues.index(name), []
        for field, _, unit, factor in shown:
            column = spread.properties.index(field)
            found = [factor * float(each[row, column]) for each in (spread.values, spread.low, spread.high)]
            cells.append(_cell(found, digits=0 if unit == "MJ/m³" else 2))
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    return lines


def _cell(found: list[float], unit: str = "", digits: int = 0) -> str:
    value, low, high = (f"{number:.{digits}f}" for number in found)
    return f"{value}{unit} ({low} to {high})"


def page(spread: PropertySpread) -> str:
    """Return the page with its tables written anew."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (("fractions", fraction_table()), ("properties", property_table(spread))):
        filled = f"<!-- {name} -->\n\n" + "\n".join(lines) + f"\n\n<!-- end of {name} -->"
        text = re.sub(f"<!-- {name} -->.*<!-- end of {name} -->", lambda _, f=filled: f, text, flags=re.DOTALL)
    return text


def main() -> None:
    """Write the picture and the tables, or with --check only say whether the tables are up to date."""
    spread = spread_of_everything()
    text = page(spread)
    if "--check" in sys.argv[1:]:
        current = PAGE.read_text(encoding="utf-8")
        raise SystemExit(
            0 if current == text else f"{PAGE.name} is not up to date: python scripts/{Path(__file__).name}"
        )
    draw(spread)
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE.name} and {FIGURE.name}")


if __name__ == "__main__":
    main()

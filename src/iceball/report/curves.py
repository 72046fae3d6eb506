"""Draw temperatures over time: the structures at risk, the probes, the growing ice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from iceball import library
from iceball.nouns import Assessment, Plan, ThermalHistory
from iceball.report import palette
from iceball.report.pictures import png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMED = 6  # more lines than this cannot be told apart; the rest are thin and grey, and counted


def structure_curves(history: ThermalHistory, assessment: Assessment, plan: Plan) -> bytes:
    """PNG of the coldest temperature of each structure over time, with the limits of those that have one."""
    order = {clearance.structure: i for i, clearance in enumerate(assessment.clearances)}
    curves = sorted((c for c in history.structures if c.name in order), key=lambda c: order[c.name])
    figure, axes = _figure(2.15)
    minutes = history.time_s / 60.0
    for curve in curves[_NAMED:]:
        axes.plot(minutes, curve.coldest_c, color="#9aa4ad", lw=0.6)
    ends: list[tuple[float, str, str]] = []
    for curve, colour in zip(curves[:_NAMED], palette.LINES, strict=False):
        axes.plot(minutes, curve.coldest_c, color=colour, lw=1.5)
        ends.append((float(curve.coldest_c[-1]), f"{order[curve.name] + 1} {curve.name.replace('_', ' ')}", colour))
    if len(curves) > _NAMED:
        axes.text(
            0.5, 0.03, f"grey: {len(curves) - _NAMED} warmer structures", transform=axes.transAxes,
            ha="center", size=6.5, color="#5c6770",
        )  # fmt: skip
    _limit_lines(axes, assessment)
    _bands(axes, plan)
    axes.set_ylabel("coldest voxel [°C]", size=7)
    axes.set_xlabel("time [min]", size=7)
    _name_ends(axes, ends)
    return png(figure)


def probe_curves(history: ThermalHistory, plan: Plan) -> bytes:
    """PNG of each probe's surface temperature, the heat it takes, and the volume of ice, over time."""
    figure = Figure(figsize=(7.2, 1.75), facecolor="white")
    FigureCanvasAgg(figure)
    minutes = history.time_s / 60.0
    boxes = ((0.07, 0.22, 0.25, 0.66), (0.405, 0.22, 0.25, 0.66), (0.735, 0.22, 0.25, 0.66))
    titles = ("probe surface [°C]", "heat taken by the probe [W]", "ice [ml]")
    for box, title, field in zip(boxes, titles, ("surface_c", "heat_w", ""), strict=True):
        axes = figure.add_axes(box)
        _plain(axes)
        axes.set_title(title, size=7.5, loc="left", color=palette.INK)
        axes.set_xlabel("time [min]", size=7)
        if field:
            for curve, colour in zip(history.probes, palette.LINES * (len(history.probes) // 6 + 1), strict=False):
                axes.plot(minutes, getattr(curve, field), color=colour, lw=1.2, label=curve.label)
        else:
            axes.plot(minutes, history.ice_ml, color=palette.INK, lw=1.4)
        _bands(axes, plan, named=False)
        if field == "surface_c" and history.probes:
            axes.legend(fontsize=6, frameon=False, ncols=2 if len(history.probes) > 4 else 1)
    return png(figure)


def _figure(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, height_in), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.07, 0.155, 0.72, 0.77))
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.tick_params(labelsize=6.5, colors=palette.INK, length=2.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="#e3e7ea", lw=0.6)
    axes.set_axisbelow(True)


def _bands(axes: Axes, plan: Plan, *, named: bool = True) -> None:
    """Shade each step of the protocol: freezing blue, active thawing amber, passive thawing left white."""
    start_s = 0.0
    colours = {"freeze": "#dcecf7", "active thaw": "#fbe6cf", "passive thaw": "#ffffff"}
    for step in plan.protocol.steps:
        end_s = start_s + step.duration_s
        axes.axvspan(start_s / 60, end_s / 60, color=colours[step.kind], lw=0, zorder=0)
        if named:
            axes.text(
                (start_s + end_s) / 120, 1.015, step.kind, transform=axes.get_xaxis_transform(), size=6.5,
                ha="center", va="bottom", color="#5c6770",
            )  # fmt: skip
        start_s = end_s
    axes.set_xlim(0.0, start_s / 60)


def _limit_lines(axes: Axes, assessment: Assessment) -> None:
    """One dashed line for each temperature at which a limit in this run says something, named by whose it is."""
    styles = {"note": "#8a8f94", "caution": "#b36b00", "stop": "#b3261e"}
    drawn: dict[tuple[float, str], list[str]] = {}
    for key in dict.fromkeys(c.limit for c in assessment.clearances if c.limit):
        limit = library.limit(key)
        for word, row in (("note", limit.note_below), ("caution", limit.caution_below), ("stop", limit.stop_below)):
            if row is not None:
                drawn.setdefault((row.value, word), []).append(key.replace("_", " "))
    low, high = axes.get_ylim()
    for (value_c, word), keys in drawn.items():
        axes.axhline(value_c, color=styles[word], lw=0.8, ls=(0, (5, 3)))
        whose = ", ".join(keys) if len(keys) <= 2 else f"{keys[0]} and {len(keys) - 1} more"
        axes.text(
            0.005, value_c, f"{word} {value_c:g} °C ({whose})", transform=axes.get_yaxis_transform(), size=5.8,
            color=styles[word], va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    values = [value for value, _ in drawn]
    axes.set_ylim(min([low, *(v - 2.0 for v in values)]), max([high, *(v + 3.0 for v in values)]))


def _name_ends(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Write each line's name beside its last value, pushed apart until no two overlap."""
    low, high = axes.get_ylim()
    gap = 0.075 * (high - low)
    heights: list[float] = []
    ordered = sorted(ends)
    for value, _, _ in ordered:
        heights.append(max(value, heights[-1] + gap) if heights else value)
    shift = max(0.0, heights[-1] - high) if heights else 0.0
    for height, (value, name, colour) in zip(heights, ordered, strict=True):
        axes.annotate(
            name, xy=(1.0, value), xytext=(1.03, height - shift), xycoords=axes.get_yaxis_transform(),
            textcoords=axes.get_yaxis_transform(), size=6.8, color=colour, va="center", annotation_clip=False,
            arrowprops={
                "arrowstyle": "-", "lw": 0.5, "color": colour, "shrinkA": 0, "shrinkB": 0, "relpos": (0.0, 0.5),
            },
        )  # fmt: skip

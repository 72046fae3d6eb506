"""Draw a bench that has been run: its isotherms in two planes, and how they grow."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from iceball.nouns import PhantomMoment, PhantomResult
from iceball.report import palette
from iceball.report.pictures import png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from iceball.nouns import Cut

RIM_MM, STEP_MM = 6.0, 5.0
SOFT, LINE, MARK = "#5c6770", "#e3e7ea", "#b3261e"
NAME_PT, PANEL_PT = 6.5, 266.0  # height of a thermometer's name, and width of a panel, in points
BANDS = {"freeze": "#dcecf7", "active thaw": "#fbe6cf", "passive thaw": "#ffffff"}
# The palette of isotherms is made for grey CT; on white its light ones would vanish.
NEAR_K = 2.0  # isotherms nearer than this lie within a line's width where it is steep
ON_WHITE = ("#3a9fd6", "#b08900", "#e05a00", "#8a3ec9", "#5c6770")


def phantom_picture(result: PhantomResult) -> bytes:
    """PNG of the isotherms of ``result`` at its largest ice, across and along the probes, and of its curves over time.

    The warmest isotherm at the other times reported is drawn thin.
    """
    figure = Figure(figsize=(10.0, 7.4), facecolor="white")
    FigureCanvasAgg(figure)
    shown = max(result.moments, key=lambda moment: moment.whole[0].volume_ml)
    half = _half_mm(result, shown)
    for cut, left, title in (
        (shown.across, 0.065, "across mid active length"),
        (shown.along, 0.575, "along the probes"),
    ):
        axes = figure.add_axes((left, 0.385, 0.40, 0.50))
        _draw_cut(axes, result, cut, half)
        _draw_others(axes, result, shown, along=cut is shown.along)
        axes.set_anchor("W" if cut is shown.across else "E")
        axes.set_title(f"{title}, {shown.time_s / 60:.4g} min", size=9, loc="left", color=palette.INK)
        axes.set_xlabel("mm, tip to the right" if cut is shown.along else "mm", size=7.5)
    _legend(figure, result)
    _draw_curves(figure, result)
    figure.text(0.065, 0.972, result.bench.name or "bench", size=11, weight="bold", color=palette.INK, va="center")
    return png(figure)


def _colours(result: PhantomResult) -> dict[float, str]:
    levels = sorted(result.bench.isotherms_c, reverse=True)
    return {level: ON_WHITE[i % len(ON_WHITE)] for i, level in enumerate(levels)}


def _widths(result: PhantomResult) -> dict[float, float]:
    """Width of each isotherm's line, in shares of the usual one: of two that nearly coincide the warmer looks out."""
    levels = sorted(result.bench.isotherms_c, reverse=True)
    widths = dict.fromkeys(levels, 1.0)
    for warm, cold in itertools.pairwise(levels):
        if warm - cold < NEAR_K:
            widths[warm], widths[cold] = 2.1 * widths[warm], 0.8
    return widths


def _half_mm(result: PhantomResult, shown: PhantomMoment) -> float:
    """Half width [mm] of a view that holds all the ice and all active zones."""
    reach = [abs(x) for p in result.bench.probes for end in p.active_ends_mm for x in shown.along.flat(end)[:2]]
    for cut in (shown.across, shown.along):
        u, v = np.nonzero(np.nan_to_num(cut.temperature_c, nan=np.inf) <= max(result.bench.isotherms_c))
        reach += [float(np.abs(ticks[found]).max()) for ticks, found in ((cut.u_mm, u), (cut.v_mm, v)) if found.size]
    return STEP_MM * math.ceil((max(reach) + RIM_MM) / STEP_MM)


def _draw_cut(axes: Axes, result: PhantomResult, cut: Cut, half: float) -> None:
    shades = axes.imshow(
        cut.temperature_c.T,
        origin="lower",
        extent=(cut.u_mm[0], cut.u_mm[-1], cut.v_mm[0], cut.v_mm[-1]),
        cmap="Blues_r",
        vmin=-150.0,
        vmax=max(10.0, result.bench.start_c),
        alpha=0.45,
    )
    shades.set_zorder(0)
    for level, width in _widths(result).items():
        _contour(axes, cut, level, _colours(result)[level], 1.8 * width)
    _draw_layers(axes, result, cut)
    for probe in result.bench.probes:
        (a, b, _), (c, d, _) = (cut.flat(end) for end in probe.active_ends_mm)
        axes.plot([a, c], [b, d], color=palette.INK, lw=3.0, solid_capstyle="butt", zorder=5)
        if math.hypot(a - c, b - d) < 1.0:
            axes.plot(a, b, marker="o", ms=5, color=palette.INK, zorder=5)
        axes.annotate(probe.label, (a, b), (4, 4), textcoords="offset points", size=8, color=palette.INK, weight="bold")
    _draw_points(axes, result, cut, half)
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    axes.tick_params(labelsize=7, colors=palette.INK, length=2.5)
    axes.grid(color="#ffffff", lw=0.5, alpha=0.6)


def _draw_points(axes: Axes, result: PhantomResult, cut: Cut, half: float) -> None:
    """Mark the thermometers that lie in the plane; a name goes where no other name stands, if there is such a place."""
    taken: list[tuple[float, float, float]] = []
    for name, place in result.bench.points_mm:
        u, v, before = cut.flat(place)
        if abs(before) >= result.bench.spacing_mm or max(abs(u), abs(v)) >= half:
            continue
        axes.plot(u, v, marker="x", ms=5, color=MARK, zorder=6)
        across, wide = 2 * half / PANEL_PT, 0.75 * NAME_PT * len(name)  # mm in a point; a letter is 0.75 of its height
        beside = [(x, y) for y in (-10, 5, -20, 15) for x in (4, -4 - wide)]
        spots = [(u + x * across, v + y * across, wide * across) for x, y in beside]
        left, low, width = next((spot for spot in spots if not _meets(spot, taken, 1.3 * NAME_PT * across)), spots[0])
        taken.append((left, low, width))
        text = axes.text(left, low, name, size=NAME_PT, color=MARK, zorder=7)
        text.set_path_effects([Stroke(linewidth=1.8, foreground="#ffffff", alpha=0.8), Normal()])


def _meets(spot: tuple[float, float, float], taken: list[tuple[float, float, float]], high: float) -> bool:
    """Whether a text (left, low, width) would lie on one of ``taken``; all are ``high``."""
    left, low, width = spot
    return any(left < x + w and x < left + width and abs(low - y) < high for x, y, w in taken)


def _draw_others(axes: Axes, result: PhantomResult, shown: PhantomMoment, *, along: bool) -> None:
    """Draw the warmest isotherm at the other times, thin."""
    level = max(result.bench.isotherms_c)
    for moment in result.moments:
        if moment is not shown:
            _contour(axes, moment.along if along else moment.across, level, _colours(result)[level], 0.6)


def _contour(axes: Axes, cut: Cut, level: float, colour: str, width: float) -> None:
    values = np.ma.masked_invalid(cut.temperature_c.T)
    if values.min() < level < values.max():
        axes.contour(
            cut.u_mm, cut.v_mm, values, levels=[level], colors=[colour], linewidths=width, linestyles="solid"
        )  # fmt: skip


def _draw_layers(axes: Axes, result: PhantomResult, cut: Cut) -> None:
    """Draw where one medium meets the next: a line of constant z in the cut."""
    z = cut.middle_mm[2] + cut.u_mm[None, :] * cut.u_axis[2] + cut.v_mm[:, None] * cut.v_axis[2]
    boundary = result.bench.layers_from_z_mm
    for layer in result.bench.layers[:-1]:
        boundary += layer.thickness_mm or 0.0
        if z.min() < boundary < z.max():
            axes.contour(cut.u_mm, cut.v_mm, z, levels=[boundary], colors=[SOFT], linewidths=1.0, linestyles="dashed")


def _draw_curves(figure: Figure, result: PhantomResult) -> None:
    curves, minutes = result.curves, result.curves.time_s / 60
    titles = ("mean radius around each probe [mm]", "heat into each probe [W]", "temperature [°C]")
    panels = [figure.add_axes((left, 0.065, 0.26, 0.23)) for left in (0.065, 0.39, 0.715)]
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, size=8, loc="left", color=palette.INK)
        axes.set_xlabel("time [min]", size=7)
        _plain(axes, result, float(minutes[-1]))
    styles = ("solid", "dashed", "dotted", "dashdot")
    for p, probe in enumerate(result.bench.probes):
        style = styles[p % len(styles)]
        for level, width in _widths(result).items():
            radius, colour = curves.diameter_mm[p, result.bench.isotherms_c.index(level)] / 2, _colours(result)[level]
            panels[0].plot(minutes, radius, color=colour, lw=1.3 * width, ls=style)
        panels[1].plot(minutes, curves.heat_w[p], color=palette.INK, lw=1.2, ls=style, label=probe.label)
        surface = f"surface {probe.label}"
        panels[2].plot(minutes, curves.surface_c[p], color=palette.INK, lw=1.2, ls=style, label=surface)
    colours = itertools.cycle(palette.LINES)
    for (name, _), row in zip(result.bench.points_mm, curves.points_c, strict=True):
        panels[2].plot(minutes, row, color=next(colours), lw=1.2, label=name)
    for axes in panels[1:]:
        axes.legend(fontsize=6, frameon=False)
    panels[0].set_ylim(bottom=0)


def _plain(axes: Axes, result: PhantomResult, until_min: float) -> None:
    axes.tick_params(labelsize=6.5, colors=palette.INK, length=2.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    start_s = 0.0
    for step in result.bench.protocol.steps:
        axes.axvspan(start_s / 60, (start_s + step.duration_s) / 60, color=BANDS[step.kind], lw=0, zorder=0)
        start_s += step.duration_s
    axes.set_xlim(0.0, until_min)


def _legend(figure: Figure, result: PhantomResult) -> None:
    entries = [
        Line2D([], [], color=_colours(result)[level], lw=1.8 * width, label=f"{level:g} °C".replace("-", "−"))
        for level, width in _widths(result).items()
    ]
    if len(result.moments) > 1:
        warmest = max(result.bench.isotherms_c)
        label = f"{warmest:g} °C at the other times reported".replace("-", "−")
        entries.append(Line2D([], [], color=_colours(result)[warmest], lw=0.6, label=label))
    entries.append(Line2D([], [], color=palette.INK, lw=3.0, label="active zone"))
    figure.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(0.055, 0.958),
        ncols=len(entries),
        fontsize=7.5,
        frameon=False,
    )

"""Draw an ensemble: how likely each place gets cold, how the margin is distributed, and what it hangs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy.ndimage import gaussian_filter

from iceball.errors import InputError
from iceball.report import palette
from iceball.report.pictures import png
from iceball.report.planes import Plane, cut, three_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from iceball.ensemble import Ensemble, Influence
    from iceball.nouns import Case, Lesion, Plan

SHARES = (0.05, 0.5, 0.95)
# From light to dark on grey CT, as the isotherms of the report: sure places are drawn warm, doubtful ones pale.
COLOURS = ("#9be1ff", "#ffe14d", "#ff7a1a")
WINDOW_HU = (-300.0, 1100.0)
RIM_MM, STRONGEST = 14.0, 10
SOFT, BAR, FAINT = "#5c6770", "#0072b2", "#b9c4cc"
KIND_COLOURS = {"tissue": "#0072b2", "probe": "#d55e00", "placement": "#009e73"}


def doubt_picture(ensemble: Ensemble, case: Case, plan: Plan) -> bytes:
    """PNG of ``ensemble``: contours of probability on an axial cut, the least margin, and what it hangs on.

    Raises
    ------
    InputError : if the case has no lesion
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: there is nothing to draw")
    figure = Figure(figsize=(11.0, 7.0), facecolor="white")
    FigureCanvasAgg(figure)
    _slice(figure.add_axes((0.012, 0.125, 0.48, 0.48 * 11.0 / 7.0)), ensemble, case, case.lesion, plan)
    _margins(figure.add_axes((0.56, 0.66, 0.42, 0.22)), ensemble)
    strongest = [each for each in ensemble.influences if each.outcome == "least_margin_mm"][:STRONGEST]
    _tornado(figure.add_axes((0.735, 0.10, 0.245, 0.40)), strongest)
    _title(figure, ensemble)
    _legend(figure, ensemble)
    return png(figure)


def _slice(axes: Axes, ensemble: Ensemble, case: Case, lesion: Lesion, plan: Plan) -> None:
    plane = _plane(ensemble, lesion)
    half, ticks = plane.half_mm, plane.ticks_mm
    hu = np.nan_to_num(cut(case.ct, plane), nan=-1024.0)
    low, high = WINDOW_HU
    axes.imshow(hu, cmap="gray", vmin=low, vmax=high, origin="lower", extent=(-half, half, -half, half))
    share = np.nan_to_num(cut(ensemble.probability[ensemble.goal.isotherm_c], plane))
    for level, colour in zip(SHARES, COLOURS, strict=True):
        if share.min() < level < share.max():
            lines = axes.contour(ticks, ticks, share, levels=[level], colors=[colour], linewidths=1.8)
            lines.set_path_effects([withStroke(linewidth=3.0, foreground="#00000099")])
    _outline(axes, plane, np.nan_to_num(cut(lesion.mask, plane)) > 0, palette.LESION, "solid")
    _structures(axes, plane, ensemble, case)
    for placement in plan.placements:
        deep, shallow = placement.active_ends_mm
        for ends, width in (((placement.tip_mm, placement.entry_mm), 0.8), ((deep, shallow), 2.2)):
            line = plane.flat(np.array(ends))
            axes.plot(line[:, 0], line[:, 1], color="black", lw=width + 1.4)
            axes.plot(line[:, 0], line[:, 1], color=palette.PROBE, lw=width)
    axes.set(xlim=(-half, half), ylim=(-half, half), xticks=[], yticks=[])
    axes.set_title(f"axial, z = {plane.centre_mm[2]:.1f} mm".replace("-", "−"), size=8, color=SOFT, loc="left")
    for x, y, text in ((0.025, 0.5, "R"), (0.975, 0.5, "L"), (0.5, 0.97, "A"), (0.5, 0.03, "P")):
        axes.text(x, y, text, transform=axes.transAxes, color="white", size=8, weight="bold", ha="center", va="center")


def _structures(axes: Axes, plane: Plane, ensemble: Ensemble, case: Case) -> None:
    """Outline what is named in the distributions: structures that some member cooled."""
    if case.labels is None:
        return
    labels = np.nan_to_num(cut(case.labels, plane)).astype(int)
    cooled = {each.key.removeprefix("coldest_c_") for each in ensemble.spreads if each.key.startswith("coldest_c_")}
    for structure in case.structures:
        mask = labels == structure.label
        if structure.name not in cooled or not mask.any():
            continue
        _outline(axes, plane, mask, palette.STRUCTURE, "dashed")
        rows, columns = np.nonzero(mask)
        at = plane.ticks_mm[int(np.median(columns))], plane.ticks_mm[int(np.median(rows))]
        axes.text(
            *at, structure.name.replace("_", " "), color=palette.STRUCTURE_TEXT, size=7, ha="center", va="center",
            clip_on=True, path_effects=[withStroke(linewidth=1.4, foreground="#000000cc")],
        )  # fmt: skip


def _outline(axes: Axes, plane: Plane, mask: np.ndarray, colour: str, style: str) -> None:
    if mask.any() and not mask.all():
        soft = gaussian_filter(mask.astype(float), 1.0)  # rounds the drawn staircase only, no number is read from it
        axes.contour(plane.ticks_mm, plane.ticks_mm, soft, levels=[0.5], colors=[colour], linewidths=1.3,
                     linestyles=style)  # fmt: skip


def _plane(ensemble: Ensemble, lesion: Lesion) -> Plane:
    """The axial plane through the middle of the lesion, wide enough for all that may get cold."""
    inside = lesion.mask.grid.position_mm(np.argwhere(np.asarray(lesion.mask.array) > 0))
    volume = ensemble.probability[ensemble.goal.isotherm_c]
    cold = volume.grid.position_mm(np.argwhere(np.asarray(volume.array) >= SHARES[0]))
    places = np.concatenate([inside, cold])
    x, y, z = (float(v) for v in inside.mean(axis=0))
    half = float(np.abs(places - inside.mean(axis=0)).max()) + RIM_MM
    return three_planes((x, y, z), (x, y, z), half)[0]


def _margins(axes: Axes, ensemble: Ensemble) -> None:
    goal_c = ensemble.goal.isotherm_c
    values = ensemble.table.outcome("least_margin_mm")
    known = values[np.isfinite(values)]
    if known.size:
        axes.hist(known, bins="auto", color=FAINT, edgecolor="white", linewidth=0.6)
    plain = next(each for each in ensemble.spreads if each.key == "least_margin_mm")
    for value, style, says in ((plain.nominal, "-", "as planned"), (plain.median, "--", "median")):
        if value is not None:
            axes.axvline(value, color=palette.INK, lw=1.3, ls=style, label=f"{says} {value:+.1f} mm".replace("-", "−"))
    if len(known) < len(values):
        axes.plot([], [], " ", label=f"{len(values) - len(known)} members: nothing that cold")
    axes.axvline(0.0, color=palette.LESION, lw=1.0)
    axes.set_xlabel(f"least margin of {goal_c:g} °C [mm]; 0 is the lesion's border".replace("-", "−"), size=8)
    axes.set_ylabel("members", size=8)
    axes.legend(fontsize=7, frameon=False)
    _plain_axes(axes)


def _tornado(axes: Axes, strongest: Sequence[Influence]) -> None:
    for row, each in enumerate(reversed(strongest)):
        colour = KIND_COLOURS[each.kind] if each.told_apart else FAINT
        axes.barh(row, each.correlation, height=0.62, color=colour)
        axes.plot([each.low, each.high], [row, row], color=palette.INK, lw=0.9)
    axes.set_yticks(range(len(strongest)), [each.says for each in reversed(strongest)], size=7)
    axes.axvline(0.0, color=palette.INK, lw=0.8)
    axes.set_xlim(-1.0, 1.0)
    axes.set_xlabel("rank correlation with the least margin, 95 % interval", size=8)
    handles = [Line2D([], [], color=colour, lw=5, label=kind) for kind, colour in KIND_COLOURS.items()]
    handles.append(Line2D([], [], color=FAINT, lw=5, label="not told apart from chance"))
    axes.legend(handles=handles, fontsize=6.5, frameon=False, loc="lower right", bbox_to_anchor=(1.03, 0.99), ncols=4,
                handlelength=1.0, columnspacing=1.2)  # fmt: skip
    _plain_axes(axes)


def _plain_axes(axes: Axes) -> None:
    axes.tick_params(labelsize=7, color=SOFT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _title(figure: Figure, ensemble: Ensemble) -> None:
    chance = ensemble.chance("covered")
    interval = f"{chance.low_fraction:.0%} to {chance.high_fraction:.0%}"
    text = f"{chance.says}: {chance.probability_fraction:.0%} of {chance.of} members ({interval})".replace("-", "−")
    figure.text(0.012, 0.965, text, size=11, weight="bold", color=palette.INK, va="center")


def _legend(figure: Figure, ensemble: Ensemble) -> None:
    goal = f"{ensemble.goal.isotherm_c:g} °C".replace("-", "−")
    entries = [
        Line2D([], [], color=colour, lw=2.4, label=f"{level:.0%} of members reach {goal}")
        for level, colour in zip(SHARES, COLOURS, strict=True)
    ]
    entries += [
        Line2D([], [], color=palette.LESION, lw=1.8, label="lesion"),
        Line2D([], [], color=palette.STRUCTURE, lw=1.4, ls="--", label="at risk"),
    ]
    figure.legend(
        handles=entries, loc="lower left", bbox_to_anchor=(0.012, 0.03, 0.48, 0.06), mode="expand", ncols=3,
        fontsize=6.5, handlelength=1.5, facecolor="#3a4148", edgecolor="none", labelcolor="white", framealpha=1.0,
    )  # fmt: skip

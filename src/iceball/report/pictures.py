"""Draw the lesion, the ice, the probes and the structures at risk on the CT."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from scipy.ndimage import gaussian_filter

from iceball.errors import InputError
from iceball.nouns import Assessment, Case, Lesion, Placement, Plan, ThermalHistory
from iceball.nouns._noun import Point, array_noun
from iceball.report import palette
from iceball.report.planes import Plane, cut, three_planes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

DPI = 200
_WINDOW_HU = (-300.0, 1100.0)  # bone, wide enough to tell fat from muscle
_SMALLEST_MM, _LARGEST_MM, _RIM_MM = 38.0, 95.0, 10.0
_SIZE_IN = (7.2, 5.09)
# left, bottom, width, height: squares, the axial one as high as the two others with their gap
_BOXES_IN = ((0.0, 0.31, 4.78, 4.78), (4.84, 2.73, 2.36, 2.36), (4.84, 0.31, 2.36, 2.36))
_NEAR_MM = 4.0  # a probe this close to the plane is drawn full, farther away faint
_RIM_SHARE = 0.045  # of a picture's width: too near to its edge for the name of a structure
_MARKS_SHARE = ((0.025, 0.5), (0.975, 0.5), (0.5, 0.97), (0.5, 0.03))  # where left, right, top and bottom are named
_MARK_SHARE = 0.0225  # half a letter of such a name
_LETTER_SHARE = 0.016  # a letter of a structure's name, of the axial picture's width
HALO = [withStroke(linewidth=2.6, foreground="#000000cc")]
TEXT_HALO = [withStroke(linewidth=2.0, foreground="#000000dd")]


@array_noun
class Scene:
    """All that is drawn. ``tags`` names each structure that may be outlined: its label number to its text."""

    case: Case
    lesion: Lesion
    plan: Plan
    history: ThermalHistory
    isotherms_c: tuple[float, ...]
    goal_c: float
    tags: Mapping[int, str]


def scene_of(case: Case, plan: Plan, history: ThermalHistory, assessment: Assessment, goal_c: float) -> Scene:
    """Gather what is drawn; structures carry the number they have in the table of clearances, and their name.

    Raises
    ------
    InputError : if the case has no lesion
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: there is nothing to report on")
    numbers = {clearance.structure: i for i, clearance in enumerate(assessment.clearances, start=1)}
    tags = {
        structure.label: f"{numbers[structure.name]} {structure.name.replace('_', ' ')}"
        for structure in case.structures
        if structure.name in numbers
    }
    levels = tuple(result.isotherm_c for result in assessment.isotherms)
    return Scene(
        case=case, lesion=case.lesion, plan=plan, history=history, isotherms_c=levels, goal_c=goal_c, tags=tags
    )


def picture(scene: Scene, through_mm: Point, *, mark: bool) -> bytes:
    """PNG of three cuts through ``through_mm`` [mm]: a large axial one, a coronal and a sagittal one beside it.

    With ``mark`` the place itself gets a cross.
    """
    middle_mm, half_mm = view(scene)
    planes = three_planes(through_mm, middle_mm, half_mm)
    figure = Figure(figsize=_SIZE_IN, facecolor="white")
    FigureCanvasAgg(figure)
    for plane, box in zip(planes, _BOXES_IN, strict=True):
        axes = figure.add_axes(tuple(np.array(box) / (*_SIZE_IN, *_SIZE_IN)))
        draw(axes, scene, plane)
        if mark:
            u, v, _ = plane.flat(np.asarray(through_mm))
            axes.plot(u, v, marker="+", ms=11, mew=1.6, color="white", path_effects=HALO)
    legend(figure, scene, mark=mark)
    return png(figure)


def png(figure: Figure) -> bytes:
    """Return ``figure`` as the bytes of a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def view(scene: Scene) -> tuple[Point, float]:
    """Middle [mm] and half width [mm] of a view that holds the lesion and all the ice, within reason."""
    mask, coldest = scene.lesion.mask, scene.history.coldest
    places = [mask.grid.position_mm(np.argwhere(mask.array))]
    frozen = np.argwhere(coldest.array <= max(scene.isotherms_c))
    if len(frozen):
        places.append(coldest.grid.position_mm(frozen))
    low = np.min([p.min(axis=0) for p in places], axis=0)
    high = np.max([p.max(axis=0) for p in places], axis=0)
    x, y, z = (float(value) for value in (low + high) / 2)
    half = float(np.max(high - low)) / 2 + _RIM_MM
    return (x, y, z), min(max(half, _SMALLEST_MM), _LARGEST_MM)


def draw(axes: Axes, scene: Scene, plane: Plane) -> None:
    """Draw the CT on ``plane``, and on it isotherms, lesion, structures and probes."""
    half, ticks = plane.half_mm, plane.ticks_mm
    hu = np.nan_to_num(cut(scene.case.ct, plane), nan=-1024.0)
    extent = (-half, half, -half, half)
    low, high = _WINDOW_HU
    axes.imshow(hu, cmap="gray", vmin=low, vmax=high, origin="lower", extent=extent, interpolation="bilinear")
    _isotherms(axes, scene, plane)
    outline(axes, ticks, np.nan_to_num(cut(scene.lesion.mask, plane)) > 0, palette.LESION, "solid")
    _structures(axes, scene, plane)
    taken: list[tuple[float, float]] = []
    for placement in scene.plan.placements:
        _probe(axes, placement, plane)
        taken.append(_probe_label(axes, placement, plane, taken))
    _furniture(axes, plane)


def _isotherms(axes: Axes, scene: Scene, plane: Plane) -> None:
    cold, ticks = np.ma.masked_invalid(cut(scene.history.coldest, plane)), plane.ticks_mm
    for level, colour in palette.isotherm_colours(scene.isotherms_c).items():
        if cold.count() and cold.min() < level < cold.max():
            width = 2.0 if level == scene.goal_c else 1.2
            lines = axes.contour(ticks, ticks, cold, levels=[level], colors=[colour], linewidths=width,
                                 linestyles="solid")  # fmt: skip
            lines.set_path_effects([withStroke(linewidth=width + 1.2, foreground="#00000099")])


def outline(axes: Axes, ticks: NDArray[np.float64], mask: NDArray[np.bool_], colour: str, style: str) -> None:
    """Draw the edge of ``mask`` (N, N) on a plane with these ``ticks`` [mm]."""
    if mask.any() and not mask.all():
        # The edge of a nearest-neighbour cut is a staircase of voxels; half a millimetre of blur rounds the drawn
        # line only. No number is read from it.
        soft = gaussian_filter(mask.astype(float), 1.0)
        lines = axes.contour(ticks, ticks, soft, levels=[0.5], colors=[colour], linewidths=1.3, linestyles=style)
        lines.set_path_effects([withStroke(linewidth=2.4, foreground="#00000088")])


def _structures(axes: Axes, scene: Scene, plane: Plane) -> None:
    if scene.case.labels is None:
        return
    labels = np.nan_to_num(cut(scene.case.labels, plane)).astype(int)
    large = plane.name == "axial"
    for number, tag in scene.tags.items():
        mask = labels == number
        if np.count_nonzero(mask) < 12:  # less than 3 mm² of it is in sight
            continue
        outline(axes, plane.ticks_mm, mask, palette.STRUCTURE, "dashed")
        text = tag if large and len(scene.tags) <= 8 else tag.split()[0]
        u, v = _place_of_tag(mask, plane)
        if large:  # the whole name stays in the picture
            room = plane.half_mm * max(0.0, 1.0 - _LETTER_SHARE * len(text))
            u = min(max(u, -room), room)
        axes.text(
            u, v, text, color=palette.STRUCTURE_TEXT, size=7, weight="bold", ha="center", va="center",
            path_effects=[withStroke(linewidth=1.2, foreground="#000000cc")], clip_on=True,
        )  # fmt: skip


def _place_of_tag(mask: NDArray[np.bool_], plane: Plane) -> tuple[float, float]:
    """Where a structure is named [mm]: as near to its middle as may be without meeting the rim or what stands there."""
    rows, columns = np.nonzero(mask)
    away = (rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2
    x, y = (0.5 + plane.ticks_mm[index] / (2 * plane.half_mm) for index in (columns, rows))
    taken = (np.minimum(x, y) < _RIM_SHARE) | (np.maximum(x, y) > 1 - _RIM_SHARE) | ((x < 0.36) & (y > 0.86))
    for across, up in _MARKS_SHARE:
        taken |= np.hypot(x - across, y - up) < 1.5 * _RIM_SHARE
    middle = int(np.argmin(np.where(taken & ~taken.all(), np.inf, away)))
    return float(plane.ticks_mm[columns[middle]]), float(plane.ticks_mm[rows[middle]])


def _probe(axes: Axes, placement: Placement, plane: Plane) -> None:
    """Project the shaft onto the plane: full where it lies close to it, faint elsewhere; the active zone is thick."""
    deep, shallow = placement.active_ends_mm
    for start, end, width in ((placement.tip_mm, placement.entry_mm, 0.9), (deep, shallow, 2.4)):
        line = plane.flat(np.linspace(start, end, 81))
        pieces = np.stack([line[:-1, :2], line[1:, :2]], axis=1)
        near = np.abs(0.5 * (line[:-1, 2] + line[1:, 2])) <= _NEAR_MM
        for part, alpha in ((pieces[~near], 0.35), (pieces[near], 1.0)):
            if len(part):
                for colour, extra in (("black", 1.4), (palette.PROBE, 0.0)):
                    axes.add_collection(
                        LineCollection(list(part), colors=colour, linewidths=width + extra, alpha=alpha), autolim=False
                    )


def _probe_label(
    axes: Axes, placement: Placement, plane: Plane, taken: list[tuple[float, float]]
) -> tuple[float, float]:
    """Write the probe's letter before its tip, beside the letters already there; returns where it stands [mm]."""
    tip = plane.flat(np.asarray(placement.tip_mm))[:2]
    along = tip - plane.flat(np.asarray(placement.active_ends_mm[1]))[:2]
    u, v = tip + 0.05 * plane.half_mm * along / max(float(np.hypot(*along)), 1e-6)
    while any(np.hypot(u - a, v - b) < 0.085 * plane.half_mm for a, b in taken):
        u += 0.09 * plane.half_mm
    axes.text(
        float(u), float(v), placement.label, color="black", size=6.5, weight="bold", ha="center", va="center",
        clip_on=True,
        bbox={"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": "black", "linewidth": 0.6},
    )  # fmt: skip
    return float(u), float(v)


def _furniture(axes: Axes, plane: Plane) -> None:
    """Orientation marks, the plane's name and a scale bar of 20 mm."""
    half = plane.half_mm
    axes.set(xlim=(-half, half), ylim=(-half, half), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    left, right, top, bottom = plane.marks
    for (x, y), text in zip(_MARKS_SHARE, (left, right, top, bottom), strict=True):
        room = _MARK_SHARE * len(text)
        axes.text(
            min(max(x, room), 1.0 - room), y, text, transform=axes.transAxes, color="white", size=8, weight="bold",
            ha="center", va="center", path_effects=TEXT_HALO,
        )  # fmt: skip
    axes.text(
        0.02, 0.98, _title(plane), transform=axes.transAxes, color="white", size=6.5, ha="left", va="top",
        path_effects=TEXT_HALO,
    )  # fmt: skip
    right_mm, low_mm = 0.93 * half, -0.93 * half
    axes.plot([right_mm - 20.0, right_mm], [low_mm, low_mm], color="white", lw=1.8, path_effects=HALO)
    axes.text(
        right_mm - 10.0, low_mm + 0.02 * half, "20 mm", color="white", size=6, ha="center", va="bottom",
        path_effects=TEXT_HALO,
    )  # fmt: skip


def _title(plane: Plane) -> str:
    if plane.name not in ("axial", "coronal", "sagittal"):
        return plane.name
    axis, value = {"axial": ("z", 2), "coronal": ("y", 1), "sagittal": ("x", 0)}[plane.name]
    return f"{plane.name}\n{axis} = {plane.centre_mm[value]:.1f} mm".replace("-", "−")


def legend(figure: Figure, scene: Scene, *, mark: bool, more: Sequence[Line2D] = ()) -> None:
    """Say along the lower edge what the lines are; ``more`` lines come last."""
    entries = [Line2D([], [], color=palette.LESION, lw=1.8, label="lesion")]
    for level, colour in palette.isotherm_colours(scene.isotherms_c).items():
        says = " (visible ice)" if level == 0 else " (goal)" if level == scene.goal_c else ""
        entries.append(Line2D([], [], color=colour, lw=2.4, label=f"{level:g} °C{says}".replace("-", "−")))
    entries.append(Line2D([], [], color=palette.STRUCTURE, lw=1.4, ls="--", label="structure at risk"))
    entries.append(Line2D([], [], color=palette.PROBE, lw=3.0, label="probe, active zone thick"))
    if mark:
        entries.append(Line2D([], [], color="white", marker="+", ls="", ms=8, mew=1.6, label="worst place"))
    entries += more
    figure.legend(
        handles=entries, loc="lower left", bbox_to_anchor=(0.0, 0.0, 1.0, 0.05), mode="expand", ncols=len(entries),
        fontsize=6.5, handlelength=1.5, frameon=True, facecolor="#3a4148", edgecolor="none", labelcolor="white",
        borderpad=0.55, borderaxespad=0.0, fancybox=False, framealpha=1.0,
    )  # fmt: skip

"""A picture of a plan: the CT with probes, ice, lesion, what is at risk and what protects it."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from iceball import anatomy, library
from iceball.errors import InputError
from iceball.nouns import Ball, Capsule, Drawn, Sensor
from iceball.provenance import RESEARCH_USE
from iceball.report import palette
from iceball.report.pictures import HALO, Scene, draw, legend, outline, png, view
from iceball.report.planes import Plane, cut, probe_planes, three_planes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from iceball.nouns import Assessment, Case, Goal, Region, ThermalHistory
    from iceball.nouns._noun import Point
    from iceball.planning import Option

_SIZE_IN = (7.2, 6.0)
_BOXES_IN = ((0.0, 0.31, 4.78, 4.78), (4.84, 2.73, 2.36, 2.36), (4.84, 0.31, 2.36, 2.36))
_TITLE_IN, _LINE_IN = 5.84, 0.16  # where the title stands, and how far apart the lines under it are
_MOST_TAGS, _WIDE, _MOST_LINES = 8, 130, 2  # structures that are named; letters in a line
_NEAR_MM = 6.0  # a thermometer this close to the plane is drawn


def plan_picture(case: Case, option: Option, history: ThermalHistory, goal: Goal) -> bytes:
    """PNG of ``option`` on the CT of ``case``: an axial cut through the lesion, one along and one across the probes.

    Structures are drawn where the plan's protections leave them; ``history`` is a run of the plan with its isotherms.

    Raises
    ------
    InputError : if the case has no lesion
    """
    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion: there is no plan to draw")
    moved = anatomy.displaced(case, option.plan.protections)
    levels = {row.value for row in library.isotherms()} | {goal.isotherm_c}
    scene = Scene(
        case=moved,
        lesion=case.lesion,
        plan=option.plan,
        history=history,
        isotherms_c=tuple(sorted(levels, reverse=True)),
        goal_c=goal.isotherm_c,
        tags=_tags(moved, option.assessment),
    )
    figure = Figure(figsize=_SIZE_IN, facecolor="white")
    FigureCanvasAgg(figure)
    for plane, box in zip(_planes(scene), _BOXES_IN, strict=True):
        axes = figure.add_axes(tuple(np.array(box) / (*_SIZE_IN, *_SIZE_IN)))
        draw(axes, scene, plane)
        _protections(axes, scene, plane)
    _head(figure, scene, option)
    legend(figure, scene, mark=False, more=_entries(scene))
    return png(figure)


def _tags(case: Case, judged: Assessment | None) -> dict[int, str]:
    """Number and name of the structures nearest to the lesion, by label."""
    if judged is None:
        return {}
    far = [(c.distance_to_lesion_mm, c.structure) for c in judged.clearances if c.distance_to_lesion_mm is not None]
    names = [name for _, name in sorted(far)[:_MOST_TAGS]]
    labels = {structure.name: structure.label for structure in case.structures}
    return {labels[name]: f"{n} {name.replace('_', ' ')}" for n, name in enumerate(names, 1) if name in labels}


def _planes(scene: Scene) -> tuple[Plane, Plane, Plane]:
    middle_mm, half_mm = view(scene)
    grid, mask = scene.lesion.mask.grid, np.asarray(scene.lesion.mask.array)
    x, y, z = (float(value) for value in grid.position_mm(np.argwhere(mask)).mean(axis=0))
    axial = three_planes((x, y, z), middle_mm, half_mm)[0]
    placements = scene.plan.placements
    outward = np.mean([_unit(np.subtract(p.entry_mm, p.tip_mm)) for p in placements], axis=0)
    middles = np.array([np.mean(p.active_ends_mm, axis=0) for p in placements])
    along, across = probe_planes(_point(outward), _point(_spread(middles, outward)), (x, y, z), half_mm)
    return axial, along, across


def _spread(middles_mm: NDArray[np.float64], outward: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction (3,) across ``outward`` in which the probes' middles (P, 3) [mm] lie farthest apart."""
    away = middles_mm - middles_mm.mean(axis=0)
    way = _unit(outward)
    aside = away - (away @ way)[:, None] * way
    if len(aside) < 2:
        return np.zeros(3)
    return np.linalg.svd(aside, full_matrices=False)[2][0] * float(np.ptp(aside) > 0)


def _unit(vector: NDArray[Any]) -> NDArray[np.float64]:
    return vector / np.linalg.norm(vector)


def _point(vector: NDArray[Any]) -> Point:
    x, y, z = (float(value) for value in vector)
    return x, y, z


def _protections(axes: Axes, scene: Scene, plane: Plane) -> None:
    """Outline what is filled or kept warm; a cross where a thermometer lies close to the plane."""
    for each in scene.plan.protections:
        if isinstance(each, Sensor):
            u, v, off = plane.flat(np.asarray(each.at_mm))
            if abs(off) <= _NEAR_MM and max(abs(u), abs(v)) < plane.half_mm:
                axes.plot(u, v, marker="x", ms=6, mew=1.6, color=palette.PROTECTION, path_effects=HALO)
        else:
            outline(axes, plane.ticks_mm, _inside(each.region, scene.case, plane), palette.PROTECTION, "dotted")


def _inside(region: Region, case: Case, plane: Plane) -> NDArray[np.bool_]:
    """Where (N, N) ``plane`` lies in ``region``."""
    points = plane.points_mm()
    if isinstance(region, Ball):
        return np.linalg.norm(points - np.asarray(region.centre_mm), axis=-1) <= region.radius_mm
    if isinstance(region, Capsule):
        start, way = np.asarray(region.start_mm), np.subtract(region.end_mm, region.start_mm)
        share = np.clip((points - start) @ way / max(float(way @ way), 1e-9), 0.0, 1.0)
        return np.linalg.norm(points - start - share[..., None] * way, axis=-1) <= region.radius_mm
    assert isinstance(region, Drawn)
    if case.labels is None:
        return np.zeros(points.shape[:2], dtype=bool)
    return np.nan_to_num(cut(case.labels, plane)) == case.structure(region.structure).label


def _entries(scene: Scene) -> list[Line2D]:
    """Lines of the legend for protections, where there are any."""
    kinds = scene.plan.protections
    made = []
    if any(not isinstance(each, Sensor) for each in kinds):
        made.append(Line2D([], [], color=palette.PROTECTION, lw=1.4, ls=":", label="protection"))
    if any(isinstance(each, Sensor) for each in kinds):
        made.append(Line2D([], [], color=palette.PROTECTION, marker="x", ls="", ms=6, mew=1.6, label="thermometer"))
    return made


def _head(figure: Figure, scene: Scene, option: Option) -> None:
    """Title, what the plan comes to, and how cold the numbered structures get."""
    cold = {} if option.assessment is None else {c.structure: c.coldest_c for c in option.assessment.clearances}
    names = {structure.label: structure.name for structure in scene.case.structures}
    told = [
        f"{tag} {cold[names[label]]:.0f} °C".replace("-", "−")
        for label, tag in scene.tags.items()
        if names[label] in cold
    ]
    left = 0.04 / _SIZE_IN[0]
    title = f"{scene.case.id}: {option.name} plan"
    lines = [option.says, *_lines(told), f"Ice as preview accuracy freezes it. {RESEARCH_USE}"]
    figure.text(left, _TITLE_IN / _SIZE_IN[1], title, size=8.5, weight="bold", color=palette.INK, va="center")
    for n, line in enumerate(lines, 1):
        at = (_TITLE_IN - n * _LINE_IN) / _SIZE_IN[1]
        figure.text(left, at, line, size=6.0, color=palette.INK, va="center")


def _lines(told: list[str]) -> list[str]:
    """``told`` in as many lines as there is room for."""
    solid = "; ".join(each.replace(" ", "\N{NO-BREAK SPACE}") for each in told)  # a number stays with its name
    return wrap(solid, _WIDE)[:_MOST_LINES]

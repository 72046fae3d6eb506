"""The figure of docs/concepts/measures-that-decide.md: how each thing is measured, drawn on phantoms."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from bone_phantoms import Tube, hip_case, tube_case
from matplotlib.axes import Axes
from spine_phantoms import Spine, spine_case

from iceball import library
from iceball.anatomy.measures._boxes import Boxes
from iceball.anatomy.measures._canal import canal_in
from iceball.anatomy.measures._distances import Distances
from iceball.anatomy.measures._host import find_host
from iceball.anatomy.measures._involvement import involvement
from iceball.anatomy.measures._joints import facing, partners
from iceball.anatomy.measures._part import part_of
from iceball.anatomy.measures._shell import shell
from iceball.anatomy.measures._unroll import unroll
from iceball.anatomy.measures._vertebra import Vertebra, frame_of, in_body, in_posterolateral

SHOWN = {"cmap": "gray", "vmin": -150, "vmax": 1300, "origin": "lower"}
RED, BLUE, YELLOW, GREEN = "#d62728", "#1f77b4", "#ffbf00", "#2ca02c"


def draw(file: Path) -> None:
    """Draw the figure into ``file``."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 9.5), layout="constrained")
    _tube(axes[0, 0], axes[0, 1])
    _vertebra(axes[1, 0])
    _roof(axes[1, 1])
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=90)
    plt.close(figure)


def _tube(section: Axes, unrolled: Axes) -> None:
    """A section of a shaft with its rays, and the shaft unrolled."""
    part = part_of(tube_case(Tube(axis=(0, 0, 1), notch_mm=26, notch_fraction=0.3, half_mm=48), (0.7, 0.7, 1.5)))
    rules = library.measure_rules()
    bone = unroll(part, part.labelled(75), from_mm=rules["reference_from_mm"].value, length_mm=25)
    assert bone is not None
    found = involvement(bone)
    assert found is not None
    middle = int(np.abs(bone.along_mm - bone.along_mm[bone.lesion_sections].mean()).argmin())
    k = round(float(part.index(bone.centre_mm[middle])[2]))
    section.imshow(part.hu[:, :, k].T, extent=_extent(part), **SHOWN)
    x, y = bone.centre_mm[middle, :2]
    points = _ring(bone, middle)
    for ray in range(0, len(points), 4):
        colour = RED if found.involved[middle, ray] else GREEN
        section.plot([x, points[ray, 0]], [y, points[ray, 1]], color=colour, lw=0.8)
    section.set(xlim=(x - 24, x + 24), ylim=(y - 24, y + 24), xlabel="mm", ylabel="mm")
    section.set_title("Long bone: rays from its axis to its surface.\nRed: breached or thinned beside the lesion")
    along = bone.along_mm - bone.along_mm[middle]
    picture = unrolled.imshow(
        100 * found.left_fraction, extent=(0, 360, along[0], along[-1]), aspect="auto", origin="lower", vmin=0, vmax=120
    )
    unrolled.contour(np.degrees(bone.angle_rad), along, found.involved, [0.5], colors=RED, linewidths=1.5)
    unrolled.set(ylim=(-34, 34), xlabel="angle about the axis [°]", ylabel="along the axis [mm]")
    unrolled.set_title(
        f"The same, unrolled: {found.axial_mm:.0f} mm along, {found.circumference_fraction:.0%} around\n"
        "(made with 26 mm and 30 %)"
    )
    unrolled.figure.colorbar(picture, ax=unrolled, label="cortex left against the bone above and below [%]")


def _ring(bone, middle):
    axis = bone.axis
    helper = np.eye(3)[int(np.abs(axis).argmin())]
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    second = np.cross(axis, first)
    away = np.cos(bone.angle_rad)[:, None] * first + np.sin(bone.angle_rad)[:, None] * second
    return bone.centre_mm[middle] + bone.outer_mm[middle][:, None] * away


def _vertebra(axes: Axes) -> None:
    """An axial section of a vertebra: its body, the bone beside the canal, and the rays at the posterior wall."""
    case = spine_case(Spine(), (0.7, 0.7, 1.5))
    part = part_of(case)
    canal = canal_in(case, part.slices)
    assert canal is not None
    bone = part.labelled(29)
    frame = frame_of(part, bone, canal.mask)
    assert frame is not None
    own = Vertebra(part=part, bone=bone, frame=frame)
    k = round(float(part.index(frame.origin_mm)[2]))
    index = np.argwhere(bone[:, :, k])
    level = np.column_stack([index, np.full(len(index), k)])
    places = own.frame.places(part.mm(level))
    reach = library.measure_rules()["posterolateral_reach_mm"].value
    axes.imshow(part.hu[:, :, k].T, extent=_extent(part), **SHOWN | {"origin": "lower"})
    for which, colour in ((in_body(frame, places), BLUE), (in_posterolateral(frame, places, reach), YELLOW)):
        mm = part.mm(level[which])
        axes.scatter(mm[:, 0], mm[:, 1], s=5, color=colour, alpha=0.35, linewidths=0)
    lesion = np.column_stack([np.argwhere(part.lesion[:, :, k])])
    met = part.mm(np.column_stack([lesion, np.full(len(lesion), k)]))
    axes.scatter(met[:, 0], met[:, 1], s=5, color=RED, alpha=0.35, linewidths=0)
    for aside in np.arange(-0.8 * frame.side_mm, 0.8 * frame.side_mm, 2.0):
        start = frame.origin_mm + aside * frame.left + (frame.front_mm - 2) * frame.forward
        end = start + 6 * frame.forward
        axes.annotate("", end[:2], start[:2], arrowprops={"arrowstyle": "->", "color": GREEN, "lw": 1.0})
    axes.invert_yaxis()
    axes.set(xlabel="mm", ylabel="mm")
    axes.set_title(
        "Vertebra: body (blue), bone beside the canal (yellow),\nlesion (red), rays at the canal's front wall (green)"
    )


def _roof(axes: Axes) -> None:
    """A coronal section of the hip: the roof, the joint, and the surface that the lesion meets."""
    part = part_of(hip_case((0.0, 0.0, 36.0), 11.5))
    there = Distances(part, Boxes(part.case))
    host = find_host(part)
    assert host.structure is not None
    joint = facing(there, host.structure, partners(there, host)[0])
    found = shell(part, host, there.surface)
    assert found is not None
    y = float(part.mm(np.array([0, part.lesion.shape[1] // 2, 0]))[1])
    j = round(float(part.index(np.array([0.0, y, 0.0]))[1]))
    spacing = part.spacing_mm
    low, high = part.mm(np.zeros(3)), part.mm(np.asarray(part.lesion.shape) - 1)
    extent = (
        low[0] - spacing[0] / 2, high[0] + spacing[0] / 2, low[2] - spacing[2] / 2, high[2] + spacing[2] / 2,
    )  # fmt: skip
    axes.imshow(part.hu[:, j].T, extent=extent, **SHOWN)
    near = np.abs(joint[:, 1] - y) <= 0.6
    axes.scatter(joint[near, 0], joint[near, 2], s=7, color=YELLOW, label="faces the femur: the joint")
    hole = found.left_fraction < library.measure_rules()["breached_cortex_fraction"].value
    here = np.abs(found.points_mm[:, 1] - y) <= 0.6
    for which, colour, says in ((here & ~hole, GREEN, "meets the lesion, stands"), (here & hole, RED, "breached")):
        axes.scatter(found.points_mm[which, 0], found.points_mm[which, 2], s=9, color=colour, label=says)
    axes.contour(
        np.linspace(low[0], high[0], part.lesion.shape[0]),
        np.linspace(low[2], high[2], part.lesion.shape[2]),
        part.lesion[:, j].T,
        [0.5],
        colors="white",
        linewidths=0.8,
    )
    axes.legend(loc="upper right", fontsize=8)
    axes.set(xlabel="mm", ylabel="mm")
    axes.set_title("Acetabulum: cortex along the surface's normals\nwhere the lesion (white) lies beside it")


def _extent(part) -> tuple[float, float, float, float]:
    low, high = part.mm(np.zeros(3)), part.mm(np.asarray(part.lesion.shape) - 1)
    half = part.spacing_mm / 2
    return low[0] - half[0], high[0] + half[0], low[1] - half[1], high[1] + half[1]

"""A picture of a marked lesion: three planes through its middle, with its outline."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from iceball.errors import InputError

if TYPE_CHECKING:
    from iceball.nouns import Case
    from iceball.nouns._noun import Point

REACH_MM, LOW_HU, HIGH_HU = 45.0, -250.0, 900.0  # what is shown around the lesion; a window for bone


def lesion_picture(case: Case, title: str, *, box_mm: tuple[Point, Point] | None = None) -> bytes:
    """PNG of the lesion of ``case`` on the CT: axial, coronal, sagittal; the patient's right is on the left.

    ``box_mm``, two corners in LPS [mm], is drawn too where it is given; the planes then go through its middle.

    Raises
    ------
    InputError : if the case has no lesion
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if case.lesion is None:
        raise InputError(f"case {case.id} has no lesion to draw: mark one with `iceball lesion`")
    figure = Figure(figsize=(9.6, 3.7), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=9)
    mask = np.asarray(case.lesion.mask.array) > 0
    box = None if box_mm is None else case.ct.grid.index_of(np.array(box_mm))
    middle = np.rint((np.argwhere(mask) if box is None else box).mean(axis=0)).astype(int)
    for axes, name, axis in zip(figure.subplots(1, 3), ("axial", "coronal", "sagittal"), (2, 1, 0), strict=True):
        _plane(axes, case, mask, middle, axis)
        if box is not None:
            _box(axes, case, box, middle, axis)
        axes.set_title(name, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _box(axes: Any, case: Case, box: Any, middle: Any, axis: int) -> None:
    """Draw the outline of the box with the corner indices ``box`` (2, 3)."""
    from matplotlib.patches import Rectangle

    spacing = np.asarray(case.ct.grid.spacing_mm)
    low = np.maximum(middle - np.ceil(REACH_MM / spacing), 0)  # the first voxel that is shown
    corner, size = (box.min(axis=0) - low + 0.5) * spacing, np.ptp(box, axis=0) * spacing
    across, up = (a for a in range(3) if a != axis)
    drawn = Rectangle((corner[across], corner[up]), size[across], size[up], fill=False, edgecolor="#3d8ed8", lw=1.0)
    axes.add_patch(drawn)


def _plane(axes: Any, case: Case, mask: Any, middle: Any, axis: int) -> None:
    """Draw the plane across ``axis`` through ``middle``: head up, or the front up."""
    grid = case.ct.grid
    across, up = (a for a in range(3) if a != axis)
    reach = np.ceil(REACH_MM / np.asarray(grid.spacing_mm)).astype(int)
    part: list[Any] = [slice(max(0, m - r), m + r + 1) for m, r in zip(middle, reach, strict=True)]
    part[axis] = int(middle[axis])
    hu, inside = case.ct.array[tuple(part)].T, mask[tuple(part)].T
    ends = [0, hu.shape[1] * grid.spacing_mm[across], 0, hu.shape[0] * grid.spacing_mm[up]]
    upright = "upper" if axis == 2 else "lower"
    if upright == "upper":
        ends[2], ends[3] = ends[3], ends[2]
    axes.imshow(hu, cmap="gray", vmin=LOW_HU, vmax=HIGH_HU, origin=upright, extent=ends, aspect="equal")
    if inside.any() and not inside.all():
        x = (np.arange(hu.shape[1]) + 0.5) * grid.spacing_mm[across]
        y = (np.arange(hu.shape[0]) + 0.5) * grid.spacing_mm[up]
        axes.contour(x, y, inside.astype(float), levels=[0.5], colors="#e0443e", linewidths=1.2)
    axes.set_xticks([])
    axes.set_yticks([])

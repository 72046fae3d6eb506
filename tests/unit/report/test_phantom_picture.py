"""The picture of a bench: can what stands in it be told apart?"""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from iceball.nouns import Cut
from iceball.report import phantom

TICKS = np.linspace(-35.0, 35.0, 71)
ACROSS = Cut(
    middle_mm=(0.0, 0.0, 0.0), u_axis=(1.0, 0.0, 0.0), v_axis=(0.0, 1.0, 0.0), u_mm=TICKS, v_mm=TICKS,
    temperature_c=np.hypot(TICKS[:, None], TICKS[None, :]),
)  # fmt: skip


def bench(**changes):
    """What the picture asks of a result, with ``changes`` of its bench."""
    return SimpleNamespace(bench=SimpleNamespace(**{"points_mm": (), "isotherms_c": (), "spacing_mm": 1.0} | changes))


@pytest.mark.parametrize("apart_mm", [5.0, 1.0, 0.0])
def test_the_names_of_neighbouring_thermometers_do_not_overlap(apart_mm):
    points = tuple((f"{n} mm", (10.0 + apart_mm * n, 0.0, 0.0)) for n in range(3))
    figure = Figure(figsize=(10.0, 7.4))
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.065, 0.385, 0.40, 0.50))  # as in the picture
    axes.set(xlim=(-35, 35), ylim=(-35, 35), aspect="equal")
    phantom._draw_points(axes, bench(points_mm=points), ACROSS, 35.0)
    canvas.draw()
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in axes.texts]
    assert len(boxes) == 3
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_thermometer_that_is_not_in_the_plane_is_not_drawn():
    axes = Figure().add_axes((0, 0, 1, 1))
    phantom._draw_points(axes, bench(points_mm=(("above", (0.0, 0.0, 5.0)),)), ACROSS, 35.0)
    assert not axes.texts


def test_of_two_isotherms_that_nearly_coincide_the_warmer_is_wider_and_drawn_first():
    widths = phantom._widths(bench(isotherms_c=(-20.0, 0.0, -0.55, -40.0)))
    assert list(widths) == [0.0, -0.55, -20.0, -40.0]
    assert widths[0.0] > 2 * widths[-0.55]  # or nothing of it would look out on both sides
    assert widths[-20.0] == widths[-40.0] == 1.0

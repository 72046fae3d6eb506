"""A measure is the patient's, not the array's: the same scene stored along other axes gives the same facts."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from bone_phantoms import Tube, balls_case, hip_case, tube_case
from spine_phantoms import Spine, spine_case

from iceball.anatomy import measures
from iceball.nouns import Case, Grid, Volume

SCENES = {
    "a hole in a shaft": lambda: tube_case(Tube(outer_mm=11, notch_mm=20, half_mm=45), (1.2, 1.4, 1.6)),
    "a breached roof": lambda: hip_case((6.0, 4.0, 33.0), 10.0, (1.5, 1.2, 2.0)),
    "a pedicle": lambda: spine_case(Spine(at_mm=(12, 4, 2), lesion_mm=(14, 16, 10), squeezed=0.3), (1.2, 1.4, 1.6)),
    "two balls": lambda: balls_case((1.2, 1.0, 2.0), direction=(1, 0.4, 0.2), names=("aorta", "lung_left")),
}
# Order of the axes, and which of them run backwards: odd and even ones, mirrored arrays and turned ones.
STORED = {
    "sagittal": ((1, 2, 0), (False, False, True)),
    "coronal, backwards": ((0, 2, 1), (True, True, False)),
    "upside down": ((2, 1, 0), (True, True, True)),
}


@functools.cache
def scene(name: str) -> Case:
    return SCENES[name]()


def stored(volume: Volume, order: tuple[int, ...], backwards: tuple[bool, ...]) -> Volume:
    """The same ``volume`` with its axes in another order, some of them from their other end."""
    grid, turned = volume.grid, list(order)
    corner = grid.position_mm([(n - 1) * b for n, b in zip(grid.shape, backwards, strict=True)])
    axes = np.asarray(grid.direction).reshape(3, 3) * np.where(backwards, -1.0, 1.0)
    array = np.flip(volume.array, [axis for axis in range(3) if backwards[axis]]).transpose(order)
    there = Grid(
        shape=array.shape,
        spacing_mm=tuple(np.asarray(grid.spacing_mm)[turned].tolist()),
        origin_mm=tuple(corner.tolist()),
        direction=tuple(axes[:, turned].ravel().tolist()),
    )
    return Volume(grid=there, array=np.ascontiguousarray(array), quantity=volume.quantity)


@pytest.mark.parametrize("way", STORED)
@pytest.mark.parametrize("name", SCENES)
def test_the_same_scene_along_other_axes_has_the_same_facts(name: str, way: str):
    case = scene(name)
    assert case.lesion is not None
    assert case.labels is not None
    other = dataclasses.replace(
        case,
        ct=stored(case.ct, *STORED[way]),
        labels=stored(case.labels, *STORED[way]),
        lesion=dataclasses.replace(case.lesion, mask=stored(case.lesion.mask, *STORED[way])),
    )
    one, two = (measures.survey(each) for each in (case, other))
    assert [gap.key for gap in one.gaps] == [gap.key for gap in two.gaps]
    for here, there in zip(one.facts, two.facts, strict=True):
        assert (here.key, here.origin, type(here.value)) == (there.key, there.origin, type(there.value))
        if isinstance(here.value, float):
            # Rounding of sums in another order; one section of 0.75 mm where a threshold is met exactly.
            near = 0.76 if here.key == "cortex_axial_mm" else 0.0101
            assert there.value == pytest.approx(here.value, abs=near), here.key
        else:
            assert here.value == there.value, here.key

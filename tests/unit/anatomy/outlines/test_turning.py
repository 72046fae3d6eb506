"""Does what is outlined depend on how the axes of the scan run? A grid made by hand may run any way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from turned import FLIPS, ORDERS, turned, turned_back

from iceball.anatomy import outlines
from iceball.anatomy.outlines._turning import turn_of
from iceball.nouns import Case, Grid, Volume

LPS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
SOME = [((0, 1, 2), (True, False, False)), ((0, 1, 2), (True, True, False)), ((1, 2, 0), (False, False, True))]


def grid(shape=(4, 5, 6), direction=LPS) -> Grid:
    return Grid(shape=shape, spacing_mm=(0.7, 0.9, 2.5), origin_mm=(-3.0, 7.0, 100.0), direction=direction)


@given(order=st.sampled_from(ORDERS), flip=st.sampled_from(FLIPS))
def test_a_turn_puts_every_voxel_back_in_its_place(order, flip):
    upright = Volume(grid=grid(), array=np.arange(4 * 5 * 6).reshape(4, 5, 6), quantity="label")
    other = turned(upright, order, flip)
    turn = turn_of(other.grid)
    if turn is None:
        assert (order, any(flip)) == ((0, 1, 2), False)
        return
    again = turn.volume(other)
    assert again.grid.same_place_as(upright.grid, tolerance_mm=1e-9)
    np.testing.assert_array_equal(again.array, upright.array)
    np.testing.assert_array_equal(turn.back(again.array), other.array)
    within = (slice(1, 3), slice(None), slice(0, 2))
    np.testing.assert_array_equal(
        turn.array(other.array)[turn.place(within, other.grid.shape)], turn.array(other.array[within])
    )


@settings(max_examples=50)
@given(degrees=st.tuples(*[st.floats(-25.0, 25.0)] * 3))
def test_a_tilted_scan_stays_as_it_is(degrees):
    ways = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    assert turn_of(grid(direction=tuple(ways.ravel().tolist()))) is None


@pytest.mark.parametrize(("order", "flip"), SOME)
def test_canal_roots_and_bone_are_the_same_on_a_turned_grid_and_left_stays_left(spine, order, flip):
    case = spine.case
    other = Case(id="turned", ct=turned(case.ct, order, flip))
    canal, again = outlines.canal(case), outlines.canal(other)
    assert canal is not None
    assert again is not None
    np.testing.assert_array_equal(turned_back(again.mask, order, flip), canal.mask)
    bone = outlines.bone(case.ct)
    np.testing.assert_array_equal(turned_back(outlines.bone(other.ct), order, flip), bone)
    roots = {root.name: root.mask for root in outlines.nerve_roots(case)}
    found = {root.name: turned_back(root.mask, order, flip) for root in outlines.nerve_roots(other)}
    assert sorted(found) == sorted(roots)
    assert any("left" in name for name in found)
    for name, mask in found.items():
        np.testing.assert_array_equal(mask, roots[name])


@pytest.mark.parametrize(("order", "flip"), SOME)
def test_a_part_of_a_turned_scan_is_outlined_in_its_own_place(spine, order, flip):
    other = Case(id="turned", ct=turned(spine.case.ct, order, flip))
    i, j, k = (slice(n // 4, n - n // 5) for n in other.ct.grid.shape)
    wholly, part = outlines.canal(other), outlines.canal(other, within=(i, j, k))
    assert wholly is not None
    assert part is not None
    assert part.mask.shape == wholly.mask[i, j, k].shape
    both = np.count_nonzero(part.mask & wholly.mask[i, j, k])
    # what lies beyond 30 mm is not looked at: the middle line's ends, and what is averaged along it, move a little
    assert 2 * both >= 0.9 * (np.count_nonzero(part.mask) + np.count_nonzero(wholly.mask[i, j, k]))


def test_a_turned_case_gets_the_structures_of_the_upright_one_and_keeps_its_own(spine):
    order, flip = SOME[2]
    case = dataclasses.replace(spine.case, lesion=None, notes=("as it was",))
    view = Volume(grid=case.ct.grid, array=np.ones(case.ct.grid.shape, np.uint8), quantity="label")
    made = outlines.outline(dataclasses.replace(case, field_of_view=view))
    other = Case(
        id="turned", ct=turned(case.ct, order, flip), field_of_view=turned(view, order, flip), notes=("as it was",)
    )
    again = outlines.outline(other)
    assert again.structures == made.structures
    assert again.notes == made.notes
    assert again.labels is not None
    assert made.labels is not None
    assert again.ct is other.ct
    np.testing.assert_array_equal(turned_back(again.labels.array, order, flip), made.labels.array)

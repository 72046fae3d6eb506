"""Grids and volumes: where a voxel is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from iceball.errors import GeometryError, InputError
from iceball.nouns import Grid, Volume

GRID = Grid(shape=(4, 5, 6), spacing_mm=(1.0, 2.0, 3.0), origin_mm=(10.0, 20.0, 30.0))

lengths = st.floats(0.1, 10.0)
places = st.floats(-1000.0, 1000.0)
angles = st.floats(-180.0, 180.0)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Grids of any spacing, place and rotation."""
    matrix = Rotation.from_euler("xyz", [draw(angles) for _ in range(3)], degrees=True).as_matrix()
    return Grid(
        shape=tuple(draw(st.integers(1, 9)) for _ in range(3)),
        spacing_mm=tuple(draw(lengths) for _ in range(3)),
        origin_mm=tuple(draw(places) for _ in range(3)),
        direction=tuple(float(x) for x in matrix.ravel()),
    )


def test_the_origin_is_the_centre_of_the_first_voxel():
    np.testing.assert_array_equal(GRID.position_mm((0, 0, 0)), GRID.origin_mm)
    np.testing.assert_array_equal(GRID.position_mm((1, 1, 1)), (11.0, 22.0, 33.0))


def test_the_columns_of_direction_are_the_index_axes():
    # Index axis I runs along +y, J along -x: a quarter turn, written down by hand.
    turned = dataclasses.replace(GRID, direction=(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    np.testing.assert_array_equal(turned.position_mm((1, 0, 0)), (10.0, 21.0, 30.0))
    np.testing.assert_array_equal(turned.position_mm((0, 1, 0)), (8.0, 20.0, 30.0))


@given(grids(), st.tuples(*[st.floats(-20, 20)] * 3))
def test_index_and_position_undo_each_other(grid: Grid, index: tuple[float, float, float]):
    # 1000 mm from the origin at 0.1 mm spacing, double precision leaves about 1e-11 of a voxel.
    np.testing.assert_allclose(grid.index_of(grid.position_mm(index)), index, atol=1e-8)


@given(grids())
def test_the_affine_says_what_position_says(grid: Grid):
    index = np.array([1.0, 2.0, 3.0])
    # The same sums in another order, at up to 1000 mm: a few ulp.
    np.testing.assert_allclose((grid.affine @ [*index, 1.0])[:3], grid.position_mm(index), rtol=0, atol=1e-11)


@st.composite
def grids_and_parts(draw: st.DrawFn) -> tuple[Grid, tuple[slice, slice, slice]]:
    """Grids, and a part of each: from any voxel on, to any later one, every voxel or every second or third."""
    grid = draw(grids())
    place = []
    for n in grid.shape:
        first = draw(st.integers(0, n - 1))
        place.append(slice(first, draw(st.integers(first + 1, n)), draw(st.sampled_from([None, 1, 2, 3]))))
    return grid, (place[0], place[1], place[2])


@given(grids_and_parts())
def test_a_voxel_of_a_part_lies_where_it_lay_in_the_whole(both: tuple[Grid, tuple[slice, slice, slice]]):
    grid, place = both
    places = grid.position_mm(np.stack(np.indices(grid.shape), axis=-1))
    part = grid.part(place)
    again = part.position_mm(np.stack(np.indices(part.shape), axis=-1))
    # The same sums in another order, at up to 1000 mm: a few ulp.
    np.testing.assert_allclose(again, places[place], rtol=0, atol=1e-11)


def test_a_part_of_a_volume_has_its_voxels_on_their_own_grid():
    whole = Volume(grid=GRID, array=np.arange(120).reshape(4, 5, 6), quantity="label")
    part = whole.part((slice(1, 3), slice(None), slice(0, None, 2)))
    assert part.array.tolist() == whole.array[1:3, :, ::2].tolist()
    assert part.grid == Grid(shape=(2, 5, 3), spacing_mm=(1.0, 2.0, 6.0), origin_mm=(11.0, 20.0, 30.0))
    assert part.quantity == "label"


@pytest.mark.parametrize("side", [slice(2, 2), slice(9, None), slice(3, 0, -1)], ids=["empty", "beyond", "backwards"])
def test_a_part_without_voxels_or_backwards_is_refused(side: slice):
    with pytest.raises(GeometryError, match=r"at least one voxel|above zero"):
        GRID.part((side, slice(None), slice(None)))


@given(grids())
def test_a_voxel_has_the_volume_of_its_affine(grid: Grid):
    # The determinant of a rounded rotation is 1 within a few ulp.
    assert grid.voxel_ml == pytest.approx(abs(np.linalg.det(grid.affine)) / 1000.0, rel=1e-9)


def test_a_grid_contains_its_voxels_to_their_faces_and_no_further():
    inside, outside = GRID.position_mm((3.49, 4.49, 5.49)), GRID.position_mm((3.51, 4.0, 5.0))
    assert GRID.contains([inside, outside]).tolist() == [True, False]


@given(grids())
def test_a_grid_is_in_its_own_place_and_not_in_a_shifted_one(grid: Grid):
    x, y, z = grid.origin_mm
    assert grid.same_place_as(grid)
    assert not grid.same_place_as(dataclasses.replace(grid, origin_mm=(x + 0.1, y, z)))


def test_a_grid_of_other_shape_is_in_another_place():
    assert not GRID.same_place_as(dataclasses.replace(GRID, shape=(4, 5, 7)))


def test_a_turned_grid_of_the_same_origin_is_in_another_place():
    assert not GRID.same_place_as(dataclasses.replace(GRID, direction=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"shape": (0, 1, 1)}, "at least one voxel"),
        ({"shape": (4, 5)}, "three axes"),
        ({"spacing_mm": (1.0, 0.0, 1.0)}, "spacing must be above zero"),
        ({"spacing_mm": (1.0, float("nan"), 1.0)}, "spacing must be above zero"),
        ({"direction": (1.0, 0.1, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)}, "sheared or tilted"),
    ],
)
def test_an_impossible_grid_is_refused(change: dict, says: str):
    with pytest.raises(GeometryError, match=says):
        dataclasses.replace(GRID, **change)


def test_an_origin_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="finite"):
        dataclasses.replace(GRID, origin_mm=(0.0, float("inf"), 0.0))


def test_an_array_must_fit_its_grid():
    with pytest.raises(GeometryError, match="does not fit"):
        Volume(grid=GRID, array=np.zeros((4, 5, 7)), quantity="hu")


def test_labels_must_be_whole_numbers():
    with pytest.raises(InputError, match="whole numbers"):
        Volume(grid=GRID, array=np.zeros(GRID.shape), quantity="label")


def test_a_volume_cannot_be_written_to_and_leaves_the_array_it_was_made_of_alone():
    array = np.zeros(GRID.shape)
    volume = Volume(grid=GRID, array=array, quantity="hu")
    with pytest.raises(ValueError, match="read-only"):
        volume.array[0, 0, 0] = 1.0
    assert array.flags.writeable


def test_a_volume_is_compared_by_identity():
    array = np.zeros(GRID.shape)
    one, other = (Volume(grid=GRID, array=array, quantity="hu") for _ in range(2))
    assert one == one  # that this does not raise over the array is half the claim
    assert one != other

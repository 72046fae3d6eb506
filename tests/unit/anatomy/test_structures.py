"""Does every structure at risk keep its voxels?"""

from __future__ import annotations

import numpy as np
import pytest

from iceball import anatomy
from iceball.errors import GeometryError
from iceball.nouns import Case, Grid, Structure, Volume


def test_only_what_is_at_risk_or_a_barrier_is_given(torso: Case):
    found = anatomy.structure_voxels(torso, torso.ct.grid)
    assert set(found) == {"spinal_cord", "lung_lower_lobe_left", "aorta"}  # the vertebra is a way in


def test_on_the_ct_s_own_grid_the_voxels_are_the_labels(torso: Case):
    found = anatomy.structure_voxels(torso, torso.ct.grid)
    assert torso.labels is not None
    assert (found["spinal_cord"] == np.flatnonzero(torso.labels.array == 79)).all()


def thin_case() -> Case:
    grid = Grid(shape=(40, 40, 40), spacing_mm=(1.0,) * 3, origin_mm=(0.0,) * 3)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[21, 22, :] = 5  # a nerve of one voxel
    return Case(
        id="thin",
        ct=Volume(grid=grid, array=np.full(grid.shape, 40, dtype=np.int16), quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=(Structure(name="nerve", role="at_risk", label=5),),
    )


@pytest.mark.parametrize("offset_mm", [0.0, 1.0, 2.0, 3.0])
def test_a_nerve_thinner_than_the_grid_does_not_vanish(offset_mm: float):
    case = thin_case()
    coarse = Grid(shape=(9, 9, 9), spacing_mm=(4.0,) * 3, origin_mm=(offset_mm, offset_mm, 2.0))
    found = anatomy.structure_voxels(case, coarse)["nerve"]
    i, j, k = np.unravel_index(found, coarse.shape)
    assert set(k) == set(range(9))  # in every slice of the grid
    for centre, at in ((21.0, i), (22.0, j)):
        assert np.abs(offset_mm + 4.0 * at - centre).max() <= 2.0


def test_a_structure_outside_the_grid_is_left_out():
    case = thin_case()
    away = Grid(shape=(5, 5, 5), spacing_mm=(1.0,) * 3, origin_mm=(2.0, 2.0, 2.0))
    assert anatomy.structure_voxels(case, away) == {}


def test_the_border_of_the_ct_is_not_smeared_beyond_it():
    case = thin_case()
    longer = Grid(shape=(3, 3, 60), spacing_mm=(1.0,) * 3, origin_mm=(20.0, 21.0, -10.0))
    found = anatomy.structure_voxels(case, longer)["nerve"]
    assert set(np.unravel_index(found, longer.shape)[2]) == set(range(10, 50))


def test_a_case_without_labels_has_no_structures(torso: Case):
    assert anatomy.structure_voxels(Case(id="bare", ct=torso.ct), torso.ct.grid) == {}


def test_other_axes_are_refused(torso: Case):
    turned = Grid(shape=(4,) * 3, spacing_mm=(1.0,) * 3, origin_mm=(0.0,) * 3, direction=(0, -1, 0, 1, 0, 0, 0, 0, 1))
    with pytest.raises(GeometryError):
        anatomy.structure_voxels(torso, turned)

"""What is the patient, and what is the room or the table?"""

from __future__ import annotations

import numpy as np
import pytest

from iceball import anatomy
from iceball.errors import InputError
from iceball.nouns import Case, Grid, Volume


def ct_of(array: np.ndarray, spacing_mm: tuple[float, float, float] = (2.0, 2.0, 3.0)) -> Volume:
    grid = Grid(shape=array.shape, spacing_mm=spacing_mm, origin_mm=(0.0, 0.0, 0.0))
    return Volume(grid=grid, array=array, quantity="hu")


def test_the_table_is_not_body(torso: Case):
    inside = anatomy.body(torso.ct)
    assert not inside[:, 36:, :].any()
    assert inside[5:35, 5:35, :].all()
    assert inside.sum() == 30 * 30 * 20


def test_a_table_that_touches_the_back_comes_off():
    hu = np.full((60, 60, 6), -1000, dtype=np.int16)
    hu[10:50, 10:40] = 40
    hu[0:60, 40:42] = 200  # a board two voxels thick, in contact, wider than the back
    inside = anatomy.body(ct_of(hu, (1.0, 1.0, 2.0)))
    assert inside[10:50, 10:40].all()
    # 3 mm is the reach to which the board may stick to the back
    assert not inside[:6].any()
    assert not inside[54:].any()


def test_gas_in_the_body_is_body(torso: Case):
    inside = anatomy.body(torso.ct)
    assert inside[18:22, 12:15, 8:12].all()
    assert inside[24:32, 10:16, 4:12].all()


def test_what_was_not_scanned_is_not_body(torso: Case):
    view = np.ones(torso.ct.grid.shape, dtype=np.uint8)
    view[:12] = 0
    inside = anatomy.body(torso.ct, Volume(grid=torso.ct.grid, array=view, quantity="label"))
    assert not inside[:12].any()
    assert inside[12:35, 5:35].all()


def test_a_patch_inside_the_body_is_all_body():
    assert anatomy.body(ct_of(np.full((8, 8, 4), 30, dtype=np.int16))).all()


def test_a_small_piece_that_thinning_would_lose_is_still_found():
    hu = np.full((20, 20, 5), -1000, dtype=np.int16)
    hu[9:11, 9:11, 2] = 100
    assert anatomy.body(ct_of(hu)).sum() == 4


def test_air_alone_is_refused_with_its_brightest_value():
    with pytest.raises(InputError, match=r"no body on the CT.*-1000 HU"):
        anatomy.body(ct_of(np.full((5, 5, 5), -1000, dtype=np.int16)))


def test_lung_that_the_border_of_a_patch_cuts_is_body_but_the_room_is_not():
    noise = np.random.default_rng(5).normal(0.0, 25.0, (40, 40, 6))
    hu = np.full(noise.shape, 40.0)
    hu[:, :12] = -860.0  # lung, cut on three sides
    hu[:, 34:] = -1000.0  # behind the back
    inside = anatomy.body(ct_of((hu + noise).astype(np.int16)))
    assert inside[:, :34].all()
    assert not inside[:, 34:].any()

"""What a dissection pushes away moves where there is room, and nothing else does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import anatomy, library
from iceball.errors import UnknownName
from iceball.nouns import Ball, Capsule, Case, Drawn, Grid, Lesion, Pocket, Sensor, Volume

from .conftest import structure

SPACING_MM = (2.0, 2.0, 2.5)
SHAPE = (36, 36, 20)
NERVE, BONE, BOWEL, MUSCLE = 1, 2, 3, 4
BODY = (slice(4, 32), slice(4, 32), slice(0, 20))
MIDDLE = (0.0, 0.0, 0.0)


def made() -> Case:
    """A block of soft tissue in air; bone on the left with the lesion in it, bowel in front, a nerve in the middle.

    The nerve runs along the body and is 3 voxels wide; muscle is drawn behind it: a way in, which gives way.
    """
    grid = Grid(shape=SHAPE, spacing_mm=SPACING_MM, origin_mm=(-35.0, -35.0, -23.75))
    hu, labels, mask = np.full(SHAPE, -1000.0, np.float32), np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    hu[BODY] = 50.0
    hu[22:30, 12:24, :], labels[22:30, 12:24, :] = 400.0, BONE
    hu[22:26, 16:20, 6:14], mask[22:26, 16:20, 6:14] = 60.0, 1
    labels[12:24, 6:10, :] = BOWEL
    labels[10:20, 24:29, :] = MUSCLE
    labels[16:19, 16:19, :] = NERVE
    names = {"sciatic_nerve": NERVE, "hip_left": BONE, "bowel": BOWEL, "gluteus_maximus_left": MUSCLE}
    return Case(
        id="pushed",
        ct=Volume(grid=grid, array=hu, quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=tuple(structure(name, label) for name, label in names.items()),
        lesion=Lesion(mask=Volume(grid=grid, array=mask, quantity="label"), matrix="lytic", origin="made by a test"),
    )


CASE = made()
assert CASE.labels is not None
assert CASE.lesion is not None


def pocket(push_mm, *, region=None, pushes=("sciatic_nerve",), label="gas") -> Pocket:
    return Pocket(
        label=label,
        filling="carbon_dioxide",
        region=region or Drawn(structure=pushes[0]),
        pushes=pushes,
        push_mm=push_mm,
    )


def count(case: Case, label: int) -> int:
    assert case.labels is not None
    return int(np.count_nonzero(case.labels.array == label))


pushes = st.tuples(*[st.floats(-28.0, 28.0)] * 3).filter(lambda push: np.hypot(np.hypot(*push[:2]), push[2]) > 0.5)
places = st.tuples(st.floats(-12.0, 12.0), st.floats(-12.0, 12.0), st.floats(-20.0, 20.0))
regions = (
    st.just(Drawn(structure="sciatic_nerve"))
    | st.builds(Ball, centre_mm=places, radius_mm=st.floats(2.0, 25.0))
    | st.builds(Capsule, start_mm=places, end_mm=places, radius_mm=st.floats(2.0, 12.0))
)


@settings(max_examples=150, deadline=None)
@given(push=pushes, region=regions)
def test_a_push_never_goes_into_bone_lesion_or_another_structure_nor_makes_tissue(push, region):
    after = anatomy.displaced(CASE, [pocket(push, region=region)])
    there = np.asarray(after.labels.array) == NERVE
    came = there & (CASE.labels.array != NERVE)
    assert not (CASE.lesion.mask.array[came] > 0).any()
    assert (CASE.ct.array[came] < library.hu_rules()["bone_above_hu"].value).all()
    assert set(np.unique(CASE.labels.array[came]).tolist()) <= {0, MUSCLE}
    assert count(after, NERVE) <= count(CASE, NERVE)


@settings(max_examples=150, deadline=None)
@given(push=pushes, region=regions)
def test_a_push_never_goes_out_of_the_body(push, region):
    after = anatomy.displaced(CASE, [pocket(push, region=region)])
    there = np.argwhere(np.asarray(after.labels.array) == NERVE)
    # the body is the block: the air around it is the room's, not a gas in the body
    assert (there[:, :2] >= 4).all()
    assert (there[:, :2] < 32).all()


@settings(max_examples=100, deadline=None)
@given(push=pushes, region=regions)
def test_nothing_but_what_is_pushed_changes(push, region):
    after = anatomy.displaced(CASE, [pocket(push, region=region)])
    for label in (BONE, BOWEL):
        assert ((after.labels.array == label) == (CASE.labels.array == label)).all()
    changed = np.asarray(after.labels.array) != CASE.labels.array
    assert ((CASE.labels.array[changed] == NERVE) | (after.labels.array[changed] == NERVE)).all()
    kept = dataclasses.replace(after, labels=CASE.labels)
    assert kept == CASE or all(
        getattr(kept, field.name) is getattr(CASE, field.name) for field in dataclasses.fields(Case)
    )


@settings(max_examples=100, deadline=None)
@given(push=st.tuples(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0), st.just(0.0)).filter(lambda p: np.hypot(*p[:2]) > 1))
def test_a_structure_that_is_pushed_whole_into_free_tissue_keeps_its_volume_and_moves_by_whole_voxels(push):
    """8 mm across: between the nerve and whatever is drawn beside it lie at least 6 mm, so some of it may be blocked.

    Pushed whole and unblocked it is the same mask, shifted by the rounded push.
    """
    case = without(CASE, BONE, BOWEL)  # so that nothing is in the way
    after = anatomy.displaced(case, [pocket(push)])
    assert count(after, NERVE) == count(case, NERVE)
    shift = np.rint(np.asarray(push) / SPACING_MM).astype(int)
    expected = np.roll(np.asarray(case.labels.array) == NERVE, tuple(shift), axis=(0, 1, 2))
    assert (np.asarray(after.labels.array == NERVE) == expected).all()


def without(case: Case, *labels: int) -> Case:
    """The case with some structures wiped out, their place soft tissue, and the lesion moved to a far corner."""
    hu, drawn, mask = np.array(case.ct.array), np.array(case.labels.array), np.zeros(SHAPE, np.uint8)
    hu[BODY] = 50.0
    drawn[np.isin(drawn, labels)] = 0
    mask[30:32, 30:32, 0:2] = 1
    return dataclasses.replace(
        case,
        ct=dataclasses.replace(case.ct, array=hu),
        labels=dataclasses.replace(case.labels, array=drawn),
        lesion=dataclasses.replace(case.lesion, mask=dataclasses.replace(case.lesion.mask, array=mask)),
    )


def test_a_whole_structure_that_is_partly_blocked_keeps_its_volume():
    """Toward the bone 6 mm away: it goes as far as there is room, and does not end as a thin layer against the bone.

    A layer would lie farther from the cold than the nerve can: its temperature would be too warm by its thickness.
    """
    after = anatomy.displaced(CASE, [pocket((10.0, 0.0, 0.0))])
    assert (after.labels.array != CASE.labels.array).any()
    assert count(after, NERVE) == count(CASE, NERVE)


@pytest.mark.parametrize("protections", [(), (Sensor(label="t", at_mm=MIDDLE),)])
def test_without_pushes_it_is_the_same_case(protections):
    assert anatomy.displaced(CASE, protections) is CASE
    still = Pocket(label="saline", filling="saline", region=Ball(centre_mm=MIDDLE, radius_mm=8.0))
    assert anatomy.displaced(CASE, (*protections, still)) is CASE


def test_a_push_that_is_shorter_than_half_a_voxel_moves_nothing():
    assert anatomy.displaced(CASE, [pocket((0.9, 0.9, 0.0))]) is CASE


def test_a_push_in_a_region_that_does_not_meet_the_structure_moves_nothing():
    away = pocket((10.0, 0.0, 0.0), region=Ball(centre_mm=(-20.0, -20.0, 0.0), radius_mm=4.0))
    assert anatomy.displaced(CASE, [away]) is CASE


def test_only_what_lies_in_the_region_moves():
    ball = Ball(centre_mm=MIDDLE, radius_mm=6.0)
    after = anatomy.displaced(CASE, [pocket((-8.0, 0.0, 0.0), region=ball)])
    index = np.argwhere((CASE.labels.array == NERVE) & (after.labels.array != NERVE))
    left = CASE.ct.grid.position_mm(index)
    assert len(left) > 5
    assert np.linalg.norm(left, axis=1).max() <= 6.0 + 1e-9


def test_two_pockets_push_one_after_the_other():
    wide = Ball(centre_mm=MIDDLE, radius_mm=14.0)
    first, second = (
        pocket(push, region=wide, label=label) for push, label in (((-6.0, 0, 0), "one"), ((0, 4.0, 0), "two"))
    )
    both = anatomy.displaced(CASE, [first, second])
    again = anatomy.displaced(anatomy.displaced(CASE, [first]), [second])
    assert (both.labels.array == again.labels.array).all()


def test_an_unknown_structure_cannot_be_pushed():
    with pytest.raises(UnknownName, match="spleen"):
        anatomy.displaced(
            CASE, [pocket((5.0, 0.0, 0.0), pushes=("spleen",), region=Ball(centre_mm=MIDDLE, radius_mm=5.0))]
        )


def test_where_a_structure_was_there_is_gas_and_where_it_went_it_is():
    # push away from bone and muscle; the gas takes the place of soft tissue in its region, the nerve's among it
    gas = pocket((-8.0, 0.0, 0.0), region=Ball(centre_mm=MIDDLE, radius_mm=6.0))
    found = anatomy.tissue_map(anatomy.prepare(CASE, protections=[gas]), CASE.ct.grid)
    names = np.array([tissue.name for tissue in found.tissues])[found.index]
    moved = anatomy.displaced(CASE, [gas])
    left = (CASE.labels.array == NERVE) & (moved.labels.array != NERVE)
    assert left.any()
    assert (names[left] == "carbon_dioxide").all()
    assert (names[np.asarray(moved.labels.array) == NERVE] == "nerve").all()


def test_the_case_that_is_given_is_left_as_it_was():
    before = np.array(CASE.labels.array)
    anatomy.displaced(CASE, [pocket((-8.0, 0.0, 0.0))])
    assert (CASE.labels.array == before).all()

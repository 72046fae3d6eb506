"""Vertebrae of boxes: the posterior wall, shares of the body, the arch, loss of height."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from spine_phantoms import Spine, spine_case

from iceball.anatomy import measures
from iceball.nouns import Volume

FINE, COARSE = (1.0, 1.0, 1.5), (3.0, 3.0, 3.0)  # the page of measures has more
L3 = Spine()
SPACINGS = pytest.mark.parametrize("spacing_mm", [FINE, COARSE], ids=str)
WALL, BODY = "posterior_wall_breached", "vertebral_body_involved_fraction"
ARCH, HEIGHT = "posterolateral_involvement", "vertebral_collapse_fraction"


@functools.cache
def survey(spine: Spine = L3, spacing_mm=FINE, **more):
    return measures.survey(spine_case(spine, spacing_mm, **more))


def found(spine: Spine = L3, spacing_mm=FINE, **more):
    return {fact.key: fact for fact in survey(spine, spacing_mm, **more).facts}


@SPACINGS
@pytest.mark.parametrize("tilt_deg", [0.0, 15.0])
def test_a_hole_in_the_posterior_wall_is_a_breach(spacing_mm, tilt_deg: float):
    facts = found(Spine(tilt_deg=tilt_deg), spacing_mm)
    assert facts[WALL].value is True
    assert facts[WALL].origin == (
        "estimated" if spacing_mm == COARSE else "measured"
    )  # a thin shell can read as a hole
    assert facts["distance_canal_mm"].value <= max(spacing_mm) / 2  # masks are cut at voxels


@SPACINGS
def test_a_lesion_behind_an_intact_wall_is_no_breach(spacing_mm):
    # The wall of 1.5 mm stands: the lesion begins right behind it.
    assert found(Spine(wall_left_mm=1.5), spacing_mm)[WALL].value is False


def test_a_lesion_in_the_middle_of_the_body_keeps_off_the_wall():
    fact = found(Spine(at_mm=(0.0, -14.0, 0.0)))[WALL]
    assert fact.value is False
    assert "keeps off" in fact.note


def test_a_lesion_that_has_come_through_the_wall_is_a_breach():
    assert "in the canal" in found(Spine(at_mm=(0.0, -3.0, 0.0)))[WALL].note


def test_a_lesion_of_the_pedicle_is_no_breach_of_the_posterior_wall():
    assert found(Spine(at_mm=(15.5, 6.0, 0.0), lesion_mm=(8.0, 12.0, 14.0)))[WALL].value is False


def test_the_wall_of_a_lesion_that_is_as_dense_as_cortex_stands():
    import numpy as np

    from iceball.nouns import Case, Lesion, Volume

    case = spine_case(Spine(), FINE)
    assert case.lesion is not None
    dense = np.where(case.lesion.mask.array > 0, 900, case.ct.array)
    blastic = Case(
        id="dense",
        ct=Volume(grid=case.ct.grid, array=dense, quantity="hu"),
        labels=case.labels,
        structures=case.structures,
        lesion=Lesion(mask=case.lesion.mask, matrix="blastic", origin="drawn by a test"),
    )
    facts = {fact.key: fact for fact in measures.measure(blastic)}
    assert facts[WALL].value is False
    assert facts["cortex_breached"].value is False


@SPACINGS
def test_the_share_of_the_body_is_that_of_the_boxes(spacing_mm):
    spine = Spine(lesion_mm=(24.0, 18.0, 18.0), at_mm=(0.0, -14.0, 0.0))
    true = 24 * 18 * 18 / (40 * 30 * 28)
    # A box of 18 mm is cut at voxels of up to 3 mm on each of its sides: a tenth of its volume, twice that at 3 mm.
    assert found(spine, spacing_mm)[BODY].value == pytest.approx(true, rel=0.25 if spacing_mm == COARSE else 0.12)


@pytest.mark.parametrize(
    ("at_mm", "lesion_mm", "says"),
    [
        ((0.0, -10.0, 0.0), (14.0, 12.0, 12.0), "none"),
        ((15.5, 6.0, 0.0), (8.0, 12.0, 14.0), "unilateral"),
        ((-15.5, 6.0, 0.0), (8.0, 12.0, 14.0), "unilateral"),
        ((0.0, 6.0, 0.0), (40.0, 12.0, 14.0), "bilateral"),
        ((15.5, 1.0, 0.0), (5.0, 3.0, 4.0), "none"),  # 60 mm³: the rim of something
    ],
)
@pytest.mark.parametrize("tilt_deg", [0.0, 15.0])
def test_the_sides_of_the_arch_are_told_apart(at_mm, lesion_mm, says: str, tilt_deg: float):
    assert found(Spine(at_mm=at_mm, lesion_mm=lesion_mm, tilt_deg=tilt_deg))[ARCH].value == says


@SPACINGS
@pytest.mark.parametrize(("lost", "tilt_deg"), [(0.3, 0.0), (0.4, 15.0), (0.6, 0.0)])
def test_loss_of_height_is_measured_against_the_neighbours(spacing_mm, lost: float, tilt_deg: float):
    fact = found(Spine(squeezed=lost, tilt_deg=tilt_deg, lesion_mm=(14.0, 12.0, 8.0)), spacing_mm)[HEIGHT]
    assert fact.origin == "estimated"
    # A slice more or less of the label, of the 28 mm of the neighbours'.
    assert fact.value == pytest.approx(lost, abs=0.02 + max(spacing_mm) / 28)


@SPACINGS
@pytest.mark.parametrize("lost", [0.0, 0.08])
def test_a_difference_within_what_bodies_differ_by_counts_as_none(spacing_mm, lost: float):
    fact = found(Spine(squeezed=lost), spacing_mm)[HEIGHT]
    assert fact.value == 0
    assert "neighbour" in fact.note


def test_the_third_that_lost_most_height_counts():
    """A wedge: the front third of L3 is half as high, its back and middle are whole."""
    case = spine_case(spacing_mm=FINE)
    assert case.labels is not None
    at = case.ct.grid.position_mm(np.moveaxis(np.indices(case.ct.grid.shape), 0, -1))
    front = (case.labels.array == 29) & (at[..., 1] < -20) & (at[..., 2] > 0)
    labels = np.where(front, 0, case.labels.array).astype(np.uint8)
    wedge = dataclasses.replace(case, labels=Volume(grid=case.ct.grid, array=labels, quantity="label"))
    lost = {fact.key: fact for fact in measures.measure(wedge)}[HEIGHT]
    assert lost.value == pytest.approx(0.5, abs=0.08)  # borders of thirds fall within voxels


def test_without_a_whole_neighbour_there_is_no_height():
    gaps = {gap.key: gap.why for gap in survey(Spine(), FINE, half_mm=(30.0, 47.0, 19.0)).gaps}
    assert "neighbour" in gaps[HEIGHT]


def test_the_site_and_the_level_come_from_the_label():
    facts = found()
    assert (facts["lesion_site"].value, facts["vertebral_level"].value) == ("spine", "L3")
    assert {facts[key].origin for key in ("lesion_site", "lesion_bone", "vertebral_level")} == {"label"}


def test_the_distance_to_the_canal_without_a_label_is_an_estimate_or_absent():
    result = survey(Spine(), FINE, canal=False)
    facts = {fact.key: fact for fact in result.facts}
    if "distance_canal_mm" in facts:
        assert facts["distance_canal_mm"].origin == "estimated"
        assert facts["distance_canal_mm"].value <= 3  # the lesion opens the wall; the outline is smooth to a few mm
    else:
        assert "distance_canal_mm" in {gap.key for gap in result.gaps}


def test_the_skin_is_found_without_a_label():
    fact = found(Spine(), COARSE, half_mm=(60.0, 60.0, 60.0))["distance_skin_mm"]
    assert fact.origin == "estimated"
    assert fact.value == pytest.approx(
        42, abs=1.5
    )  # the lesion ends at y = 0, the skin lies at 42 mm; a slice's height


def test_how_the_array_is_stored_changes_no_fact():
    from iceball.nouns import Grid

    case = spine_case(Spine(tilt_deg=10.0, squeezed=0.3), COARSE)
    assert case.lesion is not None
    assert case.labels is not None
    grid = case.ct.grid
    # The same patient, stored back to front, right to left, and with the slices as the first axis.
    corner = grid.position_mm([grid.shape[0] - 1, grid.shape[1] - 1, 0])
    turned = Grid(
        shape=(grid.shape[2], grid.shape[0], grid.shape[1]),
        spacing_mm=(grid.spacing_mm[2], grid.spacing_mm[0], grid.spacing_mm[1]),
        origin_mm=tuple(map(float, corner)),
        direction=(0.0, -1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0),
    )

    def stored(volume: Volume) -> Volume:
        array = np.ascontiguousarray(np.moveaxis(volume.array[::-1, ::-1], 2, 0))
        return Volume(grid=turned, array=array, quantity=volume.quantity)

    other = dataclasses.replace(
        case,
        ct=stored(case.ct),
        labels=stored(case.labels),
        lesion=dataclasses.replace(case.lesion, mask=stored(case.lesion.mask)),
    )
    here, there = ({f.key: f for f in measures.measure(each)} for each in (case, other))
    assert set(here) == set(there)
    for key, fact in here.items():
        if isinstance(fact.value, float):
            assert there[key].value == pytest.approx(fact.value, abs=0.02), key  # rounded to two decimals
        else:
            assert there[key].value == fact.value, key

"""Measures on a real CT with real labels of vertebrae, at 3 mm; the lesions are implanted by iceball, not real."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from iceball import implanting, io
from iceball.anatomy import measures
from iceball.nouns import Case


@pytest.fixture(scope="module")
def pelvis(shared_data) -> Case:
    folder = shared_data / "abdomen_pelvis_ct"
    return io.read_scan(folder / "example_ct.nii.gz", labels=folder / "vertebrae_seg.nii.gz")


@pytest.fixture(scope="module")
def found(pelvis: Case):
    """Facts of a ball implanted into L3, its middle ``back_mm`` behind the middle of the front of the label."""
    assert pelvis.labels is not None
    bone = pelvis.ct.grid.position_mm(np.argwhere(pelvis.labels.array == pelvis.structure("vertebrae_L3").label))
    front = bone[bone[:, 1] < np.percentile(bone[:, 1], 45)].mean(axis=0)  # most of the body lies in front

    @functools.cache
    def at(back_mm: float, size_mm: float = 18.0):
        x, y, z = (float(v) for v in front + np.array([0.0, back_mm, 0.0]))
        wish = implanting.Wish(at_mm=(x, y, z), size_mm=size_mm, shape="sphere", seed=1, bone="vertebrae_L3")
        return {fact.key: fact for fact in measures.measure(implanting.implant(pelvis, wish))}

    return at


def test_site_and_level_of_an_implanted_lesion_are_those_of_its_vertebra(found):
    assert (found(0.0)["lesion_site"].value, found(0.0)["vertebral_level"].value) == ("spine", "L3")


def test_farther_back_the_canal_is_nearer_and_the_distance_is_an_estimate(found):
    away = [found(back)["distance_canal_mm"].value for back in (0.0, 6.0, 12.0)]
    assert away == sorted(away, reverse=True)
    assert found(0.0)["distance_canal_mm"].origin == "estimated"
    # Moved by 6 mm, it comes nearer by 6 mm; a voxel of 3 mm either way.
    assert -np.diff(away) == pytest.approx([6, 6], abs=3)


def test_the_posterior_wall_stands_before_a_lesion_of_the_front_of_the_body(found):
    assert found(0.0)["posterior_wall_breached"].value is False
    assert found(0.0)["posterolateral_involvement"].value == "none"


def test_a_larger_lesion_takes_more_of_the_body(found):
    small, large = (found(4.0, size)["vertebral_body_involved_fraction"].value for size in (14.0, 26.0))
    assert 0 < small < large < 1


def test_a_vertebra_that_has_not_collapsed_has_lost_no_height(found):
    # Its neighbours are whole, and nobody reported a fracture of this scan.
    assert found(0.0)["vertebral_collapse_fraction"].value == 0


def test_the_skin_is_as_far_as_a_ruler_says(pelvis: Case, found):
    fact = found(0.0)["distance_skin_mm"]
    # From the front of L3 to the skin of the back or belly: between 5 and 15 cm in an adult.
    assert 50 < fact.value < 150
    assert fact.origin == "estimated"

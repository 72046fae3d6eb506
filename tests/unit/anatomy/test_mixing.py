"""Is a mixture what its parts make it?"""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import library
from iceball.anatomy._mixing import mixed
from iceball.errors import InputError
from iceball.nouns import FreezingPointDepression

CORTEX, MARROW = library.tissue("cortical_bone"), library.tissue("red_marrow")
CHOICES = ("name", "inert", "freezing", "held_c", "vasoconstriction")
NUMBERS = [field.name for field in dataclasses.fields(CORTEX) if field.name not in CHOICES]


@pytest.mark.parametrize("pure", [CORTEX, MARROW])
def test_all_of_one_part_is_that_part(pure):
    other = MARROW if pure is CORTEX else CORTEX
    result = mixed("m", [(pure, 1.0), (other, 0.0)])
    for field in NUMBERS:
        # exp(log(k)) may lose the last bits
        assert getattr(result, field) == pytest.approx(getattr(pure, field), rel=1e-12)


@given(share=st.floats(0.0, 1.0))
def test_every_property_lies_between_those_of_the_parts(share: float):
    result = mixed("m", [(CORTEX, share), (MARROW, 1 - share)])
    for field in NUMBERS:
        low, high = sorted((getattr(CORTEX, field), getattr(MARROW, field)))
        slack = 1e-9 * max(abs(low), abs(high))  # rounding
        assert low - slack <= getattr(result, field) <= high + slack


def test_half_and_half_conducts_as_the_geometric_mean():
    result = mixed("m", [(CORTEX, 0.5), (MARROW, 0.5)])
    expected = math.sqrt(CORTEX.conductivity_w_per_m_k * MARROW.conductivity_w_per_m_k)
    assert result.conductivity_w_per_m_k == pytest.approx(expected, rel=1e-12)
    heat = (CORTEX.latent_heat_j_per_m3 + MARROW.latent_heat_j_per_m3) / 2
    assert result.latent_heat_j_per_m3 == pytest.approx(heat, rel=1e-12)


def test_the_freezing_range_is_where_the_latent_heat_is():
    wet = dataclasses.replace(MARROW, solidus_c=-4.0, liquidus_c=-1.0, latent_heat_j_per_m3=3e8)
    dry = dataclasses.replace(CORTEX, solidus_c=-20.0, liquidus_c=-5.0, latent_heat_j_per_m3=1e8)
    result = mixed("m", [(wet, 0.5), (dry, 0.5)])
    # three quarters of the heat is the wet part's
    assert (result.solidus_c, result.liquidus_c) == pytest.approx((-8.0, -2.0))


def test_parts_without_latent_heat_mix_by_volume():
    dry = [dataclasses.replace(t, latent_heat_j_per_m3=0.0, solidus_c=s) for t, s in ((CORTEX, -8.0), (MARROW, -2.0))]
    assert mixed("m", [(dry[0], 0.5), (dry[1], 0.5)]).solidus_c == pytest.approx(-5.0)


def test_parts_that_freeze_by_one_law_make_a_mixture_that_does_too():
    law = FreezingPointDepression(complete_c=-40.0)
    parts = [(dataclasses.replace(tissue, freezing=law), 0.5) for tissue in (CORTEX, MARROW)]
    assert mixed("m", parts).freezing == law


def test_parts_that_freeze_by_different_laws_are_refused():
    other = dataclasses.replace(MARROW, freezing=FreezingPointDepression(complete_c=-40.0))
    with pytest.raises(InputError, match="m: cortical_bone, red_marrow freeze by different laws; choose one law"):
        mixed("m", [(CORTEX, 0.5), (other, 0.5)])


def test_the_law_of_a_part_without_latent_heat_does_not_matter():
    law = FreezingPointDepression(complete_c=-40.0)
    dry = dataclasses.replace(CORTEX, latent_heat_j_per_m3=0.0)
    assert mixed("m", [(dry, 0.5), (dataclasses.replace(MARROW, freezing=law), 0.5)]).freezing == law


@given(share=st.floats(0.01, 0.99), score=st.floats(-1.0, 1.0))
def test_conductivity_stays_between_series_and_parallel(share: float, score: float):
    parts = [(CORTEX, share), (MARROW, 1 - share)]
    k, other = CORTEX.conductivity_w_per_m_k, MARROW.conductivity_w_per_m_k
    series, parallel = 1 / (share / k + (1 - share) / other), share * k + (1 - share) * other
    found = mixed("m", parts, score).conductivity_w_per_m_k
    assert series * (1 - 1e-12) <= found <= parallel * (1 + 1e-12)  # rounding


@pytest.mark.parametrize(
    ("score", "of_half_and_half"), [(-1.0, lambda a, b: 2 / (1 / a + 1 / b)), (1.0, lambda a, b: (a + b) / 2)]
)
def test_the_ends_of_the_arrangement_are_series_and_parallel(score: float, of_half_and_half):
    result = mixed("m", [(CORTEX, 0.5), (MARROW, 0.5)], score)
    for field in ("conductivity_w_per_m_k", "frozen_conductivity_w_per_m_k"):
        assert getattr(result, field) == pytest.approx(of_half_and_half(getattr(CORTEX, field), getattr(MARROW, field)))


def test_the_arrangement_moves_nothing_but_the_conductivity():
    plain, parallel = (mixed("m", [(CORTEX, 0.5), (MARROW, 0.5)], score) for score in (0.0, 1.0))
    for field in NUMBERS:
        if "conductivity_w" not in field:
            assert getattr(plain, field) == getattr(parallel, field)

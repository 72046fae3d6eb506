"""Polynomials instead of tables: where they serve, they are the curve; where they would not be, they do not serve."""

import lab
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.polynomial.polynomial import polyval

from iceball import library
from iceball.nouns import FreezingPointDepression
from iceball.thermal.materials import HELD_BELOW_C, curve
from iceball.thermal.media import make_media
from iceball.thermal.smooth import OFF_K


def polynomials_of(tissue):
    """The polynomials of ``tissue``, its straight line, and what is subtracted from enthalpy and potential."""
    media = make_media(lab.make_problem((4, 4, 4), 1.0, tissue))
    return media.smooth[0], media.medium[0], media.shift_h[0], media.shift_p[0]


def potential(smooth, line, h):
    """What the kernel makes of ``h`` (N,) [J/m³], in double precision."""
    x = (h - smooth["middle"]) * smooth["scale"]
    cold = polyval(np.maximum(x, -1.0), smooth["cold"].astype(float)) + smooth["slope"] * np.minimum(x + 1.0, 0.0)
    mushy = polyval((h - smooth["mushy_middle"]) * smooth["mushy_scale"], smooth["mushy"].astype(float))
    straight = line["p0"].astype(float) + line["p1"].astype(float) * h
    return np.where(h < smooth["thaws"], cold, np.where(h < smooth["straight"], mushy, straight))


def off_k(tissue):
    """How far the polynomials are from the exact curve, in kelvin of the worst conducting temperature; and whether
    they are to be used.
    """
    smooth, line, shift_h, shift_p = polynomials_of(tissue)
    made = curve(tissue)
    seen = (made.temperature_c > -200.0) & (made.temperature_c < 60.0)
    h, exact = made.enthalpy_j_per_m3[seen] - shift_h, made.potential_w_per_m[seen] - shift_p
    return float((np.abs(potential(smooth, line, h) - exact) / made.conductivity_w_per_m_k[seen]).max()), smooth["good"]


ORDINARY = [n for n in library.tissue_names() if n in ("muscle", "red_marrow", "fat", "cortical_bone", "liver")]


@pytest.mark.parametrize("name", ORDINARY)
def test_a_tissue_with_a_linear_mush_is_a_polynomial_to_some_millikelvin(name):
    off, good = off_k(library.tissue(name))
    assert good
    # what the fit may be off by, and as much again: the table, to which it is fitted, has its nodes beside the corners
    assert off < 2 * OFF_K


@given(
    k=st.floats(0.2, 1.0), frozen_k=st.floats(0.3, 3.0), latent=st.floats(1e7, 3.3e8), solidus=st.floats(-30.0, -3.0)
)
def test_whatever_is_taken_for_smooth_is_its_own_curve(k, frozen_k, latent, solidus):
    tissue = lab.gel(
        conductivity_w_per_m_k=k, frozen_conductivity_w_per_m_k=frozen_k, latent_heat_j_per_m3=latent, solidus_c=solidus
    )
    off, good = off_k(tissue)
    assert off < 3 * OFF_K or not good


def test_freezing_point_depression_is_left_to_the_tables():
    tissue = lab.gel(freezing=FreezingPointDepression(complete_c=-40.0))
    assert not polynomials_of(tissue)[0]["good"]


def test_below_what_is_known_of_ice_the_potential_is_a_straight_line():
    smooth, line, shift_h, _ = polynomials_of(lab.gel())
    made = curve(lab.gel())
    below = made.temperature_c < HELD_BELOW_C
    h = made.enthalpy_j_per_m3[below] - shift_h
    slopes = np.diff(potential(smooth, line, h)) / np.diff(h)
    assert np.ptp(slopes) < 1e-4 * slopes.mean()  # single precision of h

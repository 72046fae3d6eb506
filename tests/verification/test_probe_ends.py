"""What an insulated shaft behind the active zone does, by the axisymmetric reference: it shortens by 0.78 radii."""

from __future__ import annotations

import numpy as np
import pytest

from iceball.nouns.probe import SHADOW_RADII
from iceball.thermal.exact.axisymmetric import Medium, Setup, extents, solve

GEL = Medium(ku=0.52, k40=2.2, cu=3.78e6, c40=1.79e6, latent=250e6, solidus=-8.0, liquidus=-1.0)
MARROW = Medium(
    ku=0.2, k40=0.4, cu=2.0e6, c40=1.9e6, latent=42e6, solidus=-10.0, liquidus=-0.6, capacity_ice_fraction=0.12
)
CASES = {
    "gel": (GEL, {}),
    "thick probe": (GEL, {"radius_mm": 1.7}),
    "power-limited surface": (GEL, {"surface_c": -75.0}),
    "two minutes": (GEL, {"until_s": 120.0}),
    "short": (GEL, {"active_mm": 10.0}),
    "fatty marrow": (MARROW, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_insulated_shaft_shortens_every_isotherm_by_three_quarters_of_a_radius(name: str):
    medium, changes = CASES[name]
    setup = {"radius_mm": 0.75, "active_mm": 30.0, "surface_c": -140.0, "until_s": 600.0} | changes
    cell_mm = setup["radius_mm"] / 4
    (wide, bare), (narrow, shadowed) = (
        extents(*solve(medium, Setup(**setup, insulated_shaft=insulated), cell_mm)) for insulated in (False, True)
    )
    # One number for all cases is good to a tenth of a radius, a tenth of a millimetre; cells of a quarter of a radius
    # leave 0.05 of a radius (at half of that the same numbers come out within it).
    assert (bare - shadowed) / setup["radius_mm"] == pytest.approx(np.full(3, SHADOW_RADII), abs=0.12)
    # both ends of the reference change: a probe of 10 mm feels it at its middle too, by a quarter of a radius
    assert np.abs(wide - narrow).max() < 0.3 * setup["radius_mm"]

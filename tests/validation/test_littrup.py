"""One 2.4 mm argon probe in agar at 39 °C (Littrup 2009): the measurement its power limit was inferred from."""

from __future__ import annotations

import lab
import numpy as np
from scipy.ndimage import map_coordinates

from iceball import library
from iceball.nouns import Grid, Placement
from iceball.thermal import NumbaBackend
from iceball.thermal.wells import wells

MEASURED_MM = 12.0  # diameter of the -30 °C isotherm after 15 min (physics notes, section 0, READ)
SPACING_MM = 1.5


def test_the_power_limited_probe_freezes_the_measured_diameter_in_agar():
    probe = library.probe("argon-13g-35mm")
    n = round(84 / SPACING_MM)
    grid = Grid(shape=(n, n, n), spacing_mm=(SPACING_MM,) * 3, origin_mm=(0.0, 0.0, 0.0))
    middle = np.array([41.3, 41.9, 41.6])
    along = np.array([0.1, 0.2, 0.97]) / np.linalg.norm([0.1, 0.2, 0.97])
    tip = middle - along * (probe.tip_to_active_mm + probe.active_length_mm / 2)
    placement = Placement(label="A", probe=probe, tip_mm=tuple(tip), entry_mm=tuple(tip + 60 * along))
    segments = wells([placement], grid, np.zeros(grid.shape, np.uint8), np.ones(1, bool))
    problem = lab.make_problem(grid.shape, SPACING_MM, library.tissue("agar_gel"), wells=segments)
    driver = lab.gas_at(probe.gas_temperature_c, tau_s=probe.cooling_time_s, from_c=39.0)
    steps = lab.march(problem, NumbaBackend(), 39.0, driver, until_s=900.0, coldest_c=-150.0, longest_s=10.0)
    temperature = lab.last(steps).temperature
    across = np.cross(along, [1.0, 0.0, 0.0])
    reach = np.arange(0.0, 30.0, 0.05)
    ray = map_coordinates(temperature, (middle[:, None] + np.outer(across, reach)) / SPACING_MM, order=1)
    diameter_mm = 2 * reach[int(np.flatnonzero(ray < -30.0)[-1])]
    # the measurement's own uncertainty is not known here: a judgement of half a millimetre at each side
    assert abs(diameter_mm - MEASURED_MM) < 1.0, diameter_mm

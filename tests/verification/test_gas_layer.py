"""Five millimetres of carbon dioxide between ice and muscle: the figures of decision 0009."""

from __future__ import annotations

import functools
from dataclasses import replace

import lab
import numpy as np
import pytest

from iceball import library
from iceball.nouns import Tissue
from iceball.thermal.marching import Leg, march
from iceball.thermal.stepping import euler_limit

MUSCLE, AIR, GAS = library.tissue("muscle"), library.tissue("air"), library.tissue("carbon_dioxide")
REAL_J_PER_M3_K = 1.74 * 850.0  # density and heat capacity of the rows
SWIFT = replace(GAS, heat_capacity_j_per_m3_k=REAL_J_PER_M3_K, frozen_heat_capacity_j_per_m3_k=REAL_J_PER_M3_K)
STILL = replace(GAS, conductivity_w_per_m_k=0.0175, frozen_conductivity_w_per_m_k=0.0175)


def layered(layer: Tissue, face_c: float):
    """A wall at ``face_c``, 5 mm of ``layer``, 40 mm of muscle, in voxels of 1 mm."""
    index = np.ones((45, 1, 1), np.uint8)
    index[:5] = 0
    return lab.make_problem(index.shape, 1.0, layer, MUSCLE, index=index, walls=(lab.held(0, 0, face_c),))


@functools.cache
def first_voxel_c(layer: Tissue, face_c: float = -40.0) -> float:
    """Temperature [°C] of the muscle's first millimetre after ten minutes."""
    leg = Leg(start_s=0.0, stop_s=600.0, freezing=True, begin=lambda _: lab.off)
    moments = list(march(layered(layer, face_c), 37.0, [leg], [600.0]))
    return float(moments[-1].temperature_c[5, 0, 0])


@pytest.mark.parametrize(
    ("layer", "face_c", "printed"),
    [
        (AIR, -40.0, 37.1),
        (STILL, -40.0, 32.8),
        (GAS, -40.0, 25.9),
        (MUSCLE, -40.0, -21.9),
        (STILL, 0.0, 35.1),
        (GAS, 0.0, 31.7),
        (MUSCLE, 0.0, 15.2),
    ],
)
def test_the_decision_prints_what_comes_out(layer: Tissue, face_c: float, printed: float):
    assert first_voxel_c(layer, face_c) == pytest.approx(printed, abs=0.1)  # the last digit printed


def test_the_heat_lent_to_the_gas_does_not_show():
    # the decision prints 0.04 K; a tenth of a kelvin decides nothing
    assert abs(first_voxel_c(GAS) - first_voxel_c(SWIFT)) < 0.1


def test_without_it_the_gas_would_set_the_step_thirty_times_smaller():
    slow, swift = (euler_limit(layered(layer, -40.0), -60.0) for layer in (GAS, SWIFT))
    assert slow > 30 * swift
    assert slow > 0.9 * min(slow, euler_limit(layered(MUSCLE, -40.0), -150.0)), "tissue sets the step, not gas"


@pytest.mark.parametrize(("name", "step_s"), [("muscle", 0.100), ("metal", 0.045), ("pmma_cement", 1.49)])
def test_the_steps_printed_for_one_millimetre_are_those_of_the_rows(name: str, step_s: float):
    problem = lab.make_problem((4, 4, 4), 1.0, library.tissue(name))
    # physics README 6: h²/(6 α); three digits are printed
    assert euler_limit(problem, -150.0) == pytest.approx(step_s, rel=0.01)

"""Do the fractions add up, follow HU, and give bone the mineral that real bone has?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import anatomy, io, library
from iceball.anatomy._factors import Draw
from iceball.anatomy._fractions import FIELDS, MOVING, hu_of_matrix, matrix_fraction

HU = np.linspace(-200.0, 2200.0, 97)
PARTS = ("mineral_fraction", "organic_fraction", "fat_fraction", "water_fraction")
scores = st.dictionaries(st.sampled_from(MOVING), st.floats(-1.0, 1.0))


@given(hu=st.floats(-1000.0, 3000.0), drawn=scores, long_bone=st.booleans())
def test_the_four_parts_fill_the_voxel_and_none_is_negative(hu: float, drawn: dict, long_bone: bool):
    found = anatomy.fractions(hu, long_bone=long_bone, draw=Draw(scores=drawn))
    parts = [float(getattr(found, name)) for name in PARTS]
    assert sum(parts) == pytest.approx(1.0, abs=1e-12)
    assert min(parts) >= -1e-12  # the rest is a difference: rounding


@given(hu=st.floats(-1000.0, 3000.0), more=st.floats(0.0, 1000.0), drawn=scores)
def test_more_hu_never_mean_less_bone_matrix(hu: float, more: float, drawn: dict):
    draw = Draw(scores=drawn)
    less, greater = (float(anatomy.fractions(value, draw=draw).matrix_fraction) for value in (hu, hu + more))
    assert 0.0 <= less <= greater + 1e-12 <= 1.0 + 1e-12  # rounding


@pytest.mark.parametrize("long_bone", [False, True])
def test_the_hu_of_the_parts_add_up_to_the_hu_of_the_voxel(long_bone: bool):
    found = anatomy.fractions(HU, long_bone=long_bone)
    rules = library.hu_rules()
    matrix_hu = rules["mineral_density"].value * rules["mineral_in_matrix_fraction"].value / rules["bmd_per_hu"].value
    x = found.matrix_fraction
    mixed = (x > 0) & (x < 1)
    marrow_hu = ((HU - x * matrix_hu) / (1 - np.where(mixed, x, 0)))[mixed]
    assert np.ptp(marrow_hu) < 1e-6  # one marrow, whatever the matrix
    lean, fatty = rules["red_marrow_hu"].value, rules["yellow_marrow_hu"].value
    # the fat expected in a vertebra is red marrow's own, that of a long bone yellow marrow's: within 1 % of the way
    assert marrow_hu[0] == pytest.approx(fatty if long_bone else lean, abs=0.01 * (lean - fatty))


def test_fat_does_not_pass_for_thin_bone():
    here, long = (anatomy.fractions(50.0, long_bone=which) for which in (False, True))
    # fatty marrow is 90 HU darker, so the same HU holds 0.8 mg/ml/HU x 90 HU = 70 mg/ml more mineral
    assert float(long.bmd_mg_per_ml - here.bmd_mg_per_ml) == pytest.approx(70.0, rel=0.1)


def test_marrow_holds_the_fat_that_its_prior_says():
    rules = library.hu_rules()
    for name, long_bone in (("marrow_fat_fraction", False), ("marrow_fat_fraction_long_bone", True)):
        assert float(anatomy.fractions(-300.0, long_bone=long_bone).fat_fraction) == rules[name].value


def test_solid_matrix_has_the_mineral_of_the_library():
    rules, found = library.hu_rules(), anatomy.fractions(3000.0)
    assert float(found.mineral_fraction) == rules["mineral_in_matrix_fraction"].value
    assert float(found.bmd_mg_per_ml) == pytest.approx(0.43 * 3160)


@given(share=st.floats(0.0, 1.0), filling_hu=st.floats(-900.0, 200.0))
def test_hu_of_matrix_and_matrix_of_hu_are_inverse(share: float, filling_hu: float):
    hu = np.asarray(hu_of_matrix(share, filling_hu))
    assert float(matrix_fraction(hu, filling_hu)) == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("long_bone", [False, True])
def test_the_spread_holds_the_value_and_all_but_a_few_draws(long_bone: bool):
    middle = anatomy.fractions(HU, long_bone=long_bone)
    low, high = anatomy.fraction_spread(HU, long_bone=long_bone)
    many = [anatomy.fractions(HU, long_bone=long_bone, draw=draw) for draw in anatomy.draws(300, seed=4)]
    for name in (*FIELDS, "bmd_mg_per_ml"):
        value, least, most = (getattr(each, name) for each in (middle, low, high))
        assert (least <= value + 1e-12).all()
        assert (value <= most + 1e-12).all()
        drawn = np.array([getattr(each, name) for each in many])
        slack = 4.0 if name == "bmd_mg_per_ml" else 0.003  # what is cut at none and all is cut for the sum
        inside = ((drawn >= least - slack) & (drawn <= most + slack)).mean(axis=0)
        # triangular scores added in quadrature: 1.4 % beyond for many equal ones, and something for what is not linear
        solid = (HU > 1600) & (HU < 1850) & (name in ("mineral_fraction", "bmd_mg_per_ml"))  # the docstring says so
        assert inside[~solid].min() > 0.95, name
        assert (np.percentile(drawn, 99, axis=0) <= 1.1 * most + slack).all(), name


def test_the_spread_of_trabecular_bone_is_that_of_the_ash_studies():
    low, high = anatomy.fraction_spread(150.0)
    width = float(high.bmd_mg_per_ml - low.bmd_mg_per_ml) / 2
    # the bias of 42.5 mg/ml alone, and not much more: the slope matters little at 150 HU
    assert 42.5 < width < 65.0


@pytest.fixture(scope="module")
def spine(shared_data: Path):
    folder = shared_data / "abdomen_pelvis_ct"
    return io.read_scan(folder / "example_ct.nii.gz", labels=folder / "vertebrae_seg.nii.gz")


def test_real_vertebrae_have_the_mineral_density_of_an_adult(spine, shared_data: Path):
    from scipy.ndimage import binary_erosion

    folder = shared_data / "abdomen_pelvis_ct"
    bodies = io.read_scan(folder / "example_ct.nii.gz", labels=folder / "vertebrae_body_seg.nii.gz").labels.array == 1
    found = {}
    for number in range(26, 33):
        inside = binary_erosion((spine.labels.array == number) & bodies, iterations=2)  # 6 mm: no cortex
        density = anatomy.fractions(spine.ct.array[inside]).bmd_mg_per_ml
        found[library.label_names()[number]] = float(density.mean())
    # adults have 50 (frail) to 200 mg/ml (young) of trabecular bone; this one is at the lower end: 75 to 105
    assert len(found) == 7
    assert all(60.0 < value < 200.0 for value in found.values()), found


def test_the_densest_real_bone_is_cortex(spine):
    dense = spine.ct.array[spine.labels.array > 0].max()
    # 3 mm blur a cortex of 1 to 2 mm; solid matrix has 1359 mg/ml
    assert 700.0 < float(anatomy.fractions(float(dense)).bmd_mg_per_ml) < 1359.0

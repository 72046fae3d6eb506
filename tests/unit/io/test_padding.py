"""Padding is told from tissue: constant borders go, zeros of the noise stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import io
from iceball.errors import InputError
from iceball.io._padding import LEAST_CONSTANT_VOXELS, border_regions, constant_border, find_padding


@pytest.fixture
def patch() -> np.ndarray:
    """(24, 24, 24) HU of noisy fat with a noisy water centre and a bone, without any border of constant value."""
    rng = np.random.default_rng(4)
    array = rng.normal(-90, 12, (24, 24, 24))
    array[4:20, 4:20, 4:20] = rng.normal(0, 5, (16, 16, 16))
    array[8:12, 8:12, 8:12] += 500
    return np.rint(array).astype(np.float32)


def test_a_zero_padded_side_is_masked_and_set_to_air(make_nifti, patch):
    patch[:5] = 0.0
    case = io.read_scan(make_nifti(patch))
    assert np.all(case.field_of_view.array[:5] == 0)
    assert np.all(case.field_of_view.array[5:] == 1)  # though zeros of the water's noise touch the padding
    assert np.all(case.ct.array[:5] == -1024)
    assert case.notes == ("21 % of the voxels are padding, not tissue: set to -1024 HU",)


def test_water_with_the_noise_of_a_ct_is_no_padding(make_nifti, patch):
    assert np.count_nonzero(patch == 0) > 200  # many voxels of water are exactly 0 HU
    assert io.read_scan(make_nifti(patch)).field_of_view is None


def test_a_constant_region_inside_the_body_is_no_padding(make_nifti, patch):
    patch[4:20, 4:20, 4:20] = 0.0
    patch[8:12, 8:12, 8:12] = 500
    assert io.read_scan(make_nifti(patch)).field_of_view is None


def test_a_small_constant_corner_is_no_padding(make_nifti, patch):
    patch[:9, :9, :9] = 0.0  # 729 voxels
    assert LEAST_CONSTANT_VOXELS > 9**3
    assert io.read_scan(make_nifti(patch)).field_of_view is None


def test_nan_is_padding_at_the_border_and_refused_inside(make_nifti, patch):
    patch[:5] = np.nan
    case = io.read_scan(make_nifti(patch))
    assert np.all(case.field_of_view.array[:5] == 0)
    assert np.all(np.isfinite(case.ct.array))
    patch[12, 12, 12] = np.nan
    with pytest.raises(InputError, match=r"holds voxels without a number \(NaN or infinite\) inside the scan \(1\)"):
        io.read_scan(make_nifti(patch))


def test_a_lesion_on_padding_is_refused_and_one_that_touches_it_is_noted(make_nifti, patch):
    patch[:5] = 0.0
    mask = np.zeros(patch.shape, dtype=np.uint8)
    mask[4:8, 10, 10] = 1  # one of four in the padding
    case = io.read_scan(make_nifti(patch), lesion=make_nifti(mask, "lesion.nii"))
    assert "25 % of the lesion lies on padding, where nothing was scanned" in case.notes
    mask[:] = 0
    mask[1:4, 10, 10] = 1
    with pytest.raises(InputError, match=r"lesion lesion\.nii lies outside the scan: 100 % of it is on padding"):
        io.read_scan(make_nifti(patch), lesion=make_nifti(mask, "lesion.nii"))


@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(2.0, 40.0))
def test_noise_alone_is_never_padding(seed, spread):
    array = np.rint(np.random.default_rng(seed).normal(0, spread, (20, 20, 20)))
    assert not find_padding(array, "CT").any()


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.0, 1.0))
def test_what_is_kept_was_marked_and_reaches_the_border(seed, share):
    marked = np.random.default_rng(seed).random((12, 12, 12)) < share
    kept = constant_border(marked)
    assert not np.any(kept & ~border_regions(marked))
    assert not np.any(border_regions(marked) & ~marked)
    if kept.any():
        inner = kept.copy()
        inner[1:-1, 1:-1, 1:-1] = False
        assert inner.any()


def test_a_real_patch_with_a_padded_corner_loses_the_corner_only(shared_data, make_nifti):
    import nibabel as nib

    array = np.asanyarray(nib.load(shared_data / "bone_lesions_ct" / "2.nii.gz").dataobj).copy()
    array[:20, :30] = 0.0
    case = io.read_scan(make_nifti(array))
    expected = np.ones(array.shape, dtype=np.uint8)
    expected[:20, :30] = 0
    np.testing.assert_array_equal(case.field_of_view.array, expected)

"""DICOM SEG and RTSTRUCT in: on the right voxels, with their names, or refused."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from iceball import io
from iceball.errors import GeometryError, InputError, UnknownName


@pytest.fixture
def labels(body) -> np.ndarray:
    array = np.zeros(body.shape, dtype=np.uint8)
    array[4:7, 5:8, 2:6], array[8, 4, 1:7] = 1, 2
    return array


NAMES = ["vertebrae_L1", "Spinal Cord"]


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_seg_lands_on_its_voxels_with_its_names(make_series, headers, make_seg, labels, kind):
    folder = make_series()
    case = io.read_scan(folder, labels=make_seg(headers(folder), labels, NAMES, kind))
    np.testing.assert_array_equal(case.labels.array, labels)
    assert [(s.name, s.label) for s in case.structures] == [("vertebrae_L1", 1), ("spinal_cord", 2)]
    assert case.notes == ()


def test_a_seg_drawn_on_slices_in_reverse_order_lands_on_the_same_voxels(make_series, headers, make_seg, labels):
    folder = make_series()
    seg = make_seg(headers(folder)[::-1], labels[:, :, ::-1], NAMES)
    np.testing.assert_array_equal(io.read_scan(folder, labels=seg).labels.array, labels)


def test_a_seg_on_a_part_of_the_slices_lands_on_them(make_series, headers, make_seg, labels):
    folder = make_series()
    seg = make_seg(headers(folder)[2:6], labels[:, :, 2:6], NAMES)
    expected = labels.copy()
    expected[:, :, :2] = expected[:, :, 6:] = 0
    np.testing.assert_array_equal(io.read_scan(folder, labels=seg).labels.array, expected)


def test_a_lesion_on_one_slice_lands_on_it(make_series, headers, make_seg, body):
    mask = np.zeros(body.shape, dtype=np.uint8)
    mask[5, 6, 3] = 1
    folder = make_series()
    case = io.read_scan(folder, lesion=make_seg(headers(folder), mask, ["GTV"]))
    np.testing.assert_array_equal(case.lesion.mask.array, mask)


def test_a_lesion_is_picked_from_a_seg_by_name(make_series, headers, make_seg, labels):
    folder = make_series()
    seg = make_seg(headers(folder), labels, NAMES)
    with pytest.raises(InputError, match=r"holds 2 regions \(vertebrae_L1, Spinal Cord\): pick one as FILE#NAME"):
        io.read_scan(folder, lesion=seg)
    with pytest.raises(UnknownName, match="no region 'GTV'; it has: vertebrae_L1, Spinal Cord"):
        io.read_scan(folder, lesion=f"{seg}#GTV")
    case = io.read_scan(folder, lesion=f"{seg}#Spinal Cord")
    np.testing.assert_array_equal(case.lesion.mask.array, labels == 2)


def test_a_seg_of_another_series_in_the_same_frame_is_resampled_and_noted(make_series, headers, make_seg, labels):
    folder = make_series()
    frame = headers(folder)[0].FrameOfReferenceUID

    def same_frame(dataset, k):
        dataset.FrameOfReferenceUID = frame

    fine = make_series(
        labels.repeat(2, axis=0).repeat(2, axis=1).astype(np.int16),
        "fine",
        spacing_mm=(0.4, 0.35, 2.0),
        origin_mm=(-10.2, -20.175, 30.0),
        change=same_frame,
    )
    seg = make_seg(headers(fine), labels.repeat(2, axis=0).repeat(2, axis=1), NAMES)
    case = io.read_scan(folder, labels=seg)
    np.testing.assert_array_equal(case.labels.array, labels)
    assert case.notes == ("labels resampled onto the CT (nearest neighbour) from voxels of 0.4 × 0.35 × 2 mm",)


def test_a_seg_of_another_frame_is_refused_even_on_the_same_grid(make_series, headers, make_seg, labels):
    folder, other = make_series(), make_series(folder="other")
    seg = make_seg(headers(other), labels, NAMES)
    with pytest.raises(GeometryError, match=r"labels seg\.dcm has another frame of reference than the CT"):
        io.read_scan(folder, labels=seg)


def test_segments_that_overlap_are_refused(make_series, headers, make_seg, labels):
    folder = make_series()
    both = np.stack([labels == 1, labels >= 1]).astype(np.uint8)
    with pytest.raises(InputError, match="has segments that overlap"):
        io.read_scan(folder, labels=make_seg(headers(folder), both, NAMES))


def test_a_fractional_seg_is_refused(make_series, headers, make_seg, labels):
    folder = make_series()
    seg = make_seg(headers(folder), (labels == 1).astype(np.float32), NAMES[:1], "FRACTIONAL")
    with pytest.raises(InputError, match="is a FRACTIONAL SEG: export it as BINARY"):
        io.read_scan(folder, labels=seg)


def test_a_lesion_that_hangs_over_the_edge_is_refused(make_series, headers, make_seg, body):
    folder = make_series()
    mask = np.zeros(body.shape, dtype=np.uint8)
    mask[5:8, 5, 1:6] = 1
    whole = make_seg(headers(folder), mask, ["GTV"])
    for header in headers(folder)[4:]:
        Path(header.filename).unlink()
    with pytest.raises(GeometryError, match=r"lesion seg\.dcm: 40 % of it lies outside the scan; give a CT that holds"):
        io.read_scan(folder, lesion=whole)


def circle(centre_mm, radius_mm, height_mm, count=72) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x, y = centre_mm[0] + radius_mm * np.cos(angle), centre_mm[1] + radius_mm * np.sin(angle)
    return np.column_stack([x, y, np.full(count, height_mm)])


@pytest.fixture
def wide(make_series, headers):
    """A CT of 60 x 60 x 6 voxels, 1 x 1 x 2 mm, from (0, 0, 0); its folder and its frame of reference."""
    array = np.random.default_rng(2).integers(-100, 200, size=(60, 60, 6)).astype(np.int16)
    folder = make_series(array, spacing_mm=(1.0, 1.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
    return folder, headers(folder)[0].FrameOfReferenceUID


def areas_mm2(case) -> np.ndarray:
    return case.lesion.mask.array.sum(axis=(0, 1)) * 1.0


def test_contours_are_filled_and_a_contour_within_a_contour_is_a_hole(make_rtstruct, wide):
    folder, frame = wide
    contours = [circle((30, 25), 15, 4.0), circle((30, 25), 6, 4.0), circle((30, 25), 15, 6.0)]
    case = io.read_scan(folder, lesion=make_rtstruct(frame, {"GTV": contours}))
    ring, disc = np.pi * (15**2 - 6**2), np.pi * 15**2
    # a circle cuts about its circumference in voxels, each right on average: 2 % of these areas is generous
    np.testing.assert_allclose(areas_mm2(case), [0, 0, ring, disc, 0, 0], rtol=0.02)
    mask = case.lesion.mask
    assert mask.array[30, 25, 2] == 0
    assert mask.array[30, 25, 3] == 1
    centre = mask.grid.position_mm(np.argwhere(mask.array)).mean(axis=0)
    np.testing.assert_allclose(centre[:2], [30, 25], atol=0.05)  # symmetric: well within a voxel
    assert case.notes == ()


def test_two_islands_on_one_slice_are_both_filled(make_rtstruct, wide):
    folder, frame = wide
    contours = [circle((15, 15), 8, 4.0), circle((45, 40), 8, 4.0)]
    case = io.read_scan(folder, lesion=make_rtstruct(frame, {"GTV": contours}))
    np.testing.assert_allclose(areas_mm2(case)[2], 2 * np.pi * 64, rtol=0.03)  # smaller circles, coarser count


def test_stray_contours_of_one_or_two_points_enclose_nothing(make_rtstruct, wide):
    folder, frame = wide
    whole, strays = circle((30, 30), 10, 4.0), [np.array([[20.0, 20.0, 6.0]]), np.array([[20.0, 20, 6], [30, 20, 6]])]
    clean = io.read_scan(folder, lesion=make_rtstruct(frame, {"GTV": [whole]}, "clean.dcm"))
    case = io.read_scan(folder, lesion=make_rtstruct(frame, {"GTV": [whole, *strays]}))
    np.testing.assert_array_equal(case.lesion.mask.array, clean.lesion.mask.array)
    with pytest.raises(InputError, match="is empty: it has no closed contour"):
        io.read_scan(folder, lesion=make_rtstruct(frame, {"GTV": strays}, "strays.dcm"))


def test_contours_drawn_on_other_slices_fill_the_nearest_ones_and_say_so(make_rtstruct, wide):
    folder, frame = wide
    coarse = [circle((30, 30), radius, height) for radius, height in [(10, 1.0), (14, 5.0)]]
    case = io.read_scan(folder, lesion=make_rtstruct(frame, {"GTV": coarse}))
    # planes 4 mm apart: each reaches 2 mm up and down, over slices at 0, 2 and at 4, 6
    small, large = np.pi * 10**2, np.pi * 14**2
    np.testing.assert_allclose(areas_mm2(case), [small, small, large, large, 0, 0], rtol=0.02)
    assert case.notes == ("lesion contours were drawn on other slices: each fills the slices nearest to it",)


def test_one_of_several_regions_is_picked_by_name(make_rtstruct, wide):
    folder, frame = wide
    regions = {"Body": [circle((30, 30), 28, 4.0)], "GTV 1": [circle((30, 30), 5.5, 4.0)]}
    path = make_rtstruct(frame, regions)
    with pytest.raises(InputError, match=r"holds 2 regions \(Body, GTV 1\): pick one as FILE#NAME"):
        io.read_scan(folder, lesion=path)
    with pytest.raises(UnknownName, match="no region 'GTV'; it has: Body, GTV 1"):
        io.read_scan(folder, lesion=f"{path}#GTV")
    case = io.read_scan(folder, lesion=f"{path}#GTV 1")
    np.testing.assert_allclose(areas_mm2(case).sum(), np.pi * 5.5**2, rtol=0.05)  # 95 voxels: five more or less


def test_contours_that_cannot_be_a_lesion_of_this_scan_are_refused(make_rtstruct, wide, make_nifti, body):
    folder, frame = wide
    good = circle((30, 30), 10, 4.0)
    cases = {
        "another frame of reference than the CT": make_rtstruct(generate_uid(), {"GTV": [good]}, "a.dcm"),
        "rs.dcm is empty: it has no closed contour": make_rtstruct(frame, {"GTV": [good]}, "rs.dcm", "POINT"),
        "100 % of it lies outside the scan": make_rtstruct(frame, {"GTV": [good + np.array([0, 0, 400])]}, "b.dcm"),
        "its contours lie askew": make_rtstruct(
            frame, {"GTV": [good @ np.diag([1, 1, 0]) + [0, 0, 4] + np.outer(good[:, 0] - 30, [0, 0, 0.2])]}, "c.dcm"
        ),
    }
    for message, path in cases.items():
        with pytest.raises(InputError, match=message):
            io.read_scan(folder, lesion=path)
    with pytest.raises(GeometryError, match="needs the DICOM CT it was drawn on, not NIfTI"):
        io.read_scan(make_nifti(body), lesion=make_rtstruct(frame, {"GTV": [good]}))


def test_an_rtstruct_is_no_label_volume_and_a_ct_slice_no_mask(make_rtstruct, wide):
    folder, frame = wide
    path = make_rtstruct(frame, {"GTV": [circle((30, 30), 10, 4.0)]})
    with pytest.raises(InputError, match="is DICOM of modality RTSTRUCT: give DICOM SEG, or NIfTI"):
        io.read_scan(folder, labels=path)
    with pytest.raises(InputError, match="is DICOM of modality CT: give DICOM SEG or RTSTRUCT"):
        io.read_scan(folder, lesion=next(folder.iterdir()))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_truncated_masks_are_refused(make_series, headers, make_seg, make_rtstruct, labels, share):
    folder = make_series()
    contours = [circle((-5, -17), 2, 34.0, count=400)]
    seg = make_seg(headers(folder), labels, NAMES)
    rtstruct = make_rtstruct(headers(folder)[0].FrameOfReferenceUID, {"GTV": contours})
    for path in (seg, rtstruct):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError) as refused:
            io.read_scan(folder, lesion=f"{path}#GTV")
        assert "\n" not in str(refused.value)

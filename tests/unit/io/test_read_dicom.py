"""DICOM CT in: slices by position, HU by the slice's own rescale, padding apart, and nothing of the patient."""

import gzip

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless, generate_uid

from iceball import io


def test_slices_are_ordered_by_where_they_lie_not_by_name_or_number(make_series, body):
    case = io.read_scan(make_series())
    np.testing.assert_array_equal(case.ct.array, body)  # every slice has its own intercept: each was applied
    assert case.ct.array.dtype == np.int16
    assert case.ct.grid.spacing_mm == pytest.approx((0.8, 0.7, 2.0))
    assert case.ct.grid.origin_mm == pytest.approx((-10.0, -20.0, 30.0))
    assert case.notes == ()


def test_a_series_with_columns_to_the_right_and_feet_first_lands_upright(make_series, body):
    def turned(dataset, k):
        dataset.ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
        dataset.ImagePositionPatient = [0.8 * 13, 0, 2.0 * k]

    case = io.read_scan(make_series(body[::-1], change=turned))
    np.testing.assert_array_equal(case.ct.array, body)
    assert case.ct.grid.origin_mm == pytest.approx((0, 0, 0), abs=1e-9)
    assert case.ct.grid.direction == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0, 1))


def test_a_coronal_series_lands_upright(make_series, body):
    def coronal(dataset, k):
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]  # columns to the left, rows to the feet
        dataset.ImagePositionPatient = [0, 1.5 * k, 0.7 * 7]

    stack = np.transpose(body, (0, 2, 1))[:, ::-1]
    case = io.read_scan(make_series(stack, spacing_mm=(0.8, 0.7, 1.5), change=coronal))
    np.testing.assert_array_equal(case.ct.array, body)
    assert case.ct.grid.spacing_mm == pytest.approx((0.8, 1.5, 0.7))
    assert case.ct.grid.origin_mm == pytest.approx((0, 0, 0), abs=1e-9)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless, JPEGLSLossless])
def test_compressed_slices_decode_to_the_same_hu(make_series, body, syntax):
    plugin = {JPEG2000Lossless: "pylibjpeg", RLELossless: "pydicom", JPEGLSLossless: "pyjpegls"}[syntax]
    stack = np.tile(body, (3, 3, 1))  # JPEG 2000 halves the picture five times: it needs 32 pixels a side

    def compress(dataset, k):
        dataset.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)

    np.testing.assert_array_equal(io.read_scan(make_series(stack, change=compress)).ct.array, stack)


def test_signed_slices_with_fractional_hu_keep_their_fractions(make_series, body):
    def signed(dataset, k):
        dataset.PixelRepresentation, dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0.25, 0
        dataset.PixelData = (body[:, :, k].T.astype("<i2") * 4 + 1).tobytes()

    array = io.read_scan(make_series(change=signed)).ct.array
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, body + np.float32(0.25))


def test_slices_with_a_frame_of_reference_each_are_read_as_one_and_noted(make_series):
    def own_frame(dataset, k):
        dataset.FrameOfReferenceUID = generate_uid()

    case = io.read_scan(make_series(change=own_frame))
    assert case.notes == ("8 slices name 8 frames of reference: read as one, their positions fit",)


def test_other_files_in_the_folder_are_left_aside_and_noted(make_series, headers, make_seg, body):
    folder = make_series()
    make_seg(headers(folder), (body > 400).astype(np.uint8), ["bone"]).rename(folder / "seg.dcm")
    (folder / "readme.txt").write_text("a text")
    notes = io.read_scan(folder).notes
    assert notes == ("1 file in the folder left aside (SEG)", "1 file in the folder left aside (no DICOM image)")


@pytest.mark.parametrize("value", [-2000, -3024, -1500])
def test_values_below_air_are_padding(make_series, body, value):
    stack = body.copy()
    stack[:2, :3] = value

    def deep(dataset, k):
        dataset.RescaleIntercept = -4000
        dataset.PixelData = ((stack[:, :, k].T + 4000) * 2).astype("<u2").tobytes()

    case = io.read_scan(make_series(change=deep))
    padded = stack == value
    np.testing.assert_array_equal(case.field_of_view.array == 0, padded)
    assert np.all(case.ct.array[padded] == -1024)
    np.testing.assert_array_equal(case.ct.array[~padded], body[~padded])
    assert case.notes == ("3.6 % of the voxels are padding, not tissue: set to -1024 HU",)  # 6 of 168 columns


@pytest.mark.parametrize("written", [-30000, 65536 - 30000])
def test_the_padding_value_is_padding_even_where_it_is_written_unsigned(make_series, body, written):
    def padded(dataset, k):
        stored = body[:, :, k].T.astype("<i2").copy()
        stored[:2] = -30000
        dataset.PixelRepresentation, dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0.05, 200
        dataset.PixelData = np.where(stored == -30000, stored, (stored - 200.0) / 0.05).astype("<i2").tobytes()
        dataset.add_new("PixelPaddingValue", "US" if written > 0 else "SS", written)

    case = io.read_scan(make_series(change=padded))
    assert np.all(case.field_of_view.array[:, :2] == 0)
    assert np.all(case.field_of_view.array[:, 2:] == 1)


def test_the_range_of_padding_values_is_padding(make_series, body):
    def padded(dataset, k):
        stored = np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns).copy()
        stored[:2, ::2], stored[:2, 1::2] = 3, 5
        dataset.PixelData = stored.tobytes()
        dataset.add_new("PixelPaddingValue", "US", 5)
        dataset.add_new("PixelPaddingRangeLimit", "US", 2)

    case = io.read_scan(make_series(change=padded))
    assert np.all(case.field_of_view.array[:, :2] == 0)
    assert np.all(case.field_of_view.array[:, 2:] == 1)


def test_a_padding_value_that_tissue_has_too_is_padding_only_as_a_large_border(make_series):
    rng = np.random.default_rng(3)
    stack = rng.integers(-40, 41, size=(30, 30, 12))
    stack[10:20, 10:20] = 700 + rng.integers(-40, 41, size=(10, 10, 12))
    stack[:, 25:], stack[0, 0] = 0, -1000
    array = stack.astype(np.int16)

    def zero_is_padding(dataset, k):
        dataset.add_new("PixelPaddingValue", "US", int((0 - float(dataset.RescaleIntercept)) * 2))

    case = io.read_scan(make_series(array, change=zero_is_padding))
    assert np.all(case.field_of_view.array[:, 25:] == 0)
    inside = case.field_of_view.array[:, :24]
    assert np.count_nonzero(array[:, :24] == 0) > 50  # zeros of the noise, which are tissue
    assert np.all(inside == 1)


def bytes_of_case(folder) -> bytes:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return b"".join(gzip.decompress(f.read_bytes()) if f.suffix == ".gz" else f.read_bytes() for f in files)


def test_nothing_that_names_the_patient_enters_a_case(make_series, headers, make_seg, make_rtstruct, planted, tmp_path):
    folder = make_series(folder="Quintessa^Zephyrine")
    slices = headers(folder)
    stack = io.read_scan(folder).ct.array
    seg = make_seg(slices, (stack > 400).astype(np.uint8), ["bone"], name="HOSP-777123.dcm")
    square = [[-8, -17, 34], [-6, -17, 34], [-6, -15, 34], [-8, -15, 34]]
    lesion = make_rtstruct(slices[0].FrameOfReferenceUID, {"GTV Quintessa": [square]}, name="ACC998877.dcm")
    case = io.read_scan(folder, labels=seg, lesion=lesion)
    io.write_case(case, tmp_path / "case")
    content = bytes_of_case(tmp_path / "case")
    uids = {str(getattr(s, f)) for s in slices for f in ("SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")}
    words = {part for value in planted.values() for part in value.replace("^", " ").split()} - {"knee", "thin"}
    found = [word for word in words | uids | {slices[0].SeriesInstanceUID} if word.lower().encode() in content.lower()]
    assert found == []
    assert b"case-" in content  # the scan of the bytes does find what is there


def test_nothing_of_a_nifti_header_enters_a_case(make_nifti, body, tmp_path):
    path = make_nifti(body, "Quintessa.nii.gz", descrip=b"Zephyrine", aux_file=b"HOSP", intent_name=b"Quintessa")
    io.write_case(io.read_scan(path), tmp_path / "case")
    content = bytes_of_case(tmp_path / "case").lower()
    assert [word for word in (b"quintessa", b"zephyrine", b"hosp") if word in content] == []

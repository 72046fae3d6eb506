"""Series that are refused: each with one line that says what, how much, what to do; nothing is left behind."""

import numpy as np
import pytest
from pydicom.uid import EnhancedCTImageStorage, generate_uid

from iceball import io
from iceball.errors import GeometryError, InputError

OTHER = generate_uid()


def drop(*gone):
    return lambda dataset, k: k not in gone


def move(k_moved, by_mm):
    def change(dataset, k):
        if k in k_moved:
            x, y, z = dataset.ImagePositionPatient
            dataset.ImagePositionPatient = [x, y, float(z) + by_mm]

    return change


def tilt(dataset, k):
    x, y, z = dataset.ImagePositionPatient
    dataset.ImagePositionPatient = [x, float(y) + 0.35 * k, z]


def put(keyword, value, at=lambda k: True):
    return lambda dataset, k: setattr(dataset, keyword, value) if at(k) else None


def remove(keyword, at=lambda k: True):
    return lambda dataset, k: delattr(dataset, keyword) if at(k) else None


def late(k):
    return k >= 6


GEOMETRY = {
    "a missing slice": (
        drop(3),
        r"1 slice is missing between 34\.00 and 38\.00 mm: the gap is 4\.00 mm where .* 2\.00",
    ),
    "two missing slices": (drop(3, 4), r"2 slices are missing between 34\.00 and 40\.00 mm"),
    "a doubled slice": (move([4], -2.0), r"two slices lie at the same place, 36\.00 mm: remove the doubled one"),
    "uneven spacing": (move([5, 6, 7], 0.7), r"unevenly spaced, 2\.00 to 2\.70 mm apart: give a series of one spacing"),
    "a tilted gantry": (tilt, r"the gantry was tilted: the stack leans by 9\.9 degrees \(2\.4 mm sideways\); straight"),
    "mixed orientation": (put("ImageOrientationPatient", [0, 1, 0, 1, 0, 0], late), "2 of 8 slices are turned against"),
    "mixed pixel spacing": (put("PixelSpacing", [1, 1], late), "2 different pixel spacings .*6 with .* 2 with"),
    "two slices": (drop(2, 3, 4, 5, 6, 7), r"too few slices \(2\): a case needs at least 3"),
    "one slice": (drop(1, 2, 3, 4, 5, 6, 7), r"too few slices \(1\): a case needs at least 3"),
    "axes not at right angles": (put("ImageOrientationPatient", [1, 0, 0, 0.6, 0.8, 0]), "not at right angles"),
}

INPUT = {
    "mixed series": (put("SeriesInstanceUID", OTHER, late), r"mixes 2 series \(6 \+ 2 slices\): put the one to read"),
    "a magnetic resonance": (put("Modality", "MR"), "not a CT: the folder holds 8 MR images"),
    "a mix of modalities": (put("Modality", "PT", late), "not a CT: the folder holds 6 CT, 2 PT images"),
    "an enhanced CT": (put("SOPClassUID", EnhancedCTImageStorage), "8 of 8 images are no plain CT slices"),
    "no rescale": (remove("RescaleSlope", late), "has no rescale slope and intercept: its values are not HU"),
    "a rescale to something else": (put("RescaleType", "US"), "is rescaled to US, not to HU"),
    "no position": (remove("ImagePositionPatient", late), r"does not say where it lies \(ImagePositionPatient"),
    "no pixels": (remove("PixelData", late), "is damaged or cut off"),
    "too few pixels": (put("PixelData", b"\0" * 100, late), "is damaged or cut off"),
    "stored values": (put("RescaleIntercept", 0), "is not a CT in HU"),
}


@pytest.mark.parametrize("what", GEOMETRY)
def test_a_stack_that_is_no_regular_grid_is_refused(make_series, what):
    change, message = GEOMETRY[what]
    with pytest.raises(GeometryError, match=message) as refused:
        io.read_scan(make_series(change=change))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("what", INPUT)
def test_slices_that_are_no_ct_in_hu_are_refused(make_series, what):
    change, message = INPUT[what]
    with pytest.raises(InputError, match=message) as refused:
        io.read_scan(make_series(change=change))
    assert "\n" not in str(refused.value)


def test_mixed_sizes_are_refused(make_series, body):
    folder = make_series(change=drop(0, 1))
    make_series(body[:10], change=lambda dataset, k: k < 2)
    with pytest.raises(InputError, match=r"mixes 2 series|2 different sizes"):
        io.read_scan(folder)


def test_mixed_sizes_in_one_series_are_refused(make_series, body):
    def crop(dataset, k):
        if k >= 6:
            dataset.Columns = 10
            dataset.PixelData = dataset.PixelData[: 2 * 10 * dataset.Rows]

    with pytest.raises(GeometryError, match=r"2 different sizes \(6 with Columns 14, 2 with Columns 10\)"):
        io.read_scan(make_series(change=crop))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_slice_is_refused_by_name(make_series, share):
    folder = make_series()
    path = sorted(folder.iterdir())[3]
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=rf"{path.name} .*(damaged|cut off|does not say|no rescale).*export it again"):
        io.read_scan(folder)


def test_an_empty_folder_and_one_without_dicom_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty is empty: give the folder that holds the DICOM slices"):
        io.read_scan(tmp_path / "empty")
    (tmp_path / "empty" / "a.txt").write_text("a")
    with pytest.raises(InputError, match=r"holds no DICOM image \(1 other files\)"):
        io.read_scan(tmp_path / "empty")


def test_small_rounding_of_positions_is_no_uneven_spacing(make_series, body):
    rng = np.random.default_rng(5)
    case = io.read_scan(make_series(change=lambda ds, k: move([k], rng.uniform(-0.005, 0.005))(ds, k)))
    np.testing.assert_array_equal(case.ct.array, body)

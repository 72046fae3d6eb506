"""Paths as people have them: with a '#', too long for the system, links, the folder they stand in."""

import os

import numpy as np
import pytest

from iceball import io
from iceball.errors import IceballError, InputError, UnknownName

TOO_LONG = "a" * 300  # file systems take 255 bytes


@pytest.fixture
def two_regions(make_nifti, body):
    mask = np.zeros(body.shape, dtype=np.uint8)
    mask[4, 4, 4], mask[6:8, 6, 4] = 1, 2
    return make_nifti(mask, "two.nii.gz")


def test_a_hash_in_the_path_of_a_mask_is_no_region(make_nifti, body, two_regions, tmp_path):
    folder = tmp_path / "patient #3"
    folder.mkdir()
    mask = two_regions.rename(folder / "two #1.nii.gz")
    case = io.read_scan(make_nifti(body), lesion=f"{mask}#2")
    assert np.count_nonzero(case.lesion.mask.array) == 2
    with pytest.raises(InputError, match=r"holds 2 regions \(1, 2\): pick one"):
        io.read_scan(make_nifti(body), lesion=mask)


def test_a_region_may_hold_a_hash_itself(make_nifti, body, two_regions):
    with pytest.raises(UnknownName, match="has no region 'GTV#2'"):
        io.read_scan(make_nifti(body), lesion=f"{two_regions}#GTV#2")


@pytest.mark.parametrize(
    "call",
    [
        lambda case, folder: io.read_scan(folder),
        lambda case, folder: io.write_case(case, folder),
        lambda case, folder: io.read_case(folder),
        lambda case, folder: io.read_plan(folder),
        lambda case, folder: io.read_run(folder),
    ],
    ids=["read_scan", "write_case", "read_case", "read_plan", "read_run"],
)
def test_a_name_that_the_system_does_not_take_is_refused_as_any_other(case, tmp_path, call):
    with pytest.raises(IceballError, match=TOO_LONG):
        call(case, tmp_path / TOO_LONG)


def test_an_empty_folder_behind_a_link_takes_the_case(case, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    io.write_case(case, tmp_path / "link")
    assert io.read_case(tmp_path / "real").id == case.id
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]


def test_the_folder_one_stands_in_is_refused_as_it_would_be_swapped_under_ones_feet(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is where you are: name a new folder"):
        io.write_case(case, ".")


def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing(case, tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(InputError, match=r"cannot write .*case: No space left on device; choose another place"):
        io.write_case(case, tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def forbid(monkeypatch):
    """Deny reading of one path, as its permissions would: the tests may run as root, whom none stop."""

    def deny(path):
        allowed = os.access
        monkeypatch.setattr(os, "access", lambda asked, mode: str(asked) != str(path) and allowed(asked, mode))

    return deny


def test_a_scan_that_may_not_be_read_is_not_called_damaged(make_nifti, body, forbid):
    path = make_nifti(body)
    forbid(path)
    with pytest.raises(InputError, match=r"ct\.nii\.gz may not be read: ask for permission"):
        io.read_scan(path)


def test_a_volume_of_a_case_that_may_not_be_read_is_not_called_damaged(case, tmp_path, forbid):
    io.write_case(case, tmp_path / "case")
    forbid(tmp_path / "case" / "ct.nii.gz")
    with pytest.raises(InputError, match=r"ct\.nii\.gz cannot be read: it is missing, or permission is denied"):
        io.read_case(tmp_path / "case")


def test_a_slice_that_may_not_be_read_is_refused_and_not_left_out(make_series, forbid):
    folder = make_series()
    forbid(max(folder.iterdir()))
    with pytest.raises(InputError, match=r"may not be read \(1 such files\): ask for permission"):
        io.read_scan(folder)


def test_a_folder_below_the_series_that_may_not_be_read_is_refused(make_series, monkeypatch):
    folder, scandir = make_series(), os.scandir
    (folder / "more").mkdir()

    def locked(path):
        if str(path).endswith("more"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(InputError, match="more cannot be read: Permission denied; ask for permission"):
        io.read_scan(folder)

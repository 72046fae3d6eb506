"""NIfTI in: right place, right values, and refused where it is no CT or no mask of this CT."""

import gzip
import json
import struct

import numpy as np
import pytest

from iceball import io, library
from iceball.errors import GeometryError, InputError, MissingPart, UnknownName

SHIFTED = np.array([[2.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 246.0], [0, 0, 0, 1]])


@pytest.fixture
def labels(body) -> np.ndarray:
    array = np.zeros(body.shape, dtype=np.uint8)
    array[4:7, 5:8, 2:6], array[8, 4, :] = 31, 79  # vertebrae_L1 and spinal_cord of TotalSegmentator
    return array


def bone_centre_mm(case) -> np.ndarray:
    return case.ct.grid.position_mm(np.argwhere(case.ct.array > 400)).mean(axis=0)


def test_a_ct_keeps_its_values_and_its_place(make_nifti, body):
    case = io.read_scan(make_nifti(body))
    assert case.ct.array.dtype == np.int16
    np.testing.assert_array_equal(case.ct.array, body)
    assert case.ct.grid.spacing_mm == (2.0, 2.0, 2.0)
    np.testing.assert_allclose(bone_centre_mm(case), [10.0, 12.0, 7.0])  # voxels 4-6, 5-7, 2-5 at 2 mm
    assert case.id == f"case-{io.case_fingerprint(case)}"


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_whatever_order_the_file_has_the_axes_run_left_back_head(make_nifti, body, axes, flips):
    straight = io.read_scan(make_nifti(body))
    affine = np.eye(4)
    turned = np.transpose(body, axes)
    for column, (axis, flip) in enumerate(zip(axes, flips, strict=True)):
        affine[:3, column] = 0
        affine[axis, column] = 2.0 * flip
        if flip < 0:
            turned = np.flip(turned, axis=column)
            affine[axis, 3] += 2.0 * (body.shape[axis] - 1)
    case = io.read_scan(make_nifti(turned, "turned.nii.gz", affine))
    np.testing.assert_array_equal(case.ct.array, straight.ct.array)
    assert case.ct.grid.same_place_as(straight.ct.grid, tolerance_mm=1e-4)  # the affine is float32 on disk


def test_the_scale_of_the_header_is_applied(make_nifti, body):
    stored = np.rint((body + 1024.0) / 2).astype(np.int16)
    case = io.read_scan(make_nifti(stored, scl_slope=2.0, scl_inter=-1024.0))
    assert np.abs(case.ct.array - body).max() <= 1  # halved and rounded: at most one HU


def test_labels_bring_their_names_roles_and_limits(make_nifti, body, labels):
    case = io.read_scan(make_nifti(body), labels=make_nifti(labels, "labels.nii.gz"))
    assert [structure.name for structure in case.structures] == ["vertebrae_L1", "spinal_cord"]
    cord, rule = case.structure("spinal_cord"), library.structure_rule("spinal_cord")
    assert (cord.role, cord.limit, cord.tissue, cord.label) == (rule.role, rule.limit, rule.tissue, 79)
    np.testing.assert_array_equal(case.labels.array, labels)
    assert any("TotalSegmentator v2" in note for note in case.notes)


def test_labels_stored_in_another_order_of_axes_land_on_the_same_bone(make_nifti, body, labels):
    affine = np.diag([-2.0, 2.0, 2.0, 1.0])
    affine[0, 3] = 2.0 * (body.shape[0] - 1)
    case = io.read_scan(make_nifti(body), labels=make_nifti(labels[::-1], "labels.nii.gz", affine))
    np.testing.assert_array_equal(case.labels.array, labels)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("names.csv", "id,name\n31,L1 vertebra\n79,Spinal Cord\n"),
        ("names.csv", "\ufeffgroup,original_idx,structure,id\nspine,1,L1 vertebra,31\nnerve,2,spinal_cord,79"),
        ("names.csv", "label,structure\n31,L1 vertebra\n79,spinal_cord\n5,not there\n"),
        ("names.json", json.dumps({"31": "L1 vertebra", "79": "spinal_cord"})),
        ("names.json", json.dumps([{"id": 31, "name": "L1 vertebra"}, {"label": 79, "structure": "Spinal cord"}])),
    ],
)
def test_a_table_names_the_labels(make_nifti, body, labels, tmp_path, file, text):
    (tmp_path / file).write_text(text)
    case = io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii"), names=tmp_path / file)
    assert [structure.name for structure in case.structures] == ["L1 vertebra", "spinal_cord"]
    assert case.structure("L1 vertebra").role == "at_risk"  # the library does not know it: no borrowed rule
    assert case.structure("L1 vertebra").limit is None
    assert not any("TotalSegmentator" in note for note in case.notes)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("names.csv", "id,name\n31,a\n", r"numbers without a name \(1: 79\): give a table with --names"),
        ("names.csv", "number,what\n31,a\n", "columns found: number, what.*write a table with the columns id"),
        ("names.csv", "id,name\n31,a\n31,b\n79,c\n", "has a number twice: 31"),
        ("names.csv", "id,name\n31,a\n79,a\n", "has a name twice: a"),
        ("names.csv", "id,name\nx,a\n", "is no table of label names"),
        ("names.csv", "", "needs numbers from 1 on, each with a name"),
        ("names.json", "{", "is no table of label names"),
        ("names.json", "3", "is no table of label names"),
        ("names.json", "[3]", "is no table of label names"),
        ("names.json", '{"31": "Liver", "79": "liver"}', "name two labels liver"),
    ],
)
def test_a_table_that_does_not_name_them_is_refused(make_nifti, body, labels, tmp_path, file, text, message):
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii"), names=tmp_path / file)
    assert "\n" not in str(refused.value)


def test_numbers_that_totalsegmentator_does_not_have_need_a_table(make_nifti, body, labels):
    labels[0, 0, 0] = 200
    with pytest.raises(InputError, match=r"numbers without a name \(1: 200\): give a table with --names"):
        io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii"))


def test_labels_of_the_same_shape_at_another_place_are_refused_with_the_distance(make_nifti, body, labels):
    with pytest.raises(GeometryError, match=r"outside the scan.*246\.0 mm off .*head \+246\.0 mm"):
        io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii", SHIFTED))
    near = SHIFTED.copy()
    near[2, 3] = 1.0
    with pytest.raises(GeometryError, match=r"has the CT's shape but not its place: it is 1\.0 mm off"):
        io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii", near))


def test_labels_on_a_finer_grid_over_the_same_box_are_resampled_and_noted(make_nifti, body, labels):
    fine = labels.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = -0.5  # the outer corners of both boxes agree
    case = io.read_scan(make_nifti(body), labels=make_nifti(fine, "l.nii", affine))
    np.testing.assert_array_equal(case.labels.array, labels)
    assert any("labels resampled onto the CT (nearest neighbour) from voxels of 1 × 1 × 1 mm" in n for n in case.notes)


def test_labels_that_cover_a_part_of_the_ct_only_are_refused(make_nifti, body, labels):
    with pytest.raises(GeometryError, match=r"lies on another grid \(14 × 12 × 5 voxels.*no common frame of reference"):
        io.read_scan(make_nifti(body), labels=make_nifti(labels[..., :5], "l.nii"))


def test_labels_that_lie_askew_are_refused(make_nifti, body, labels):
    turn = np.deg2rad(10)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:2, :2] = 2 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    with pytest.raises(GeometryError, match="lies askew to the CT"):
        io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii", affine))


def test_a_lesion_is_read_with_what_was_said_of_it(make_nifti, body):
    mask = (body > 400).astype(np.float32)
    lesion = make_nifti(mask, "lesion.nii.gz")
    case = io.read_scan(make_nifti(body), lesion=lesion, lesion_matrix="blastic", lesion_origin="me", case_id="p-7")
    assert case.id == "p-7"
    assert (case.lesion.matrix, case.lesion.origin) == ("blastic", "me")
    assert case.lesion.volume_ml == pytest.approx(mask.sum() * 8 / 1000)
    np.testing.assert_array_equal(case.lesion.mask.array, mask)


def test_one_of_several_regions_is_picked_by_number(make_nifti, body, labels):
    path = make_nifti(labels, "lesion.nii.gz")
    with pytest.raises(InputError, match=r"holds 2 regions \(31, 79\): pick one as FILE#NAME"):
        io.read_scan(make_nifti(body), lesion=path)
    with pytest.raises(UnknownName, match="no region '5'; it has: 31, 79"):
        io.read_scan(make_nifti(body), lesion=f"{path}#5")
    case = io.read_scan(make_nifti(body), lesion=f"{path}#79")
    np.testing.assert_array_equal(case.lesion.mask.array, labels == 79)


def test_an_empty_lesion_and_one_outside_the_scan_are_refused(make_nifti, body):
    mask = np.zeros(body.shape, dtype=np.uint8)
    with pytest.raises(InputError, match="lesion empty.nii is empty: no voxel is marked"):
        io.read_scan(make_nifti(body), lesion=make_nifti(mask, "empty.nii"))
    with pytest.raises(GeometryError, match="lesion far.nii lies outside the scan, 246 mm from its middle"):
        io.read_scan(make_nifti(body), lesion=make_nifti(mask + 1, "far.nii", SHIFTED))


@pytest.mark.parametrize(("array", "message"), [(0.5, "holds fractions"), (-1.0, "holds numbers from -1")])
def test_masks_without_whole_numbers_from_zero_are_refused(make_nifti, body, array, message):
    mask = np.zeros(body.shape, dtype=np.float32)
    mask[3, 3, 3] = array
    with pytest.raises(InputError, match=message):
        io.read_scan(make_nifti(body), lesion=make_nifti(mask, "mask.nii"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda body: (body + 1000) / 2000, r"is not a CT in HU: its values run from .* with its rescale applied"),
        (lambda body: body + 1024, "is not a CT in HU"),
        (lambda body: np.clip(body, -1000, 60), "is not a CT in HU"),
        (lambda body: np.stack([body, body], axis=3), r"has 4 axes \(14, 12, 8, 2\): give one 3-D volume"),
        (lambda body: body[:, :, :2], "a case needs at least 3 slices"),
        (lambda body: body[:, :, :1], "a case needs at least 3 slices"),
        (lambda body: np.full_like(body, -2000), "nothing but padding"),
        (lambda body: body.astype(np.complex64), "colours or complex numbers"),
    ],
)
def test_what_is_no_ct_is_refused(make_nifti, body, change, message):
    array = np.asarray(change(body))
    array = array.astype(np.float32) if array.dtype == np.float64 else array
    with pytest.raises(InputError, match=message):
        io.read_scan(make_nifti(array))


def test_an_image_without_a_place_or_with_two_places_is_refused(make_nifti, body):
    with pytest.raises(GeometryError, match=r"no place in space \(sform and qform codes are 0\)"):
        io.read_scan(make_nifti(body, codes=(0, 0)))
    with pytest.raises(GeometryError, match=r"two places in space, sform and qform, 7\.0 mm apart"):
        io.read_scan(make_nifti(body, codes=(1, 1), qoffset_x=7.0))


def test_a_sheared_image_is_refused(make_nifti, body):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[0, 2] = 0.5
    with pytest.raises(GeometryError, match="sheared or tilted grids are not supported"):
        io.read_scan(make_nifti(body, affine=affine))


@pytest.mark.parametrize("keep", [0, 10, 400, 900])
def test_a_truncated_file_is_refused(make_nifti, body, keep):
    path = make_nifti(body)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"CT ct\.nii\.gz cannot be read: damaged or truncated"):
        io.read_scan(path)


def test_missing_and_unknown_files_are_refused(make_nifti, body, tmp_path):
    with pytest.raises(MissingPart, match=r"none\.nii does not exist: check the path"):
        io.read_scan(tmp_path / "none.nii")
    with pytest.raises(MissingPart, match=r"none\.csv does not exist"):
        io.read_scan(make_nifti(body), names=tmp_path / "none.csv")
    (tmp_path / "ct.txt").write_text("no scan")
    with pytest.raises(InputError, match=r"ct\.txt is no scan iceball reads: give a \.nii"):
        io.read_scan(tmp_path / "ct.txt")
    with pytest.raises(InputError, match="neither NIfTI, NRRD nor DICOM"):
        io.read_scan(make_nifti(body), lesion=tmp_path / "ct.txt")
    with pytest.raises(InputError, match="is no pseudonym"):
        io.read_scan(make_nifti(body), case_id="Jane Doe")


def test_progress_runs_from_start_to_end(make_nifti, body):
    told = []
    io.read_scan(make_nifti(body), progress=lambda done_fraction, text: told.append((done_fraction, text)))
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert all(0 <= fraction <= 1 and text for fraction, text in told)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((32000, 32000, 32000), "does not fit into memory"),
        ((-14, 12, 8), "damaged or truncated"),
    ],
)
def test_a_header_that_states_an_impossible_size_is_refused(make_nifti, body, shape, message):
    content = bytearray(gzip.decompress(make_nifti(body).read_bytes()))
    struct.pack_into("<4h", content, 40, 3, *shape)  # dim[0..3] of NIfTI-1 stand at byte 40
    path = make_nifti(body).with_name("odd.nii")
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        io.read_scan(path)


def test_a_damaged_voxel_is_found_by_the_checksum_of_its_gz(make_nifti, body):
    path = make_nifti(body)
    content = bytearray(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=0))  # stored as it is
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or truncated"):
        io.read_scan(path)


def test_nibabel_says_nothing_of_its_own_beside_a_refusal(make_nifti, body, capfd):
    content = bytearray(gzip.decompress(make_nifti(body).read_bytes()))
    struct.pack_into("<h", content, 70, 999)  # datatype of NIfTI-1: there is no 999
    path = make_nifti(body).with_name("odd.nii")
    path.write_bytes(content)
    with pytest.raises(InputError, match="data code 999 not recognized"):
        io.read_scan(path)
    assert capfd.readouterr().err == ""


def test_names_in_free_text_mean_the_librarys_structures_whatever_their_case(make_nifti, body, labels, tmp_path):
    table = tmp_path / "names.json"
    table.write_text(json.dumps({"31": "Vertebrae L1", "79": "SPINAL CORD"}))
    case = io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii"), names=table)
    plain = io.read_scan(make_nifti(body), labels=make_nifti(labels, "l.nii"))
    assert case.structures == plain.structures

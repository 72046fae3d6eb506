"""The case folder: whole or not at all, the same bytes for the same case, and noticed when changed."""

import dataclasses
import json
import stat

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import io
from iceball.errors import IceballError, InputError
from iceball.nouns import Case, Fact, Grid, Volume


def same_array(one: Volume | None, other: Volume | None) -> bool:
    assert one is not None
    assert other is not None
    return one.grid == other.grid and one.quantity == other.quantity and np.array_equal(one.array, other.array)


def test_a_case_read_back_is_the_case_that_was_written(case, tmp_path):
    io.write_case(case, tmp_path / "case")
    back = io.read_case(tmp_path / "case")
    assert (back.id, back.structures, back.notes) == (case.id, case.structures, case.notes)
    assert same_array(back.ct, case.ct)
    assert same_array(back.labels, case.labels)
    assert same_array(back.field_of_view, case.field_of_view)
    assert back.lesion is not None
    assert same_array(back.lesion.mask, case.lesion.mask)
    for field in ("matrix", "origin", "bone", "site", "intent"):
        assert getattr(back.lesion, field) == getattr(case.lesion, field)
    assert io.case_fingerprint(back) == io.case_fingerprint(case) == io.stored_case_fingerprint(tmp_path / "case")


def test_answers_about_the_patient_go_with_the_case_and_leave_its_fingerprint_alone(case, tmp_path):
    facts = (Fact(key="worst_pain_nrs", value=7.0, origin="asked", unit="of 10"),)
    io.write_case(dataclasses.replace(case, facts=facts), tmp_path / "case")
    back = io.read_case(tmp_path / "case")
    assert [(fact.key, fact.value, fact.origin) for fact in back.facts] == [("worst_pain_nrs", 7, "asked")]
    assert io.case_fingerprint(back) == io.case_fingerprint(case)
    (tmp_path / "case" / "facts.json").write_text("{}")
    with pytest.raises(InputError, match="facts"):
        io.read_case(tmp_path / "case")


def test_hu_with_fractions_are_kept_as_float32(case, tmp_path):
    array = case.ct.array.astype(np.float64) + 0.25
    ct = dataclasses.replace(case.ct, array=array)
    io.write_case(dataclasses.replace(case, ct=ct), tmp_path / "case")
    back = io.read_case(tmp_path / "case").ct.array
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, array)  # a quarter is exact in float32


def test_the_same_case_makes_the_same_bytes(case, tmp_path):
    for name in ("one", "two"):
        io.write_case(case, tmp_path / name)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_a_case_made_from_another_has_the_bytes_it_would_have_anyway(case, tmp_path):
    io.write_case(case, tmp_path / "first")
    mask = dataclasses.replace(case.lesion.mask, array=np.roll(case.lesion.mask.array, 1, axis=0))
    second = dataclasses.replace(case, lesion=dataclasses.replace(case.lesion, mask=mask))
    io.write_case(second, tmp_path / "packed")
    io.write_case(second, tmp_path / "copied", like=tmp_path / "first")
    for file in (tmp_path / "packed").iterdir():
        assert file.read_bytes() == (tmp_path / "copied" / file.name).read_bytes()


def test_what_holds_the_same_on_another_grid_is_not_copied(case, tmp_path):
    io.write_case(case, tmp_path / "first")
    grid = dataclasses.replace(case.ct.grid, origin_mm=(1.0, 2.0, 3.0))
    moved = dataclasses.replace(
        case,
        ct=dataclasses.replace(case.ct, grid=grid),
        labels=dataclasses.replace(case.labels, grid=grid),
        lesion=dataclasses.replace(case.lesion, mask=dataclasses.replace(case.lesion.mask, grid=grid)),
        field_of_view=dataclasses.replace(case.field_of_view, grid=grid),
    )
    io.write_case(moved, tmp_path / "moved", like=tmp_path / "first")
    affine = nib.load(tmp_path / "moved" / "ct.nii.gz").affine
    np.testing.assert_allclose(affine[:3, 3], np.array([-1.0, -2.0, 3.0]), atol=1e-6)  # NIfTI is RAS


def test_other_programs_find_the_volumes_where_they_lie(case, tmp_path):
    io.write_case(case, tmp_path / "case")
    image = nib.load(tmp_path / "case" / "ct.nii.gz")
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    assert image.header.get_xyzt_units()[0] == "mm"
    ras = image.affine @ [3, 4, 5, 1]
    expected = case.ct.grid.position_mm([3, 4, 5]) * [-1, -1, 1]
    np.testing.assert_allclose(ras[:3], expected, atol=1e-4)  # NIfTI keeps its affine in float32: 612.7 to 3e-5
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-3)  # a float32 quaternion


@st.composite
def grids(draw) -> Grid:
    numbers = st.floats(-1.0, 1.0)
    matrix = np.array([[draw(numbers) for _ in range(3)] for _ in range(3)]) + 2 * np.eye(3)
    axes, _ = np.linalg.qr(matrix)
    axes = axes[:, list(draw(st.permutations(range(3))))] * [draw(st.sampled_from([-1.0, 1.0])) for _ in range(3)]
    return Grid(
        shape=draw(st.tuples(*[st.integers(1, 5)] * 3)),
        spacing_mm=draw(st.tuples(*[st.floats(0.2, 8.0)] * 3)),
        origin_mm=draw(st.tuples(*[st.floats(-2000.0, 2000.0)] * 3)),
        direction=tuple(float(x) for x in axes.ravel()),
    )


@given(grid=grids())
def test_any_grid_comes_back_exactly_and_its_nifti_within_float32(grid, tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid") / "case"
    array = np.arange(np.prod(grid.shape), dtype=np.int16).reshape(grid.shape)
    io.write_case(Case(id="g", ct=Volume(grid=grid, array=array, quantity="hu")), folder)
    back = io.read_case(folder).ct
    assert back.grid == grid
    assert np.array_equal(back.array, array)
    ras = nib.load(folder / "ct.nii.gz").affine
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ ras, grid.affine, atol=2.5e-4)  # float32 at 2000 mm: 1.2e-4


def test_an_occupied_folder_is_refused_and_left_alone(case, tmp_path):
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"exists and is not empty \(1 inside\): name a new folder"):
        io.write_case(case, tmp_path / "case")
    assert [path.name for path in tmp_path.rglob("*")] == ["case", "mine.txt"]


def test_an_empty_folder_is_filled(case, tmp_path):
    (tmp_path / "case").mkdir()
    io.write_case(case, tmp_path / "case")
    assert io.read_case(tmp_path / "case").id == case.id


def test_a_write_that_fails_leaves_nothing_behind(case, tmp_path, monkeypatch):
    monkeypatch.setattr("iceball.io.cases.to_json", lambda model: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        io.write_case(case, tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_others_may_read_what_was_written_as_the_umask_says(case, tmp_path):
    io.write_case(case, tmp_path / "case")
    (tmp_path / "plain").mkdir()
    assert stat.S_IMODE((tmp_path / "case").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize("name", ["ct", "labels", "lesion", "field_of_view"])
def test_a_changed_volume_is_refused_by_name(case, tmp_path, name):
    io.write_case(case, tmp_path / "case")
    path = tmp_path / "case" / f"{name}.nii.gz"
    image = nib.load(path)
    array = np.asanyarray(image.dataobj).copy()
    array[6, 6, 3] += 1
    nib.save(nib.Nifti1Image(array, image.affine), path)
    with pytest.raises(InputError, match=rf"{name}\.nii\.gz has changed since it was written"):
        io.read_case(tmp_path / "case")


def test_a_changed_case_json_is_refused(case, tmp_path):
    io.write_case(case, tmp_path / "case")
    path = tmp_path / "case" / "case.json"
    path.write_text(path.read_text().replace("vertebrae_L1", "vertebrae_L2"))
    with pytest.raises(InputError, match=r"case\.json has changed"):
        io.read_case(tmp_path / "case")


@pytest.mark.parametrize(
    ("field", "other"), [("role", "barrier"), ("limit", None), ("tissue", "fat"), ("name", "cord"), ("label", 9)]
)
def test_a_structure_that_lost_its_limit_or_changed_otherwise_is_refused(case, tmp_path, field, other):
    io.write_case(case, tmp_path / "case")
    path = tmp_path / "case" / "case.json"
    content = json.loads(path.read_text())
    cord = next(structure for structure in content["structures"] if structure["limit"] is not None)
    assert cord[field] != other
    cord[field] = other
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"case\.json has changed"):
        io.read_case(tmp_path / "case")


def test_a_case_json_that_points_to_another_volume_names_the_file(case, tmp_path):
    io.write_case(case, tmp_path / "case")
    path = tmp_path / "case" / "case.json"
    content = json.loads(path.read_text())
    content["grid"]["shape"][0] += 1
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"ct\.nii\.gz holds int16 of shape .* not hu on the grid"):
        io.read_case(tmp_path / "case")


def test_missing_and_truncated_volumes_are_refused(case, tmp_path):
    io.write_case(case, tmp_path / "case")
    path = tmp_path / "case" / "ct.nii.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged or truncated"):
        io.read_case(tmp_path / "case")
    path.unlink()
    with pytest.raises(InputError, match="volume is missing"):
        io.read_case(tmp_path / "case")


def test_no_folder_and_no_case_folder_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="does not exist: make one with `iceball read`"):
        io.read_case(tmp_path / "none")
    with pytest.raises(InputError, match=r"is no case folder: it has no case\.json"):
        io.read_case(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, r"version: Input should be 1, not 2"),
        ({"surprise": 1}, r"surprise: Extra inputs are not permitted"),
        ({"id": "Jane Doe"}, r"id: String should match pattern"),
        ({"notes": "one"}, r"notes: Input should be a valid (tuple|array)"),
    ],
)
def test_a_wrong_field_is_named_in_one_line(case, tmp_path, change, message):
    io.write_case(case, tmp_path / "case")
    path = tmp_path / "case" / "case.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message) as refused:
        io.read_case(tmp_path / "case")
    assert "\n" not in str(refused.value)


@given(content=st.one_of(st.binary(max_size=200), st.from_regex(r"[\[{\"]*[0-9a-z:,\]}\"]*").map(str.encode)))
def test_garbage_as_case_json_is_refused_and_nothing_else_happens(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("garbage")
    (folder / "case.json").write_bytes(content)
    with pytest.raises(IceballError):
        io.read_case(folder)


@pytest.mark.parametrize("name", ["Jane Doe", "", "a/b", "x" * 65, "né", "a\n"])
def test_what_is_no_pseudonym_is_not_written(case, tmp_path, name):
    with pytest.raises(InputError, match="is no pseudonym"):
        io.write_case(dataclasses.replace(case, id=name), tmp_path / "case")

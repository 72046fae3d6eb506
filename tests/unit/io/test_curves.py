"""Curves of 3D Slicer and masks of single structures: read as drawn, or refused in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import io
from iceball.errors import GeometryError, IceballError, InputError, MissingPart
from iceball.nouns import Case, Grid, Volume

POINTS = [[10.0, -20.0, 30.0], [12.0, -22.0, 40.0], [11.0, -25.0, 55.5]]


def markups(*, kind: str = "Curve", system: str = "LPS", points=POINTS, **more) -> dict:
    """Return what 3D Slicer writes for one curve, as far as it matters."""
    control = [
        {"id": str(i), "label": f"n-{i}", "position": p, "orientation": [-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0]}
        | {"selected": True, "locked": False, "visibility": True, "positionStatus": "defined"}
        for i, p in enumerate(points)
    ]
    markup = {
        "type": kind,
        "coordinateSystem": system,
        "coordinateUnits": "mm",
        "locked": False,
        "controlPoints": control,
    }
    schema = "https://raw.githubusercontent.com/slicer/slicer/master/.../markups-schema-v1.0.3.json#"
    return {"@schema": schema, "markups": [markup | more]}


@pytest.fixture
def write(tmp_path: Path):
    """Write something as a .mrk.json file."""

    def make(content, name: str = "sciatic_nerve_left.mrk.json") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return make


def test_a_curve_is_read_with_the_name_of_its_file(write):
    (curve,) = io.read_curves(write(markups()))
    assert curve.name == "sciatic_nerve_left"
    assert not curve.closed
    assert curve.points_mm == tuple(map(tuple, POINTS))


def test_ras_is_turned_into_lps(write):
    (curve,) = io.read_curves(write(markups(system="RAS")))
    assert curve.points_mm == tuple((-x, -y, z) for x, y, z in POINTS)


def test_a_closed_curve_and_a_line_are_curves_too(write):
    assert io.read_curves(write(markups(kind="ClosedCurve")))[0].closed
    assert not io.read_curves(write(markups(kind="Line", points=POINTS[:2])))[0].closed


def test_a_point_that_was_not_placed_is_left_out(write):
    content = markups()
    content["markups"][0]["controlPoints"][1]["positionStatus"] = "undefined"
    (curve,) = io.read_curves(write(content))
    assert curve.points_mm == (tuple(POINTS[0]), tuple(POINTS[2]))


def test_several_curves_of_one_file_are_numbered_and_fiducials_are_left_out(write):
    content = markups()
    content["markups"] += [markups(kind="Fiducial")["markups"][0], markups(name="ureter")["markups"][0]]
    assert [curve.name for curve in io.read_curves(write(content))] == ["sciatic_nerve_left_1", "ureter"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is refused"),
        (b"{", "is refused"),
        (b"\xff\xfe", "is refused"),
        (b"[" * 100_000, "is refused"),
        (b"null", "is refused"),
        ({}, "markups: Field required"),
        ({"markups": []}, "at least 1 item"),
        (markups(kind="Fiducial"), "holds no curve but Fiducial: draw an open or closed curve"),
        (markups(system="IJK"), "coordinateSystem: Input should be 'LPS' or 'RAS'"),
        (markups(coordinateUnits="cm"), "is in cm: save it in mm"),
        (markups(coordinateUnits=["m"]), "is in m: save it in mm"),
        (markups(points=[]), "has 0 different points: draw at least two"),
        (markups(points=POINTS[:1] * 3), "has 1 different points"),
        (markups(points=[[1, 2]]), "position"),
        (markups(points=[[1, 2, "x"], [1, 2, 3]]), "position"),
        (markups(points=[[1, 2, 1e300], [1, 2, 3]]), "less than or equal to 100000"),
        (
            b'{"markups":[{"type":"Curve","coordinateSystem":"LPS","controlPoints":[{"position":[NaN,1,2]}]}]}',
            "refused",
        ),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, dict) else "json",
)
def test_garbage_is_refused_in_one_line(write, content, says: str):
    with pytest.raises(InputError) as refused:
        io.read_curves(write(content))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(content=st.binary(max_size=200) | anything.map(lambda thing: json.dumps(thing).encode()))
def test_no_bytes_make_the_parser_fail_other_than_by_refusing(tmp_path_factory, content: bytes):
    path = tmp_path_factory.mktemp("fuzz") / "c.mrk.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        io.read_curves(path)


@settings(max_examples=150)
@given(
    field=st.sampled_from(["type", "coordinateSystem", "coordinateUnits", "controlPoints", "name"]),
    value=anything,
    index=st.integers(0, 2),
    inner=st.sampled_from(["", "position", "positionStatus"]),
)
def test_one_field_gone_wrong_is_refused_or_harmless(tmp_path_factory, field, value, index, inner):
    content = markups()
    if inner:
        content["markups"][0]["controlPoints"][index][inner] = value
    else:
        content["markups"][0][field] = value
    path = tmp_path_factory.mktemp("fuzz") / "c.mrk.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with contextlib.suppress(InputError):  # any other error fails the test
        (curve,) = io.read_curves(path)
        assert np.isfinite(curve.points_mm).all()


def test_what_is_not_there_or_a_folder_or_huge_is_refused(tmp_path: Path, write):
    with pytest.raises(MissingPart, match="does not exist"):
        io.read_curves(tmp_path / "none.mrk.json")
    with pytest.raises(InputError, match="no markups file"):
        io.read_curves(tmp_path)
    with pytest.raises(InputError, match="no markups file"):
        io.read_curves(write(b" " * 20_000_001))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{file}", ("", None)),
        ("{file}:nerve", ("nerve", None)),
        ("{file}:2.5", ("", 2.5)),
        ("{file}:nerve:2.5", ("nerve", 2.5)),
    ],
)
def test_a_request_is_a_file_a_name_and_a_radius(write, text: str, parts):
    path = write(markups(), "a:b.mrk.json")
    assert io.split_curve(text.format(file=path)) == (path, *parts)


def test_a_request_with_too_many_parts_is_refused(write):
    with pytest.raises(InputError, match="write FILE, FILE:NAME"):
        io.split_curve(f"{write(markups())}:a:b:2")


@pytest.fixture
def case() -> Case:
    grid = Grid(shape=(14, 12, 8), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(0.0, 0.0, 0.0))
    return Case(id="x", ct=Volume(grid=grid, array=np.zeros(grid.shape, dtype=np.int16), quantity="hu"))


def test_a_mask_is_read_onto_the_ct(case: Case, make_nifti):
    array = np.zeros((14, 12, 8), dtype=np.uint8)
    array[3:5, 4:6, 2] = 1
    np.testing.assert_array_equal(io.read_region(make_nifti(array, "mask.nii.gz"), case), array == 1)


def test_one_region_of_several_is_picked_by_its_number(case: Case, make_nifti):
    array = np.zeros((14, 12, 8), dtype=np.uint8)
    array[3], array[5] = 1, 2
    path = make_nifti(array, "mask.nii.gz")
    np.testing.assert_array_equal(io.read_region(f"{path}#2", case), array == 2)
    with pytest.raises(InputError, match="mask mask.nii.gz holds 2 regions"):
        io.read_region(path, case)


def test_a_mask_of_nothing_or_of_another_scan_is_refused(case: Case, make_nifti, tmp_path: Path):
    with pytest.raises(InputError, match="is empty"):
        io.read_region(make_nifti(np.zeros((14, 12, 8), dtype=np.uint8), "empty.nii.gz"), case)
    away = np.diag([2.0, 2.0, 2.0, 1.0])
    away[:3, 3] = 500.0
    with pytest.raises(GeometryError):
        io.read_region(make_nifti(np.ones((14, 12, 8), dtype=np.uint8), "away.nii.gz", away), case)
    with pytest.raises(MissingPart, match="does not exist"):
        io.read_region(tmp_path / "none.nii.gz", case)


@settings(max_examples=30)
@given(content=st.binary(max_size=400), ending=st.sampled_from([".nii", ".nii.gz", ".seg.nrrd", ".dcm"]))
def test_no_bytes_make_a_mask_fail_other_than_by_refusing(tmp_path_factory, content: bytes, ending: str):
    grid = Grid(shape=(4, 4, 4), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, 0.0))
    ct = Volume(grid=grid, array=np.zeros(grid.shape, dtype=np.int16), quantity="hu")
    path = tmp_path_factory.mktemp("fuzz") / f"m{ending}"
    path.write_bytes(content)
    with pytest.raises(IceballError):
        io.read_region(path, Case(id="x", ct=ct))


def test_a_field_of_view_does_not_hinder_reading_a_mask(case: Case, make_nifti):
    view = Volume(grid=case.ct.grid, array=np.ones(case.ct.grid.shape, dtype=np.uint8), quantity="label")
    array = np.zeros((14, 12, 8), dtype=np.uint8)
    array[3:5] = 1
    seen = io.read_region(make_nifti(array, "mask.nii.gz"), dataclasses.replace(case, field_of_view=view))
    np.testing.assert_array_equal(seen, array == 1)

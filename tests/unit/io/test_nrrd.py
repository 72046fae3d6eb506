"""Segmentations of 3D Slicer in and out; slicerio, the Slicer developers' own reader and writer, is the witness."""

import dataclasses

import hypothesis
import hypothesis.strategies as st
import nrrd
import numpy as np
import pytest
import slicerio

from iceball import io
from iceball.errors import GeometryError, InputError, UnknownName
from iceball.nouns import Grid, Volume

TURNED = Grid(
    shape=(5, 6, 7), spacing_mm=(0.7, 0.8, 2.5), origin_mm=(-12.0, 30.5, -400.0), direction=(1, 0, 0, 0, 0, -1, 0, 1, 0)
)


@pytest.fixture
def labels() -> np.ndarray:
    array = np.zeros(TURNED.shape, np.uint8)
    array[1:3, 2:4, 3], array[4, 5, 6] = 1, 7
    return array


def test_slicer_reads_the_segments_their_names_and_their_place(tmp_path, labels):
    path = tmp_path / "x.seg.nrrd"
    io.write_seg_nrrd(Volume(grid=TURNED, array=labels, quantity="label"), {1: "lesion", 7: "spinal canal"}, path)
    found = slicerio.read_segmentation(str(path))
    assert [(s["name"], s["labelValue"], s["layer"]) for s in found["segments"]] == [
        ("lesion", 1, 0),
        ("spinal canal", 7, 0),
    ]
    np.testing.assert_array_equal(found["voxels"], labels)
    np.testing.assert_allclose(found["ijkToLPS"], TURNED.affine, atol=1e-9)
    assert found["masterRepresentation"] == "Binary labelmap"


def test_the_same_mask_makes_the_same_bytes_without_a_date(tmp_path, labels):
    volume = Volume(grid=TURNED, array=labels, quantity="label")
    for name in ("a.seg.nrrd", "b.seg.nrrd"):
        io.write_seg_nrrd(volume, {1: "lesion", 7: "canal"}, tmp_path / name)
    head = (tmp_path / "a.seg.nrrd").read_bytes()
    assert head == (tmp_path / "b.seg.nrrd").read_bytes()
    assert b"#" not in head.partition(b"\n\n")[0]


def test_a_number_without_a_name_is_refused_and_nothing_is_written(tmp_path, labels):
    with pytest.raises(InputError, match="segments 7 have no name"):
        io.write_seg_nrrd(Volume(grid=TURNED, array=labels, quantity="label"), {1: "lesion"}, tmp_path / "x.seg.nrrd")
    assert list(tmp_path.iterdir()) == []


def test_what_iceball_wrote_comes_back_as_the_lesion_of_a_case(make_nifti, body, tmp_path):
    case = io.read_scan(make_nifti(body))
    mask = np.zeros(body.shape, np.uint8)
    mask[5:9, 4:7, 2:5] = 1
    path = tmp_path / "lesion.seg.nrrd"
    io.write_seg_nrrd(Volume(grid=case.ct.grid, array=mask, quantity="label"), {1: "lesion"}, path)
    again = io.read_scan(make_nifti(body), lesion=path)
    np.testing.assert_array_equal(again.lesion.mask.array, mask)


def slicers(tmp_path, voxels, segments, ijk_to_lps, name="s.seg.nrrd"):
    """A file as slicerio writes it."""
    path = tmp_path / name
    content = {"voxels": voxels, "ijkToLPS": ijk_to_lps, "segments": segments, "encoding": "gzip"}
    slicerio.write_segmentation(str(path), content)
    return path


def segment(name, value, layer=0):
    return {"id": f"id-{name}", "name": name, "labelValue": value, "layer": layer, "color": [1, 0, 0]}


def test_a_crop_that_slicer_saved_lies_where_it_was_drawn(make_nifti, body, tmp_path):
    case = io.read_scan(make_nifti(body))
    part = np.ones((4, 3, 2), np.uint8)
    affine = case.ct.grid.affine
    affine[:3, 3] = case.ct.grid.position_mm((5, 4, 3))
    path = slicers(tmp_path, part, [segment("lesion", 1)], affine)
    again = io.read_scan(make_nifti(body), lesion=path)
    assert np.argwhere(again.lesion.mask.array).min(axis=0).tolist() == [5, 4, 3]
    assert np.count_nonzero(again.lesion.mask.array) == part.size


@pytest.mark.parametrize("shift", [(0.5, 0, 0), (0, 40, 0), (0, 0, -2)])
def test_a_crop_between_the_voxels_or_beyond_the_scan_is_refused(make_nifti, body, tmp_path, shift):
    case = io.read_scan(make_nifti(body))
    affine = case.ct.grid.affine
    affine[:3, 3] = case.ct.grid.position_mm(np.array(shift))
    path = slicers(tmp_path, np.ones((4, 3, 2), np.uint8), [segment("lesion", 1)], affine)
    with pytest.raises(GeometryError, match="lesion s.seg.nrrd"):
        io.read_scan(make_nifti(body), lesion=path)


def layered(case, overlap):
    """Two layers, a segment in each."""
    voxels = np.zeros((2, *case.ct.grid.shape), np.uint8)
    voxels[0, 4:7, 5:8, 2:6] = 1
    voxels[1, 8, 4, :] = 1
    if overlap:
        voxels[1, 5, 6, 3] = 1
    return voxels, [segment("vertebrae_L1", 1, 0), segment("spinal_cord", 1, 1)]


def test_layers_become_one_label_volume_with_the_names_of_the_segments(make_nifti, body, tmp_path):
    case = io.read_scan(make_nifti(body))
    voxels, segments = layered(case, overlap=False)
    labelled = io.read_scan(make_nifti(body), labels=slicers(tmp_path, voxels, segments, case.ct.grid.affine))
    found = {s.name: int(np.count_nonzero(labelled.labels.array == s.label)) for s in labelled.structures}
    assert found == {"vertebrae_L1": 36, "spinal_cord": 8}


def test_segments_that_overlap_are_refused(make_nifti, body, tmp_path):
    case = io.read_scan(make_nifti(body))
    voxels, segments = layered(case, overlap=True)
    with pytest.raises(InputError, match="overlap"):
        io.read_scan(make_nifti(body), labels=slicers(tmp_path, voxels, segments, case.ct.grid.affine))


def test_one_segment_of_several_is_picked_by_its_name(make_nifti, body, tmp_path):
    case = io.read_scan(make_nifti(body))
    voxels, segments = layered(case, overlap=False)
    path = slicers(tmp_path, voxels, segments, case.ct.grid.affine)
    with pytest.raises(InputError, match="2 regions"):
        io.read_scan(make_nifti(body), lesion=path)
    with pytest.raises(UnknownName, match="no region 'liver'"):
        io.read_scan(make_nifti(body), lesion=f"{path}#liver")
    picked = io.read_scan(make_nifti(body), lesion=f"{path}#vertebrae_L1")
    assert np.count_nonzero(picked.lesion.mask.array) == 36


@pytest.mark.parametrize("space", ["right-anterior-superior", "LAS", "lps"])
def test_whatever_space_the_file_counts_in_the_mask_lies_in_the_same_place(make_nifti, body, tmp_path, space):
    case = io.read_scan(make_nifti(body))
    mask = np.zeros(body.shape, np.uint8)
    mask[5:9, 4:7, 2:5] = 1
    signs = {"right-anterior-superior": (-1, -1, 1), "LAS": (1, -1, 1), "lps": (1, 1, 1)}[space]
    affine = np.diag([*signs, 1.0]) @ case.ct.grid.affine
    header = {"space": space, "space directions": affine[:3, :3].T, "space origin": affine[:3, 3]}
    nrrd.write(str(tmp_path / "m.nrrd"), mask, header)
    again = io.read_scan(make_nifti(body), lesion=tmp_path / "m.nrrd")
    np.testing.assert_array_equal(again.lesion.mask.array, mask)


@pytest.mark.parametrize("number", [1, 255, 256, 32767, 32768, 65535, 70000])
def test_a_number_of_any_size_comes_back_as_it_was(tmp_path, number):
    array = np.zeros(TURNED.shape, np.int32)
    array[1, 2, 3] = number
    io.write_seg_nrrd(Volume(grid=TURNED, array=array, quantity="label"), {number: "x"}, tmp_path / "x.seg.nrrd")
    found = slicerio.read_segmentation(str(tmp_path / "x.seg.nrrd"))
    assert found["voxels"][1, 2, 3] == number
    assert np.count_nonzero(found["voxels"]) == 1


@pytest.mark.parametrize("number", [0, -1])
def test_a_segment_that_is_no_label_is_refused_and_nothing_is_written(tmp_path, labels, number):
    names = {1: "lesion", 7: "canal", number: "x"}
    with pytest.raises(InputError, match="the numbers of segments start at 1"):
        io.write_seg_nrrd(Volume(grid=TURNED, array=labels, quantity="label"), names, tmp_path / "x.seg.nrrd")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Läsion", "病変", "a:=b", "two\n\nlines", "#1"])
def test_any_name_comes_back_on_one_line(make_nifti, body, tmp_path, name):
    case = io.read_scan(make_nifti(body))
    mask = np.zeros(body.shape, np.uint8)
    mask[5:9, 4:7, 2:5] = 1
    io.write_seg_nrrd(Volume(grid=case.ct.grid, array=mask, quantity="label"), {1: name}, tmp_path / "x.seg.nrrd")
    again = io.read_scan(make_nifti(body), labels=tmp_path / "x.seg.nrrd")
    assert [structure.name for structure in again.structures] == [" ".join(name.split())]
    np.testing.assert_array_equal(again.labels.array, mask)


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_layers_are_layers_wherever_the_file_has_their_axis(make_nifti, body, tmp_path, at):
    case = io.read_scan(make_nifti(body))
    voxels, segments = layered(case, overlap=False)
    directions = np.insert(case.ct.grid.affine[:3, :3].T, at, np.nan, axis=0)
    header = {"space": "LPS", "space directions": directions, "space origin": case.ct.grid.affine[:3, 3]}
    for number, each in enumerate(segments):
        fields = {"ID": each["id"], "Name": each["name"], "LabelValue": each["labelValue"], "Layer": each["layer"]}
        header |= {f"Segment{number}_{field}": str(value) for field, value in fields.items()}
    nrrd.write(str(tmp_path / "l.seg.nrrd"), np.ascontiguousarray(np.moveaxis(voxels, 0, at)), header)
    labelled = io.read_scan(make_nifti(body), labels=tmp_path / "l.seg.nrrd")
    found = {s.name: int(np.count_nonzero(labelled.labels.array == s.label)) for s in labelled.structures}
    assert found == {"vertebrae_L1": 36, "spinal_cord": 8}


ODD = {
    "LabelValue 0, which is the background": {"Segment0_Name": "a", "Segment0_LabelValue": "0"},
    "holds numbers of no segment": {"Segment0_Name": "a", "Segment0_LabelValue": "1"},
    "is in cm": {"space units": ["cm", "cm", "cm"]},
}


@pytest.mark.parametrize("says", ODD)
def test_what_would_be_lost_or_misplaced_is_refused(make_nifti, body, tmp_path, says):
    case = io.read_scan(make_nifti(body))
    mask = np.zeros(body.shape, np.uint8)
    mask[5:9, 4:7, 2:5], mask[1, 1, 1] = 1, 5
    affine = case.ct.grid.affine
    header = {"space": "LPS", "space directions": affine[:3, :3].T, "space origin": affine[:3, 3]} | ODD[says]
    nrrd.write(str(tmp_path / "m.nrrd"), mask, header)
    with pytest.raises(InputError, match=says):
        io.read_scan(make_nifti(body), lesion=f"{tmp_path / 'm.nrrd'}#1")


def test_a_number_too_large_for_a_label_is_refused(make_nifti, body, tmp_path):
    case = io.read_scan(make_nifti(body))
    affine = case.ct.grid.affine
    header = {"space": "LPS", "space directions": affine[:3, :3].T, "space origin": affine[:3, 3]}
    nrrd.write(str(tmp_path / "m.nrrd"), (body > 400).astype(np.uint64) << np.uint64(32), header)
    with pytest.raises(InputError, match="labels run from 0 to 2147483647"):
        io.read_scan(make_nifti(body), lesion=tmp_path / "m.nrrd")


BROKEN = {
    "is damaged": lambda path: path.write_bytes(path.read_bytes()[:-30]),
    "is damaged or no NRRD": lambda path: path.write_bytes(b"not at all"),
    "lies in space 'none'": lambda path: nrrd.write(str(path), np.ones((4, 4, 4), np.uint8)),
    "not whole numbers": lambda path: nrrd.write(str(path), np.ones((4, 4, 4), np.float32)),
    "holds no volume": lambda path: nrrd.write(str(path), np.ones((4, 4), np.uint8)),
}


@pytest.mark.parametrize("says", BROKEN)
def test_a_broken_file_is_refused_in_one_line(make_nifti, body, tmp_path, says):
    case = io.read_scan(make_nifti(body))
    path = tmp_path / "l.seg.nrrd"
    io.write_seg_nrrd(
        dataclasses.replace(case.ct, array=(body > 400).astype(np.uint8), quantity="label"), {1: "x"}, path
    )
    BROKEN[says](path)
    with pytest.raises(InputError, match=says) as refused:
        io.read_scan(make_nifti(body), lesion=path)
    assert "\n" not in str(refused.value)


@hypothesis.settings(max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(at=st.integers(0, 700), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_byte_gives_the_mask_or_one_clear_error(make_nifti, body, tmp_path, at, byte, cut):
    case = io.read_scan(make_nifti(body))
    path = tmp_path / "f.seg.nrrd"
    io.write_seg_nrrd(
        dataclasses.replace(case.ct, array=(body > 400).astype(np.uint8), quantity="label"), {1: "x"}, path
    )
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(bytes(content[: at % len(content)] if cut else content))
    refused = ""
    try:
        io.read_scan(make_nifti(body), lesion=path)
    except InputError as cause:  # GeometryError and UnknownName among them
        refused = str(cause)
    assert "\n" not in refused

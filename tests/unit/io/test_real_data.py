"""Every real data set opens, and what is known of it from its own README is found where it should be."""

import csv
import dataclasses

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from typer.testing import CliRunner

from iceball import cli, io
from iceball.errors import GeometryError


@pytest.fixture(scope="session")
def abdomen(shared_data):
    return shared_data / "abdomen_pelvis_ct"


def hu_at(case, position_mm) -> float:
    index = tuple(np.rint(case.ct.grid.index_of(position_mm)).astype(int))
    return float(case.ct.array[index])


def height_mm(case, name) -> float:
    number = case.structure(name).label
    return float(case.ct.grid.position_mm(np.argwhere(case.labels.array == number)).mean(axis=0)[2])


@pytest.mark.parametrize("number", [1, 2, 3, 4, 8])
def test_a_bone_patch_has_its_lesions_where_the_table_says(shared_data, number):
    folder = shared_data / "bone_lesions_ct"
    case = io.read_scan(folder / f"{number}.nii.gz")
    assert case.ct.grid.shape == (96, 96, 96)
    assert case.ct.grid.spacing_mm == pytest.approx((1, 1, 1))
    assert case.ct.grid.direction == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert case.field_of_view is None  # none of these five is padded
    with (folder / "lesion_boxes.csv").open() as file:
        boxes = [row for row in csv.DictReader(file) if row["image"] == f"{number}.nii.gz"]
    assert boxes
    for box in boxes:
        centre = np.array([float(box[f"centre_{axis}_lps_mm"]) for axis in "xyz"])
        half = np.array([float(box[f"size_{axis}_mm"]) for axis in "xyz"]) / 2
        # the patches are cut round their lesions, so a wrong sign of an axis throws every box out of the patch
        assert case.ct.grid.contains(centre)
        low, high = (np.rint(case.ct.grid.index_of(centre + s * half)).astype(int).clip(0, 95) for s in (-1, 1))
        inside = case.ct.array[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))]
        assert np.percentile(inside, 95) > 200  # bone, or what is left of it, is in every box


def test_the_abdomen_stands_upright_with_its_vertebrae_in_order(abdomen):
    case = io.read_scan(abdomen / "example_ct.nii.gz", labels=abdomen / "vertebrae_seg.nii.gz")
    assert case.ct.grid.shape == (122, 101, 112)
    assert case.ct.grid.spacing_mm == pytest.approx((3, 3, 3))
    assert (case.ct.array.min(), case.ct.array.max()) == (-1207, 3382)
    names = ["S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11"]
    heights = [height_mm(case, f"vertebrae_{name}") for name in names]
    assert heights == sorted(heights)
    number = case.structure("vertebrae_L3").label
    assert 100 < case.ct.array[case.labels.array == number].mean() < 400  # trabecular bone with its cortex
    nail = case.ct.grid.position_mm(np.argwhere(case.ct.array > 3000)).mean(axis=0)
    spine = case.ct.grid.position_mm(np.argwhere(case.labels.array == number)).mean(axis=0)
    assert nail[0] > spine[0] + 50  # the nail is in the LEFT femur: +x of LPS
    assert nail[2] < height_mm(case, "vertebrae_S1") - 50  # and far below the sacrum


def test_bodies_and_discs_need_the_names_that_say_so(abdomen, tmp_path):
    (tmp_path / "names.csv").write_text("id,name\n1,vertebral bodies\n2,discs\n")
    labels = abdomen / "vertebrae_body_seg.nii.gz"
    case = io.read_scan(abdomen / "example_ct.nii.gz", labels=labels, names=tmp_path / "names.csv")
    hu = [case.ct.array[case.labels.array == number].mean() for number in (1, 2)]
    assert hu[0] > hu[1] + 30  # bone is denser than disc
    assert [structure.name for structure in case.structures] == ["vertebral bodies", "discs"]


def test_the_slab_with_all_organs_has_cord_kidneys_and_vertebrae_at_their_places(abdomen):
    case = io.read_scan(abdomen / "example_ct_sm.nii.gz", labels=abdomen / "example_ct_sm_seg117.nii.gz")
    assert case.structure("spinal_cord").role == "at_risk"
    assert case.structure("spinal_cord").limit is not None
    assert height_mm(case, "vertebrae_L2") < height_mm(case, "vertebrae_L1") < height_mm(case, "vertebrae_T12")

    def centre_mm(name):
        found = np.argwhere(case.labels.array == case.structure(name).label)
        return case.ct.grid.position_mm(found).mean(axis=0)

    assert centre_mm("kidney_left")[0] > centre_mm("vertebrae_L1")[0] > centre_mm("kidney_right")[0]
    assert centre_mm("spinal_cord")[1] > centre_mm("aorta")[1] + 20  # the cord lies behind the aorta


def test_labels_whose_header_lies_246_mm_off_are_refused_with_that_distance(abdomen, tmp_path):
    """The slab is slices 82 to 111 of the whole, but its header kept the origin of slice 0."""
    slab = nib.load(abdomen / "example_ct_sm.nii.gz")
    affine = slab.affine.copy()
    affine[2, 3] += 82 * 3.0
    nib.save(nib.Nifti1Image(np.asanyarray(slab.dataobj), affine), tmp_path / "right_place.nii.gz")
    labels = abdomen / "example_ct_sm_seg117.nii.gz"
    with pytest.raises(GeometryError, match=r"it is 246\.0 mm off \(left .0\.0, back .0\.0, head -246\.0 mm\)"):
        io.read_scan(tmp_path / "right_place.nii.gz", labels=labels)
    with pytest.raises(GeometryError, match=r"lies on another grid .* it is 123\.0 mm off"):
        io.read_scan(abdomen / "example_ct.nii.gz", labels=labels)


def test_the_chest_with_the_stent_graft_opens_with_metal_and_lung(abdomen):
    case = io.read_scan(abdomen / "chest_aorta_ct_1p5mm.nii.gz")
    assert case.ct.grid.shape == (120, 126, 164)
    assert case.ct.grid.spacing_mm == pytest.approx((1.5, 1.5, 1.5))
    assert case.ct.grid.direction == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert case.ct.array.max() > 3000
    assert 0.1 < np.mean(case.ct.array < -500) < 0.9


@pytest.fixture(scope="session")
def chest(shared_data):
    return io.read_scan(shared_data / "chest_ct_dicom" / "slices")


def test_the_dicom_chest_is_one_upright_stack_though_each_slice_has_its_own_frame(chest):
    assert chest.ct.grid.shape == (512, 512, 60)
    assert chest.ct.grid.spacing_mm == pytest.approx((0.78125, 0.78125, 1.0))
    assert chest.ct.grid.origin_mm[:2] == pytest.approx((-201, -59))
    assert chest.notes == ("60 slices name 60 frames of reference: read as one, their positions fit",)
    steps = np.abs(np.diff(chest.ct.array[::4, ::4].astype(float), axis=2)).mean(axis=(0, 1))
    shuffled = np.abs(chest.ct.array[::4, ::4, 0].astype(float) - chest.ct.array[::4, ::4, 30]).mean()
    assert steps.max() < 0.7 * shuffled  # neighbours are alike: slices out of order would not be


def test_the_spine_of_the_dicom_chest_is_at_the_back(chest):
    dense = chest.ct.array[:, :, 30] > 250
    blobs, count = ndimage.label(dense)
    sizes = np.bincount(blobs.ravel())[1:]
    centre = ndimage.center_of_mass(blobs == 1 + int(np.argmax(sizes)))
    lungs = np.argwhere((chest.ct.array[:, :, 30] < -600) & (chest.ct.array[:, :, 30] > -980)).mean(axis=0)
    assert count > 3
    assert centre[1] > lungs[1]  # J runs to the back


def test_the_command_reads_every_kind_of_data_set(shared_data, abdomen, tmp_path):
    slab = ["--labels", str(abdomen / "example_ct_sm_seg117.nii.gz")]
    sources = [(shared_data / "bone_lesions_ct" / "4.nii.gz", []), (abdomen / "example_ct_sm.nii.gz", slab)]
    sources.append((shared_data / "chest_ct_dicom", []))
    for number, (source, options) in enumerate(sources):
        folder = tmp_path / str(number)
        result = CliRunner().invoke(cli.app, ["read", str(source), "--out", str(folder), "--json", *options])
        assert result.exit_code == 0, result.output
        assert io.read_case(folder).ct.grid.shape[2] in (96, 30, 60)


def test_a_real_case_keeps_its_fingerprint_through_its_folder(chest, tmp_path):
    io.write_case(dataclasses.replace(chest, id="chest"), tmp_path / "case")
    assert io.case_fingerprint(io.read_case(tmp_path / "case")) == io.case_fingerprint(chest)

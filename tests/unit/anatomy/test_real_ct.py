"""Does it hold on real scans?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iceball import anatomy, io
from iceball.nouns import Case


@pytest.fixture(scope="module")
def abdomen(shared_data: Path) -> Case:
    folder = shared_data / "abdomen_pelvis_ct"
    return io.read_scan(folder / "example_ct_sm.nii.gz", labels=folder / "example_ct_sm_seg117.nii.gz")


def share(case: Case, structure: str, tissues: set[str]) -> float:
    """Share of a structure's voxels that hold one of ``tissues``; a name ending in "..." stands for its beginnings."""
    found = anatomy.tissue_map(anatomy.prepare(case), case.ct.grid)
    assert case.labels is not None
    here = found.index[case.labels.array == case.structure(structure).label]
    starts = tuple(name.removesuffix("...") for name in tissues)
    return float(np.mean([found.tissues[i].name.startswith(starts) for i in here]))


def test_every_organ_lies_in_the_body(abdomen: Case):
    assert abdomen.labels is not None
    inside = anatomy.body(abdomen.ct, abdomen.field_of_view)
    assert inside[abdomen.labels.array > 0].mean() > 0.999
    # an abdomen of ordinary size: 9 cm high, some 30 x 22 cm
    litres = inside.sum() * abdomen.ct.grid.voxel_ml / 1000.0
    assert 3.0 < litres < 9.0


@pytest.mark.parametrize(
    ("structure", "tissues"),
    [
        ("spinal_cord", {"spinal_cord"}),
        ("aorta", {"flowing_blood"}),
        ("kidney_left", {"kidney"}),
        ("liver", {"liver"}),
        ("vertebrae_L2", {"bone, ...", "cortex beside ..."}),
    ],
)
def test_an_organ_is_its_tissue(abdomen: Case, structure: str, tissues: set[str]):
    assert share(abdomen, structure, tissues) == 1.0


def test_a_vertebra_is_mostly_marrow_with_some_dense_bone(abdomen: Case):
    prepared = anatomy.prepare(abdomen)
    found = anatomy.tissue_map(prepared, abdomen.ct.grid)
    assert abdomen.labels is not None
    bone = found.index[abdomen.labels.array == abdomen.structure("vertebrae_L2").label]
    matrix = np.array([float(found.tissues[i].name.split()[-2].rstrip("%")) / 100 for i in bone])
    # bone matrix of a lumbar vertebra, cortex and processes in: a tenth to a third of its volume
    assert 0.05 < matrix.mean() < 0.35
    assert matrix.max() > 0.3


def test_the_nail_in_the_femur_is_metal(shared_data: Path):
    case = io.read_scan(shared_data / "abdomen_pelvis_ct" / "example_ct.nii.gz")
    found = anatomy.tissue_map(anatomy.prepare(case), case.ct.grid)
    metal = np.argwhere([tissue.name == "metal" for tissue in found.tissues])[0, 0]
    where = case.ct.grid.position_mm(np.argwhere(found.index == metal))
    assert len(where) > 10
    middle = case.ct.grid.position_mm(np.asarray(case.ct.grid.shape) / 2)
    assert (where[:, 0] > middle[0]).all()  # x of LPS grows to the patient's left


@pytest.mark.parametrize("number", [1, 2, 3, 4, 8])
def test_the_lung_beside_a_patch_is_not_the_room(shared_data: Path, number: int):
    case = io.read_scan(shared_data / "bone_lesions_ct" / f"{number}.nii.gz")
    found = anatomy.tissue_map(anatomy.prepare(case), case.ct.grid)
    # Small bits of dark lung and airway that the front of a patch cuts may pass for room: up to 0.2 % of the voxels.
    # Skin shows at the back only, about one voxel in each column of 96; lung would show in front, 2 % and more.
    assert (found.open_faces[:, :48, :] > 0).mean() < 3e-3
    assert (found.open_faces > 0).mean() <= 1.5 / 96


def test_the_room_in_front_and_behind_an_abdomen_is_room(shared_data: Path):
    case = io.read_scan(shared_data / "abdomen_pelvis_ct" / "example_ct.nii.gz")
    found = anatomy.tissue_map(anatomy.prepare(case), case.ct.grid)
    middle = found.grid.shape[0] // 2
    for half in (found.open_faces[middle, :50], found.open_faces[middle, 50:]):
        assert (half.max(axis=0) > 0).mean() > 0.9  # belly and back, in nearly every slice

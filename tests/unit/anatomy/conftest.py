"""Small CTs of known content for the tests of anatomy."""

from __future__ import annotations

import numpy as np
import pytest

from iceball import anatomy, library
from iceball.nouns import Case, Grid, Lesion, Structure, Volume


def structure(name: str, label: int) -> Structure:
    rule = library.structure_rule(name)
    return Structure(name=name, role=rule.role, label=label, limit=rule.limit, tissue=rule.tissue)


def make_torso() -> Case:
    """A box of muscle in air on a table, with bone, marrow, cord, lung, contrast-filled aorta, bowel gas and metal."""
    shape = (40, 40, 20)
    grid = Grid(shape=shape, spacing_mm=(2.0, 2.0, 3.0), origin_mm=(-39.0, -39.0, -30.0))
    hu = np.full(shape, -1000, dtype=np.int16)
    labels = np.zeros(shape, dtype=np.uint8)
    hu[2:38, 37:39, :] = 300  # the table, two voxels of air below the back
    hu[5:35, 5:35, :] = 50
    hu[5:35, 5:8, :] = -100  # fat at the front
    hu[10:16, 20:26, :], labels[10:16, 20:26, :] = 700, 31  # cortex of L1 ...
    hu[12:14, 22:24, :] = -60  # ... around fatty marrow
    hu[18:22, 27:31, :], labels[18:22, 27:31, :] = 40, 79
    hu[24:32, 10:16, 4:12], labels[24:32, 10:16, 4:12] = -850, 11
    hu[8:12, 10:14, :], labels[8:12, 10:14, :] = 350, 52
    hu[18:22, 12:15, 8:12] = -950  # bowel gas, no label
    hu[28:31, 24:27, :] = 3000
    hu[24:27, 24:27, :] = 600  # bone without a label
    return Case(
        id="torso",
        ct=Volume(grid=grid, array=hu, quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=(
            structure("vertebrae_L1", 31),
            structure("spinal_cord", 79),
            structure("lung_lower_lobe_left", 11),
            structure("aorta", 52),
        ),
    )


@pytest.fixture
def torso() -> Case:
    return make_torso()


@pytest.fixture
def lesion_at(torso: Case):
    """Give the torso a lesion of some matrix in its bone."""

    def make(matrix: str) -> Case:
        mask = np.zeros(torso.ct.grid.shape, dtype=np.uint8)
        mask[10:14, 20:24, 8:12] = 1
        volume = Volume(grid=torso.ct.grid, array=mask, quantity="label")
        return Case(
            id="torso",
            ct=torso.ct,
            labels=torso.labels,
            structures=torso.structures,
            lesion=Lesion(mask=volume, matrix=matrix, origin="drawn by the test"),
        )

    return make


@pytest.fixture(scope="session")
def prepared_torso() -> anatomy.Prepared:
    """Prepare the torso once; hypothesis asks for fixtures that do not change between examples."""
    return anatomy.prepare(make_torso())

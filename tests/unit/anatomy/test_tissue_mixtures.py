"""Do mixtures agree with what the library knows of whole tissues? Are lesion, cement and vessel what they are?"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from iceball import anatomy, library
from iceball.nouns import Case, Lesion, Structure, TissueMap, Volume

WATER_LATENT_J_PER_KG = 333.6e3  # physics README 1.5


def tissues(torso: Case) -> dict:
    return {tissue.name: tissue for tissue in anatomy.prepare(torso).palette.tissues}


def with_lesion(torso: Case, hu: float, matrix: str, part: tuple = np.s_[10:14, 20:24, 8:12]) -> Case:
    array = np.array(torso.ct.array, dtype=np.float32)
    array[part] = hu
    mask = np.zeros(array.shape, dtype=np.uint8)
    mask[part] = 1
    grid = torso.ct.grid
    return dataclasses.replace(
        torso,
        ct=Volume(grid=grid, array=array, quantity="hu"),
        lesion=Lesion(mask=Volume(grid=grid, array=mask, quantity="label"), matrix=matrix, origin="drawn by the test"),
    )


def there(case: Case, part: tuple = np.s_[11:13, 21:23, 9:11]) -> str:
    found: TissueMap = anatomy.tissue_map(anatomy.prepare(case), case.ct.grid)
    (name,) = {found.tissues[i].name for i in np.unique(found.index[part])}
    return name


def test_cancellous_bone_mixed_from_its_parts_is_the_library_s(torso: Case):
    mixture, whole = tissues(torso)["bone, 13% matrix"], library.tissue("trabecular_bone")
    # 13 % matrix is 180 mg/ml, a healthy vertebra. The row was worked out from 33 % water, the mixture from red marrow
    for field, limit in (
        ("heat_capacity_j_per_m3_k", 0.05),
        ("frozen_heat_capacity_j_per_m3_k", 0.1),
        ("latent_heat_j_per_m3", 0.1),
        ("frozen_conductivity_w_per_m_k", 0.1),
    ):
        assert getattr(mixture, field) == pytest.approx(getattr(whole, field), rel=limit), field
    row = library.tissue_rows("trabecular_bone")["conductivity_w_per_m_k"]
    assert row.low <= mixture.conductivity_w_per_m_k <= row.high


def test_more_water_can_freeze_in_no_mixture_than_it_holds(torso: Case):
    for long_bone, family in ((False, "bone"), (True, "long bone")):
        for i in range(16):
            mixture = tissues(torso)[f"{family}, {i / 15:.0%} matrix"]
            marrow_hu = -80.0 if long_bone else 10.0
            hu = marrow_hu + i / 15 * (1698.5 - marrow_hu)
            water_kg_per_m3 = 1000.0 * float(anatomy.fractions(hu, long_bone=long_bone).water_fraction)
            freezes = mixture.latent_heat_j_per_m3 / WATER_LATENT_J_PER_KG / water_kg_per_m3
            # of marrow's water four fifths freeze, of matrix's a quarter: most of that is bound
            assert 0.2 < freezes < 0.9, (mixture.name, freezes)


@pytest.mark.parametrize("hu", [600.0, 900.0, 1200.0])
def test_a_blastic_lesion_mixed_from_tumour_and_matrix_is_the_library_s(torso: Case, hu: float):
    mixture = tissues(torso)[there(with_lesion(torso, hu, "blastic"))]
    rows = library.tissue_rows("osteoblastic_lesion")
    density = rows["density_kg_per_m3"]
    assert mixture.conductivity_w_per_m_k == pytest.approx(rows["conductivity_w_per_m_k"].value, rel=0.12)
    heat = rows["latent_heat_j_per_kg"]
    # the one row stands for all blastic lesions: HU from 600 to 1200 lie around it
    low, high = heat.low * density.low, heat.high * density.high
    assert low < mixture.latent_heat_j_per_m3 < 1.25 * high
    frozen = rows["frozen_conductivity_w_per_m_k"]
    assert frozen.low < mixture.frozen_conductivity_w_per_m_k < 1.15 * frozen.high


def test_a_blastic_lesion_s_properties_follow_its_hu(torso: Case):
    names = [there(with_lesion(torso, hu, "blastic")) for hu in (40.0, 300.0, 600.0, 900.0, 1200.0, 1800.0)]
    assert names[0] == "osteolytic_lesion"
    assert names[-1] == "lesion, 100% matrix"
    heat = [tissues(torso)[name].latent_heat_j_per_m3 for name in names]
    assert (np.diff(heat) < 0).all()


@pytest.mark.parametrize(
    ("hu", "name"), [(40.0, "osteolytic_lesion"), (250.0, "osteolytic_lesion"), (700.0, "lesion, 40% matrix")]
)
def test_what_is_bright_in_a_lytic_lesion_is_contrast_until_it_is_dense(torso: Case, hu: float, name: str):
    assert there(with_lesion(torso, hu, "lytic")) == name


def test_what_is_bright_in_a_mixed_lesion_is_mineral(torso: Case):
    # (250 - 40) / (1698.5 - 40) = 0.127, nearest 2/15
    assert there(with_lesion(torso, 250.0, "mixed")) == "lesion, 13% matrix"


def test_gas_in_a_lesion_insulates(torso: Case):
    assert there(with_lesion(torso, -900.0, "lytic")) == "air"


def test_metal_in_a_lesion_is_metal(torso: Case):
    assert there(with_lesion(torso, 3000.0, "blastic")) == "metal"


@pytest.mark.parametrize(("name", "tissue"), [("bone_cement", "pmma_cement"), ("metal_implant", "metal")])
def test_what_was_put_in_is_no_tumour_even_inside_the_lesion(torso: Case, name: str, tissue: str):
    case = with_lesion(torso, 900.0, "lytic")
    labels = np.array(case.labels.array)
    labels[11:13, 21:23, 9:11] = 90
    rule = library.structure_rule(name)
    thing = Structure(name=name, role=rule.role, label=90, tissue=rule.tissue)
    case = dataclasses.replace(
        case,
        labels=Volume(grid=case.ct.grid, array=labels, quantity="label"),
        structures=(*case.structures, thing),
    )
    assert there(case) == tissue


def test_dense_bone_without_a_label_of_cement_is_cortex(torso: Case):
    array = np.array(torso.ct.array)
    array[10:16, 20:26, 5:15] = 1700
    case = dataclasses.replace(torso, ct=Volume(grid=torso.ct.grid, array=array, quantity="hu"))
    assert there(case) == "bone, 100% matrix"


def test_contrast_in_a_vessel_drawn_by_hand_is_blood_that_flows(torso: Case):
    labels = np.array(torso.labels.array)
    labels[24:27, 24:27, :] = 91  # 600 HU, bone by HU
    rule = library.structure_rule("vessel_left")
    vessel = Structure(name="vessel_left", role=rule.role, label=91, tissue=rule.tissue)
    case = dataclasses.replace(
        torso,
        labels=Volume(grid=torso.ct.grid, array=labels, quantity="label"),
        structures=(*torso.structures, vessel),
    )
    assert there(case, np.s_[24:27, 24:27, 5:15]) == "flowing_blood"


def test_every_mixture_names_the_rows_it_is_made_of(torso: Case):
    known = set(library.tissue_names())
    for name in tissues(torso):
        rows = anatomy.rows_of(name)
        assert (name in known) != bool(rows), name
        assert set(rows) <= known
    assert anatomy.rows_of("lesion, 40% matrix") == ("cortical_bone", "osteolytic_lesion")
    assert anatomy.rows_of("cortex beside fat, 20% matrix")[:2] == ("cortical_bone", "fat")

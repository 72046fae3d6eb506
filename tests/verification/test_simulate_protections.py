"""Protections and large vessels are felt by the whole verb, and the energy still balances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from small_patient import patient, plan, run

from iceball import library
from iceball.nouns import Ball, Pocket, Sensor, WarmPad

BEHIND = (0.0, 12.0, 2.0)  # LPS [mm]: between the lesion and the cord, in the lesion's own axial plane


def test_a_pocket_that_is_kept_warm_keeps_the_cord_warmer_and_a_still_one_does_not():
    place = Ball(centre_mm=(0.0, 12.0, 2.0), radius_mm=6.0)
    soft = muscle_patient()
    bare = run(case=soft, plan_=plan("6"))
    still = run(case=soft, plan_=plan("6", protections=[Pocket(label="s", filling="saline", region=place)]))
    flowing = run(
        case=soft, plan_=plan("6", protections=[Pocket(label="f", filling="saline", region=place, held_c=40.0)])
    )
    cords = [float(h.structures[0].coldest_c.min()) for h in (bare, still, flowing)]
    assert cords[2] > max(cords[:2]) + 1.0  # °C: a heat bath in between
    assert abs(cords[1] - cords[0]) < 5.0  # still saline holds little more heat than muscle
    inside = np.linalg.norm(voxels_mm(flowing.coldest.grid) - np.array(place.centre_mm), axis=-1) < 4.0
    np.testing.assert_allclose(flowing.coldest.array[inside], 40.0, atol=1e-3)  # what is held does not move
    assert flowing.energy.boundary_j > bare.energy.boundary_j + 10.0, "the bath should give heat"
    assert flowing.energy.residual_fraction < 1e-4
    assert still.energy.residual_fraction < 1e-4


def voxels_mm(grid):
    """Where the voxels (I, J, K, 3) of a grid lie, LPS [mm]."""
    return grid.position_mm(np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3)).reshape(*grid.shape, 3)


def muscle_patient(tissue="spinal_cord"):
    """The patient without bone, so that fluid has room; the structure behind is of ``tissue``."""
    case = patient()
    hu = np.where(case.ct.array > 100.0, 50.0, case.ct.array).astype(np.float32)
    behind = replace(case.structures[0], name=tissue, tissue=tissue, limit=None if tissue != "spinal_cord" else tissue)
    return replace(case, ct=replace(case.ct, array=hu), structures=(behind,))


def test_a_warm_pad_keeps_the_skin_warm():
    case = patient(back_mm=64.0)
    pad = WarmPad(
        label="glove", region=Ball(centre_mm=(0.0, 4.0, 0.0), radius_mm=40.0), outside_c=40.0, film_w_per_m2_k=100.0
    )
    bare, padded = run(case=case, plan_=plan("2")), run(case=case, plan_=plan("2", protections=[pad]))
    assert padded.start.array.min() > bare.start.array.min() + 1.0
    assert padded.energy.boundary_j > bare.energy.boundary_j
    assert padded.energy.residual_fraction < 1e-4


def test_a_large_vessel_stays_at_its_temperature_and_takes_no_part_in_the_ice():
    case = muscle_patient(tissue=library.structure_rule("aorta").tissue)
    vessel = case.labels.array == 1
    history = run(case=case, plan_=plan("6"))
    place = case.ct.grid.index_of(voxels_mm(history.coldest.grid).reshape(-1, 3)).round().astype(int)
    within = vessel[tuple(np.clip(place, 0, 59).T)].reshape(history.coldest.grid.shape)
    arterial_c = library.physics()["arterial_c"].value
    assert within.any()
    np.testing.assert_allclose(history.coldest.array[within], arterial_c, atol=1e-3)
    assert history.energy.boundary_j > 10.0, "the vessel should give heat"
    assert history.energy.residual_fraction < 1e-4


def test_a_thermometer_shows_what_its_voxel_does_and_the_means_of_warming_are_cited():
    beside, far = (6.8, -4.7, 2.4), (0.0, -40.0, 40.0)
    pocket = library.irrigation(label="warm", region=Ball(centre_mm=(0.0, 12.0, 2.0), radius_mm=6.0))
    sensors = [Sensor(label="beside", at_mm=beside), Sensor(label="far", at_mm=far)]
    history = run(case=muscle_patient(), plan_=plan("3-2", protections=[*sensors, pocket]))
    near, away = history.sensors
    assert (near.label, near.at_mm, away.label) == ("beside", beside, "far")
    assert near.temperature_c.size == history.time_s.size
    grid = history.coldest.grid
    for sensor in (near, away):
        low = np.floor(grid.index_of(sensor.at_mm)).astype(int)
        around = history.start.array[tuple(slice(i, i + 2) for i in low)]
        assert around.min() <= sensor.temperature_c[0] + 1e-3  # single precision
        assert sensor.temperature_c[0] <= around.max() + 1e-3
    assert near.temperature_c.min() < away.temperature_c.min() - 1.0, "the near one should feel the ice"
    assert {row.source for row in library.protection_rows("warm_irrigation").values()} <= set(history.run.sources)

"""Did anything move? Three made-up patients; a change here needs a line in the changelog that says why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from iceball import library, thermal
from iceball.nouns import Case, Grid, Lesion, Placement, Plan, Structure, Volume, read_protocol

GOLDEN = Path(__file__).with_name("golden.json")
CASES = {
    "lytic, one probe": ("lytic", "3-2-3", (0.0,)),
    "blastic, two probes": ("blastic", "5", (-6.0, 6.0)),
    "mixed, half power": ("mixed", "freeze at 50% for 5 min; thaw for 2 min", (0.0,)),
}


def patient(matrix):
    """A block of bone in muscle with a lesion of 18 mm and a cord behind it."""
    place = np.indices((50, 50, 50)) * 2.0
    hu = np.full(place.shape[1:], 50.0, np.float32)
    hu[12:38, 12:32, :] = 300.0
    lesion = ((place - 44.0) ** 2).sum(axis=0) < 9.0**2
    hu[lesion] = {"lytic": 40.0, "blastic": 900.0, "mixed": 200.0}[matrix]
    labels = np.zeros(hu.shape, np.uint8)
    labels[19:26, 33:38, :] = 1
    grid = Grid(shape=(50, 50, 50), spacing_mm=(2.0,) * 3, origin_mm=(0.0, 0.0, 0.0))
    cord = Structure(name="spinal_cord", role="at_risk", label=1, limit="spinal_cord", tissue="spinal_cord")
    return Case(
        id="golden",
        ct=Volume(grid=grid, array=hu, quantity="hu"),
        labels=Volume(grid=grid, array=labels, quantity="label"),
        structures=(cord,),
        lesion=Lesion(
            mask=Volume(grid=grid, array=lesion.astype(np.uint8), quantity="label"), matrix=matrix, origin="golden"
        ),
    )


def measure(name):
    """Volumes [ml], coldest cord [°C] and heat taken [J] of one case."""
    matrix, protocol, shifts = CASES[name]
    probe = library.probe("argon-17g-30mm")
    placements = tuple(
        Placement(label="AB"[i], probe=probe, tip_mm=(44.3 + x, 43.8, 25.7), entry_mm=(44.3 + x, 47.8, 95.7))
        for i, x in enumerate(shifts)
    )
    plan = Plan(placements=placements, protocol=read_protocol(protocol))
    history = thermal.simulate(patient(matrix), plan, spacing_mm=2.0)
    coldest = history.coldest
    volumes = {f"{c:g}": float((coldest.array <= c).sum() * coldest.grid.voxel_ml) for c in (0.0, -20.0, -40.0)}
    return {"ml": volumes, "cord_c": float(history.structures[0].coldest_c.min()), "heat_j": -history.energy.probe_j}


@pytest.mark.parametrize("name", CASES)
def test_a_made_up_patient_freezes_as_it_did(name):
    expected, found = json.loads(GOLDEN.read_text())[name], measure(name)
    # one voxel of 8 microlitres may fall to either side of an isotherm; rounding moves nothing else
    for isotherm, volume in expected["ml"].items():
        assert found["ml"][isotherm] == pytest.approx(volume, abs=0.02)
    assert found["cord_c"] == pytest.approx(expected["cord_c"], abs=0.01)
    assert found["heat_j"] == pytest.approx(expected["heat_j"], rel=1e-4)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({name: measure(name) for name in CASES}, indent=2) + "\n")

"""Protections and the newer fields of a probe come back from the files as they were."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import io, library
from iceball.errors import InputError
from iceball.io._run_models import ProbeModel
from iceball.nouns import (
    Ball,
    Capsule,
    Drawn,
    Heater,
    HeldShaft,
    InsulatedShaft,
    Placement,
    Plan,
    Pocket,
    Sensor,
    WarmGas,
    WarmPad,
    read_protocol,
)

PROBE = library.probe(library.probe_names()[0])
PLACED = Placement(label="A", probe=PROBE, entry_mm=(0.0, -100.0, 0.0), tip_mm=(0.0, 0.0, 0.0))

coordinate = st.floats(-1000.0, 1000.0)
point = st.tuples(coordinate, coordinate, coordinate)
radius = st.floats(0.1, 100.0)
regions = (
    st.builds(Ball, centre_mm=point, radius_mm=radius)
    | st.builds(Capsule, start_mm=point, end_mm=point, radius_mm=radius)
    | st.builds(Drawn, structure=st.sampled_from(["spinal_canal", "urinary_bladder"]))
)
labels = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs"]), min_size=1, max_size=12)
protections = (
    st.builds(
        Pocket,
        label=labels,
        filling=st.sampled_from(["saline", "carbon_dioxide", "air"]),
        region=regions,
        held_c=st.none() | st.floats(1.0, 60.0),
    )
    | st.builds(
        WarmPad, label=labels, region=regions, outside_c=st.floats(1.0, 60.0), film_w_per_m2_k=st.floats(1.0, 500.0)
    )
    | st.builds(Sensor, label=labels, at_mm=point)
)


@given(guards=st.lists(protections, max_size=4, unique_by=lambda each: each.label))
def test_any_protections_come_back_as_they_were(guards, tmp_path_factory):
    plan = Plan(placements=(PLACED,), protocol=read_protocol("10-8-10"), protections=tuple(guards))
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    io.write_plan(plan, path)
    assert io.read_plan(path) == plan


def test_whole_numbers_and_lists_in_a_plan_made_by_code_are_written_as_numbers(tmp_path):
    ball = Ball(centre_mm=(1, 2, 3), radius_mm=4)
    plan = Plan(
        placements=(PLACED,),
        protocol=read_protocol("10"),
        protections=(Pocket(label="p", filling="saline", region=ball, held_c=37),),
    )
    io.write_plan(plan, tmp_path / "plan.json")
    assert io.read_plan(tmp_path / "plan.json") == plan


GOOD = {"kind": "sensor", "label": "nerve", "at_mm": [0, 0, 0]}
PAD = {"kind": "warm pad", "label": "glove", "outside_c": 40, "film_w_per_m2_k": 100}


@pytest.mark.parametrize(
    ("protection", "says"),
    [
        (GOOD | {"kind": "amulet"}, r"protections\.0: Input tag 'amulet'.*'pocket', 'warm pad', 'sensor'"),
        (GOOD | {"at_mm": [0, 0]}, r"protections\.0\.sensor\.at_mm.*: Field required"),
        (GOOD | {"depth_mm": 3}, r"protections\.0\.sensor\.depth_mm: Extra inputs"),
        (GOOD | {"at_mm": [0, 0, 1e9]}, r"protections\.0\.sensor\.at_mm\.2: .*less than or equal to 100000"),
        (PAD, r"protections\.0\.warm pad\.region: Field required"),
        (
            PAD | {"region": {"kind": "ball", "centre_mm": [0, 0, 0], "radius_mm": "8"}},
            r"region\.ball\.radius_mm: Input should be a valid number, not '8'",
        ),
        (PAD | {"region": {"kind": "ball", "centre_mm": [0, 0, 0], "radius_mm": 0}}, "radius of a ball must be above"),
        (PAD | {"region": {"kind": "drawn", "structure": "x"}, "outside_c": 99}, "pad glove: a pad at 99.0 °C"),
    ],
)
def test_a_wrong_protection_is_refused_in_one_line(tmp_path, protection, says):
    entry = {"label": "A", "probe": PROBE.name, "entry_mm": [0, -100, 0], "tip_mm": [0, 0, 0]}
    plan = {"format": "iceball-plan", "version": 1, "probes": [entry], "protocol": "10", "protections": [protection]}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    with pytest.raises(InputError, match=says) as refused:
        io.read_plan(tmp_path / "plan.json")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("law", [HeldShaft(), WarmGas(), Heater(heat_w_per_m=800.0)])
def test_a_probe_s_choices_come_back_from_a_run(law):
    probe = dataclasses.replace(
        PROBE,
        thaw_law=law,
        handle_end=InsulatedShaft(),
        gas_temperature_at_handle_c=-120.0,
        rewarming_time_s=9.0,
    )
    assert ProbeModel.model_validate_json(ProbeModel.of(probe).model_dump_json()).noun() == probe


def test_a_run_of_before_these_choices_still_reads():
    written = json.loads(ProbeModel.of(PROBE).model_dump_json())
    for field in ("thaw_law", "handle_end", "gas_temperature_at_handle_c", "rewarming_time_s"):
        del written[field]
    assert ProbeModel.model_validate_json(json.dumps(written)).noun() == PROBE

"""plan.json: what is written comes back; what is wrong is named."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import io, library
from iceball.errors import IceballError, InputError, UnknownName
from iceball.nouns import Placement, Plan, Protocol, Step, read_protocol

ENTRY = {"label": "A", "probe": library.probe_names()[0], "entry_mm": [0, -100, 0], "tip_mm": [0, 0, 0]}
GOOD = {"format": "iceball-plan", "version": 1, "probes": [ENTRY], "protocol": "10-8-10"}

coordinates = st.floats(-500, 500)
points = st.tuples(coordinates, coordinates, coordinates)
words = st.text(max_size=20).filter(lambda text: "\x00" not in text and text.isprintable())


@st.composite
def plans(draw) -> Plan:
    labels = draw(st.lists(st.sampled_from("ABCDEFGH"), min_size=1, max_size=4, unique=True))
    placements = []
    for label in labels:
        probe, tip = library.probe(draw(st.sampled_from(library.probe_names()))), draw(points)
        entry = (tip[0], tip[1] - draw(st.floats(100, 200)), tip[2])
        placements.append(Placement(label=label, probe=probe, entry_mm=entry, tip_mm=tip))
    percents = st.integers(0, 100).map(lambda percent: percent / 100)
    steps = [Step(kind="freeze", duration_s=60.0 * draw(st.integers(1, 30)), power_fraction=draw(percents))]
    steps += [Step(kind="passive thaw", duration_s=float(draw(st.integers(1, 900))))]
    return Plan(
        placements=tuple(placements),
        protocol=Protocol(steps=tuple(steps)),
        case=draw(st.from_regex(r"[0-9a-f]{12}", fullmatch=True) | st.just("")),
        name=draw(words),
        notes=tuple(draw(st.lists(words, max_size=2))),
    )


@given(plan=plans())
def test_any_plan_comes_back_as_it_was(plan, tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    io.write_plan(plan, path)
    assert io.read_plan(path) == plan


def write(tmp_path, content) -> object:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(content))
    return path


def test_a_plan_written_by_hand_is_read(tmp_path):
    plan = io.read_plan(write(tmp_path, GOOD))
    assert plan.protocol == read_protocol("10-8-10")
    assert (plan.placements[0].probe, plan.placements[0].entry_mm) == (library.probe(ENTRY["probe"]), (0, -100, 0))


def test_an_unknown_probe_lists_the_known_ones(tmp_path):
    path = write(tmp_path, GOOD | {"probes": [ENTRY | {"probe": "argon-99g"}]})
    with pytest.raises(UnknownName, match=library.probe_names()[-1]):
        io.read_plan(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({key: GOOD[key] for key in GOOD if key != "protocol"}, r"protocol: Field required"),
        (GOOD | {"probes": []}, r"probes: .*at least 1 item"),
        (GOOD | {"probes": [ENTRY | {"tip_mm": [0, 0]}]}, r"probes\.0\.tip_mm.*: Field required"),
        (GOOD | {"probes": [ENTRY | {"tip_mm": [0, 0, "x"]}]}, r"probes\.0\.tip_mm\.2: .*valid number, not 'x'"),
        (GOOD | {"probes": [ENTRY | {"depth_mm": 3}]}, r"probes\.0\.depth_mm: Extra inputs"),
        (GOOD | {"protocol": "make it cold"}, r"cannot read step 'make it cold'; write '10-8-10'"),
        (GOOD | {"probes": [ENTRY | {"entry_mm": [0, -1, 0]}]}, r"Move the entry outward"),
        (GOOD | {"probes": [ENTRY, ENTRY]}, r"two probes share a label"),
        (GOOD | {"case": "mine"}, r"case: String should match pattern"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_line_that_names_the_field(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as refused:
        io.read_plan(write(tmp_path, content))
    assert "\n" not in str(refused.value)


@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)))
def test_garbage_as_a_plan_is_refused_and_nothing_else_happens(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("garbage") / "plan.json"
    path.write_bytes(content)
    with pytest.raises(IceballError):
        io.read_plan(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from([*GOOD, "name", "notes", "case"]), value=json_values)
def test_any_json_in_any_field_gives_a_plan_or_a_refusal(field, value, tmp_path_factory):
    path = tmp_path_factory.mktemp("garbage") / "plan.json"
    path.write_text(json.dumps(GOOD | {field: value}))
    try:
        assert len(io.read_plan(path).placements) == 1
    except IceballError:
        return  # any other exception fails the test


def test_deeply_nested_json_is_refused(tmp_path):
    path = tmp_path / "plan.json"
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(InputError, match="plan .* is refused"):
        io.read_plan(path)


def test_a_missing_plan_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        io.read_plan(tmp_path / "none.json")


def test_a_probe_that_its_name_would_not_bring_back_is_not_written(tmp_path):
    probe = dataclasses.replace(library.probe(ENTRY["probe"]), cooling_time_s=1234.0)
    placement = Placement(label="A", probe=probe, entry_mm=(0.0, -100.0, 0.0), tip_mm=(0.0, 0.0, 0.0))
    plan = Plan(placements=(placement,), protocol=read_protocol("10"))
    with pytest.raises(InputError, match="differs from the library's"):
        io.write_plan(plan, tmp_path / "plan.json")
    assert list(tmp_path.iterdir()) == []


def test_writing_again_replaces_the_plan_in_one_step(tmp_path):
    plan = io.read_plan(write(tmp_path, GOOD))
    io.write_plan(dataclasses.replace(plan, name="second"), tmp_path / "plan.json")
    assert io.read_plan(tmp_path / "plan.json").name == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]

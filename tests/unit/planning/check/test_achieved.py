"""Probes as they lie: the files are read whole or refused in one line, and the lines find their probes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from check_patient import PROBE, patient, placement, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball import io
from iceball.errors import InputError, MissingPart, UnknownName
from iceball.nouns import AchievedProbe
from iceball.planning.check import as_achieved

CASE = patient()
NUMBERS = st.floats(-300, 300).map(lambda value: round(value, 4))
POINTS = st.tuples(NUMBERS, NUMBERS, NUMBERS)


def markup(points, *, space="LPS", name="A", kind="Line", **more):
    spots = [{"position": list(point), "positionStatus": "defined"} for point in points]
    return {"type": kind, "name": name, "coordinateSystem": space, "controlPoints": spots} | more


def markups(path: Path, *parts) -> Path:
    path.write_text(json.dumps({"markups": list(parts)}), encoding="utf-8")
    return path


def flipped(point):
    return (-point[0], -point[1], point[2])


@given(POINTS, POINTS)
@settings(max_examples=50, deadline=None)
def test_ras_and_lps_say_the_same_place(tmp_path_factory, one, other):
    if one == other:
        return
    folder = tmp_path_factory.mktemp("lines")
    lps = io.read_achieved(markups(folder / "lps.mrk.json", markup((one, other))))
    ras = io.read_achieved(markups(folder / "ras.mrk.json", markup((flipped(one), flipped(other)), space="RAS")))
    assert lps == ras
    assert (lps[0].start_mm, lps[0].end_mm, lps[0].ordered) == (one, other, False)
    rows = [("LPS", one, other), ("RAS", flipped(one), flipped(other))]
    for space, a, b in rows:
        cells = ",".join(repr(value) for value in (*a, *b))
        path = folder / "table.csv"
        path.write_text(f"label,entry_x,entry_y,entry_z,tip_x,tip_y,tip_z,space\nA,{cells},{space}\n", encoding="utf-8")
        (read,) = io.read_achieved(path)
        assert (read.start_mm, read.end_mm, read.ordered) == (one, other, True)


def test_a_table_may_name_probes_leave_out_the_space_and_order_its_columns_as_it_likes(tmp_path):
    path = tmp_path / "probes.CSV"
    path.write_text(
        "\ufefftip_x, tip_y ,TIP_Z,label,entry_x,entry_y,entry_z,probe\r\n4,5,6,C,1,2,3,argon-17g-30mm\r\n\r\n",
        encoding="utf-8",
    )
    assert io.read_achieved(path) == (
        AchievedProbe(label="C", start_mm=(1.0, 2.0, 3.0), end_mm=(4.0, 5.0, 6.0), probe="argon-17g-30mm"),
    )


HEAD = "label,entry_x,entry_y,entry_z,tip_x,tip_y,tip_z"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEAD, "has no row"),
        ("label,x,y,z\nA,1,2,3", "lacks entry_x"),
        (f"{HEAD},colour\nA,1,2,3,4,5,6,red", "has 'colour'"),
        (f"{HEAD},label\nA,1,2,3,4,5,6,B", "has a column twice"),
        (f"{HEAD}\nA,1,2,3,4,5", "row 2 has 6 cells"),
        (f"{HEAD}\nA,1,5,2,5,3,5,4,5,5,5,6,5", "decimals take a point"),
        (f"{HEAD}\nA,1,2,3,4,5,six", "tip_z is 'six'"),
        (f"{HEAD}\nA,1,2,3,4,5,", "tip_z is ''"),
        (f"{HEAD}\nA,1,2,3,4,5,nan", "no place in a scan"),
        (f"{HEAD}\nA,1,2,3,4,5,1e9", "no place in a scan"),
        (f"{HEAD}\n,1,2,3,4,5,6", "needs a label"),
        (f"{HEAD}\nA,1,2,3,1,2,3", "begins and ends in one place"),
        (f"{HEAD}\nA,1,2,3,4,5,6\nA,2,2,3,4,5,6", "has A twice"),
        (f"{HEAD},space\nA,1,2,3,4,5,6,MNI", "write LPS or RAS"),
        (f'{HEAD}\n"A,1,2,3,4,5,6', "is no table"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_one_line(tmp_path, text, says):
    path = tmp_path / "probes.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        io.read_achieved(path)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (markup([(0, 0, 0), (1, 1, 1), (2, 2, 2)]), "no line of two points"),
        (markup([(0, 0, 0)]), "different points"),
        (markup([(0, 0, 0), (0, 0, 0)]), "different points"),
        (markup([(0, 0, 0), (9, 9, 9)], kind="Fiducial"), "holds no curve"),
        (markup([(0, 0, 0), (9, 9, 9)], space="MNI"), "is refused"),
        (markup([(0, 0, 0), (9, 9, 9)], coordinateUnits="m"), "save it in mm"),
        (markup([(0, 0, "x"), (9, 9, 9)]), "is refused"),
    ],
)
def test_a_line_that_is_wrong_is_refused_in_one_line(tmp_path, part, says):
    with pytest.raises(InputError) as refused:
        io.read_achieved(markups(tmp_path / "lines.mrk.json", part))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_wrong_line_refuses_the_whole_file(tmp_path):
    good = markup([(0, 0, 0), (30, 0, 0)], name="A")
    with pytest.raises(InputError):
        io.read_achieved(markups(tmp_path / "lines.mrk.json", good, markup([(0, 0, 0)], name="B")))


def test_other_files_and_no_files_are_refused(tmp_path):
    with pytest.raises(MissingPart):
        io.read_achieved(tmp_path / "none.csv")
    (tmp_path / "lines.txt").write_text("A")
    with pytest.raises(InputError, match=r"give lines of 3D Slicer \(\.mrk\.json\) or a table"):
        io.read_achieved(tmp_path / "lines.txt")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is no table"):
        io.read_achieved(tmp_path / "folder.csv")


@given(st.binary(max_size=400), st.sampled_from((".csv", ".mrk.json")))
@settings(max_examples=150, deadline=None)
def test_garbage_is_one_clear_refusal_and_nothing_else(tmp_path_factory, content, ending):
    path = tmp_path_factory.mktemp("garbage") / f"file{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        io.read_achieved(path)
    assert len(str(refused.value).splitlines()) == 1


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_good_table_with_a_byte_changed_is_read_whole_or_refused(tmp_path_factory, data):
    good = f"{HEAD}\nA,1,2,3,4,5,60\nB,1,2,-3,4,5.5,60\n".encode()
    at = data.draw(st.integers(0, len(good) - 1))
    path = tmp_path_factory.mktemp("bytes") / "probes.csv"
    path.write_bytes(good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :])
    with contextlib.suppress(InputError):
        assert 1 <= len(io.read_achieved(path)) <= 2


# ---- from lines to probes


def lying(label="A", *, tip=(9.0, -17.0, 0.0), length_mm=57.0, ordered=True, probe=""):
    made = placement(label, tip=tip, length_mm=length_mm)
    return AchievedProbe(label=label, start_mm=made.entry_mm, end_mm=made.tip_mm, ordered=ordered, probe=probe)


@pytest.mark.parametrize("label", ["A", "a", "probe A", "Probe_A", " A "])
def test_a_line_finds_its_probe_by_what_its_label_comes_down_to(label):
    made = plan(placement("A"), placement("B", tip=(9.0, -17.0, 12.0)))
    achieved, said = as_achieved(
        CASE, made, [dataclasses.replace(lying("A"), label=label), lying("B", tip=(9, -17, 12))]
    )
    assert [each.label for each in achieved.placements] == ["A", "B"]
    assert said == ()


@given(st.booleans(), st.floats(-25, 25), st.floats(-25, 25))
@settings(max_examples=30, deadline=None)
def test_which_end_of_a_line_is_drawn_first_changes_nothing(turned, x, z):
    made = plan(placement("A"))
    line = lying(tip=(9.0 + x, -17.0, z), ordered=False)
    if turned:
        line = dataclasses.replace(line, start_mm=line.end_mm, end_mm=line.start_mm)
    achieved, _ = as_achieved(CASE, made, [line])
    # The line is 57 mm long and shifted by less than half of that: its deep end is nearer to the planned tip.
    assert achieved.placements[0].tip_mm == pytest.approx((9.0 + x, -17.0, z))


def test_probes_that_lie_as_planned_are_the_plan():
    made = plan(placement("A"), placement("B", tip=(9.0, -17.0, 12.0)))
    achieved, said = as_achieved(CASE, made, [lying("B", tip=(9.0, -17.0, 12.0)), lying("A")])
    assert {each.label: each for each in achieved.placements} == {each.label: each for each in made.placements}
    assert (achieved.protocol, achieved.case, said) == (made.protocol, made.case, ())


def test_a_probe_off_its_place_is_told_with_its_distance():
    _, said = as_achieved(CASE, plan(), [lying(tip=(9.0, -17.0, 5.0))])
    assert [(each.rule, each.measured) for each in said] == [("probe_off_plan", pytest.approx(5.0))]
    assert as_achieved(CASE, plan(), [lying(tip=(9.0, -17.0, 2.9))])[1] == ()


def test_a_probe_that_was_left_out_is_told_and_leaves_the_protocol():
    made = plan(placement("A"), placement("B", tip=(9.0, -17.0, 12.0)), protocol="freeze (B at 50%) for 10 min")
    achieved, said = as_achieved(CASE, made, [lying("A")])
    assert [each.rule for each in said] == ["probe_not_placed"]
    assert str(achieved.protocol) == "10"


def test_a_probe_that_the_plan_lacks_must_be_named():
    made = plan(placement("A"), placement("B", tip=(9.0, -17.0, 12.0)))
    with pytest.raises(InputError, match=r"'C' is not in the plan, which has A, B"):
        as_achieved(CASE, made, [lying("C")])
    with pytest.raises(UnknownName):
        as_achieved(CASE, made, [lying("C", probe="argon-99g")])
    achieved, _ = as_achieved(CASE, made, [lying("A"), lying("C", tip=(9, -17, -12), probe=PROBE.name)])
    assert [each.label for each in achieved.placements] == ["A", "C"]


def test_a_lone_line_is_the_lone_probe_whatever_it_is_called():
    achieved, _ = as_achieved(CASE, plan(), [dataclasses.replace(lying(), label="Line_3")])
    assert achieved.placements[0].label == "A"


def test_a_short_line_is_drawn_on_outward_and_a_very_short_one_is_refused():
    achieved, _ = as_achieved(CASE, plan(), [_stub(12.0)])
    made = achieved.placements[0]
    assert math.dist(made.entry_mm, made.tip_mm) > PROBE.active_length_mm + PROBE.tip_to_active_mm
    way = np.asarray(made.entry_mm) - np.asarray(made.tip_mm)
    assert way / np.linalg.norm(way) == pytest.approx([0.0, 1.0, 0.0], abs=1e-9)
    with pytest.raises(InputError, match="does not say which way it points"):
        as_achieved(CASE, plan(), [_stub(9.0)])


def _stub(length_mm):
    return AchievedProbe(label="A", start_mm=(9.0, -17.0 + length_mm, 0.0), end_mm=(9.0, -17.0, 0.0))


def test_two_lines_for_one_probe_and_no_line_are_refused():
    with pytest.raises(InputError, match="mean the same probe"):
        as_achieved(CASE, plan(), [lying("A"), lying("probe a")])
    with pytest.raises(InputError, match="no achieved probe"):
        as_achieved(CASE, plan(), [])

"""A protocol is readable text both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball.errors import InputError
from iceball.nouns import Protocol, Step, read_protocol, read_step

# Tenths of a second and of a percent: finer than any clinical protocol. A power is the double nearest to "17.3" / 100,
# as the text says it, which is not always the double nearest to 0.173.
durations = st.integers(1, 100_000).map(lambda tenths: tenths / 10)
powers = st.integers(0, 1000).map(lambda tenths: tenths / 10 / 100)
labels = st.sampled_from("ABCDEFGH")
by_probe = st.dictionaries(labels, powers, max_size=4).map(lambda found: tuple(found.items()))
powered = st.builds(
    Step,
    kind=st.sampled_from(["freeze", "active thaw"]),
    duration_s=durations,
    power_fraction=powers,
    power_by_probe=by_probe,
)
passive = st.builds(Step, kind=st.just("passive thaw"), duration_s=durations)
steps = powered | passive
protocols = (
    st.lists(steps, min_size=1, max_size=6)
    .filter(lambda found: any(step.kind == "freeze" for step in found))
    .map(lambda found: Protocol(steps=tuple(found)))
)


@given(steps)
def test_a_step_written_out_reads_back_the_same(step: Step):
    assert read_step(str(step)) == step


@given(protocols)
def test_a_protocol_written_out_reads_back_the_same(protocol: Protocol):
    assert read_protocol(str(protocol)) == protocol


@given(st.lists(st.integers(1, 60), min_size=1, max_size=7))
def test_a_dashed_protocol_is_written_as_it_was_read(minutes: list[int]):
    text = "-".join(map(str, minutes))
    assert str(read_protocol(text)) == text


@given(st.text())
def test_any_other_text_is_refused_and_never_crashes(text: str):
    try:
        protocol = read_protocol(text)
    except InputError:
        return
    assert any(step.kind == "freeze" for step in protocol.steps)


def test_dashes_are_minutes_of_freeze_and_passive_thaw_in_turn():
    protocol = read_protocol("10-8-12.5")
    assert [(step.kind, step.duration_s) for step in protocol.steps] == [
        ("freeze", 600.0),
        ("passive thaw", 480.0),
        ("freeze", 750.0),
    ]
    assert protocol.duration_s == 1830.0


def test_words_carry_power_for_all_and_for_single_probes():
    step = read_step("freeze at 80% (B at 60%, C at 0%) for 10 min")
    assert (step.power_of("A"), step.power_of("B"), step.power_of("C")) == (0.8, 0.6, 0.0)


def test_thaw_alone_is_a_passive_thaw():
    assert read_step("thaw for 8 min") == Step(kind="passive thaw", duration_s=480.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("make it cold", "cannot read step 'make it cold'; write '10-8-10'"),
        ("", "cannot read step ''"),
        ("10-", "cannot read step '10-'"),
        ("-10", "cannot read step '-10'"),
        ("10-8-ten", "cannot read step"),
        ("freeze for 10", "cannot read step"),
        ("freeze at 120% for 10 min", r"must lie in \[0, 1\], not 1.2"),
        ("freeze (B) for 10 min", "cannot read 'B' in step"),
        ("freeze (B at 50%, B at 60%) for 10 min", "names a probe twice"),
        ("freeze for 1.2.3 min", "'1.2.3' is not a number"),
        ("freeze for 0 min", "duration of a step must be above zero"),
        ("thaw for 8 min", "at least one freeze"),
        ("freeze for 10 min; passive thaw at 50% for 8 min", "a passive thaw has no power"),
    ],
)
def test_a_protocol_is_read_strictly(text: str, says: str):
    with pytest.raises(InputError, match=says):
        read_protocol(text)

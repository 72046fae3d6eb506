"""The bench runs: a tiny case in a process of its own, its JSON, and what it refuses. No wall clock is asserted."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import pytest
from typer.testing import CliRunner

from iceball import bench
from iceball.bench import BenchCase, Setting, case_named
from iceball.bench.comparing import MissingPeer, PeerTiming, check_case, compare, ratios, timed_case
from iceball.bench.fresh import in_fresh_process
from iceball.bench.machine import Machine, copy_rate_gb_per_s
from iceball.bench.peers import PEERS, Peer, peer_named
from iceball.bench.running import Order, chosen_cases, run_bench
from iceball.bench.timing import ScalingRow, Timing, exponent, scaling_plan, task_of, time_case
from iceball.cli import app
from iceball.cli.bench import _large, _show, as_object
from iceball.errors import InputError, MissingPart, SimulationError, UnknownName

TINY = dataclasses.replace(case_named("four-2mm"), spacing_mm=4.0, width_mm=64.0, stop_s=2.0)
ONE = Setting(repeat=1, threads=1)
POSITIVE = {"type": "number", "exclusiveMinimum": 0}
TIMING = {
    "type": "object",
    "required": ["case", "walls_s", "median_s", "first_s", "peak_mb", "stages", "voxel_stages", "backend"],
    "properties": {
        "walls_s": {"type": "array", "minItems": 1, "items": POSITIVE},
        "median_s": POSITIVE,
        "first_s": POSITIVE,
        "peak_mb": POSITIVE,
        "voxels": {"type": "integer"},
        "stages": {"type": ["integer", "null"]},
        "voxel_stages_per_s": {"type": ["number", "null"]},
        "copy_share_fraction": {"type": ["number", "null"]},
        "residual_fraction": {"type": "number", "maximum": 1e-4},
        "coldest_c": {"type": "number", "maximum": 0},
    },
}
REPORT = {
    "type": "object",
    "required": ["version", "machine", "cases", "scaling", "compared", "peers", "missing", "all_agree"],
    "properties": {
        "machine": {
            "required": ["processor", "cores", "threads", "copy_cached_gb_per_s", "copy_dram_gb_per_s", "load"],
            "properties": {"copy_cached_gb_per_s": POSITIVE, "copy_dram_gb_per_s": POSITIVE},
        },
        "cases": {"type": "array", "minItems": 1, "items": TIMING},
    },
}


@pytest.fixture(scope="module")
def timing() -> Timing:
    """A tiny case, timed in a process of its own."""
    return time_case(TINY, ONE)


def machine(**changes) -> Machine:
    """Return a machine that nobody measured."""
    made = Machine(
        processor="made up",
        cores=2,
        threads=1,
        cache_mb=None,
        copy_cached_gb_per_s=100.0,
        copy_dram_gb_per_s=20.0,
        load=0.1,
    )
    return dataclasses.replace(made, **changes)


def of_peer(case: BenchCase, **changes) -> PeerTiming:
    """Return what a peer might have taken."""
    made = PeerTiming(
        name="devito",
        version="1.0",
        form="written by hand",
        checked=case,
        apart=(bench.Apart(isotherm_c=0.0, p99_mm=0.05, largest_mm=0.1, edges=10),),
        timed=case,
        steps=100,
        timed_steps=10,
        run_s=50.0,
        updates_per_s=1e6,
        compile_s=1.0,
        peak_mb=100.0,
    )
    return dataclasses.replace(made, **changes)


def report(timing: Timing, **changes) -> bench.BenchReport:
    """Return a report on one case."""
    made = bench.BenchReport(
        version="0", machine=machine(), timings=(timing,), scaling=(), compared=timing, peers=(), missing=()
    )
    return dataclasses.replace(made, **changes)


def test_a_tiny_case_is_timed_in_a_process_of_its_own(timing: Timing) -> None:
    assert len(timing.walls_s) == 1
    assert timing.first_s > timing.median_s, "the first answer waits for the process, the imports and a run"
    assert timing.peak_mb > 20, "Python and numpy alone hold more"
    assert timing.ice_ml >= 0
    assert timing.coldest_c < 30
    assert timing.residual_fraction < 1e-4


def test_the_same_case_gives_the_same_work_each_time(timing: Timing) -> None:
    again = time_case(TINY, ONE)
    assert (again.stages, again.voxel_stages, again.ice_ml) == (timing.stages, timing.voxel_stages, timing.ice_ml)


def test_the_share_of_the_copy_rate_follows_from_the_voxel_stages(timing: Timing) -> None:
    counted = dataclasses.replace(timing, voxel_stages=2_000_000, walls_s=(1.0, 4.0, 2.0))
    assert counted.voxel_stages_per_s == pytest.approx(1e6)
    assert counted.copy_share(machine()) == pytest.approx(13e6 / 100e9)
    large = dataclasses.replace(counted, case=case_named("four-0.5mm"))
    assert large.copy_share(machine()) == pytest.approx(13e6 / 20e9), "a state of 64 MB streams from memory"
    assert dataclasses.replace(timing, voxel_stages=None).copy_share(machine()) is None


def test_copying_takes_a_time() -> None:
    assert 0.01 < copy_rate_gb_per_s(1.0, 1) < 10_000  # GB/s: from a busy phone to any machine there is


def test_a_refusal_in_the_process_is_the_same_refusal_here() -> None:
    with pytest.raises(UnknownName, match="no backend 'abacus'"):
        time_case(TINY, dataclasses.replace(ONE, backend="abacus"))


def test_a_process_that_dies_is_told_of_with_its_last_words() -> None:
    with pytest.raises(SimulationError, match="the process for a knot ended early: KeyError: 'knot'"):
        in_fresh_process({"task": "knot", "says": "a knot"}, 1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"repeat": 0}, "0 runs: a median needs at least one"), ({"threads": 0}, "0 threads: this process may use 1 to")],
)
def test_settings_that_measure_nothing_are_refused(wrong: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Setting(**wrong)


def test_an_order_for_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no case to time"):
        Order(cases=())


def test_the_peers_are_given_the_four_tissues_where_those_are_timed() -> None:
    cases = chosen_cases(("one-1mm", "four-1mm"), 30.0)
    assert Order(cases=cases).compared.name == "four-1mm"
    assert Order(cases=cases[:1]).compared.name == "one-1mm"
    assert {case.stop_s for case in cases} == {30.0}


def test_a_scaling_varies_one_thing_at_a_time() -> None:
    case = case_named("four-1mm")
    plan = scaling_plan(case, 6)
    assert [each.voxels for quantity, _, each, _ in plan if quantity == "voxels"] == [n**3 for n in (64, 80, 128, 160)]
    assert [each.probes for quantity, _, each, _ in plan if quantity == "probes"] == [1, 2, 3]
    assert [threads for quantity, _, _, threads in plan if quantity == "threads"] == [1, 2, 4, 6]
    assert all(value == each.voxels for quantity, value, each, _ in plan if quantity == "voxels")


def test_the_exponent_of_a_scaling_is_the_slope_in_log_log(timing: Timing) -> None:
    rows = tuple(
        ScalingRow(quantity="voxels", value=n, timing=dataclasses.replace(timing, walls_s=(n**1.5,)))
        for n in (10, 100, 1000)
    )
    assert exponent(rows, "voxels") == pytest.approx(1.5)


def test_a_missing_peer_is_named_with_what_to_do() -> None:
    absent = Peer(name="Fortran", package="fortran", imported="no_such_module", module="no_such_module")
    assert compare(absent, TINY, ONE) == MissingPeer(
        name="Fortran", says="Fortran is not installed; pip install 'iceball[bench]'"
    )
    with pytest.raises(MissingPart, match="Fortran is not installed"):
        absent.stepper(None, 1)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_is_checked_on_the_first_minutes_and_timed_on_the_case(peer: Peer) -> None:
    case = case_named("four-1mm")
    checked, timed = check_case(peer, case), timed_case(peer, case)
    assert checked.stop_s == 240.0
    assert (checked.tissues, timed.tissues, timed.stop_s) == (4, 4, 1680.0)
    if peer.implicit_step_s is None:
        assert (checked.spacing_mm, timed) == (1.0, case)
    assert checked.grid.shape[0] <= 80


def test_the_ratios_are_its_time_over_ours_and_our_rate_over_its(timing: Timing) -> None:
    ours = dataclasses.replace(timing, walls_s=(0.5,), voxel_stages=4_000_000)
    assert ratios(ours, of_peer(TINY)) == pytest.approx((100.0, 8.0))
    assert ratios(dataclasses.replace(ours, voxel_stages=None), of_peer(TINY))[1] is None


def test_a_peer_with_another_answer_does_not_agree() -> None:
    far = bench.Apart(isotherm_c=-20.0, p99_mm=0.21, largest_mm=0.5, edges=10)
    assert of_peer(TINY).agrees
    assert not of_peer(TINY, apart=(*of_peer(TINY).apart, far)).agrees


def test_a_report_is_printed_whole_with_what_is_missing_and_what_disagrees(timing: Timing, capsys) -> None:
    far = (bench.Apart(isotherm_c=0.0, p99_mm=0.3, largest_mm=0.9, edges=10),)
    rows = tuple(
        ScalingRow(quantity=q, value=n, timing=timing) for q in ("voxels", "probes", "threads") for n in (1, 2)
    )
    absent = MissingPeer(name="JAX", says=peer_named("jax").says_missing)
    peers = (of_peer(TINY), of_peer(TINY, name="torch", apart=far))
    made = report(timing, peers=peers, missing=(absent,), scaling=rows, machine=machine(load=3.0))
    _show(made)
    printed = capsys.readouterr().out
    for said in (
        "four-2mm",
        "busy",
        "JAX is not installed",
        "torch gives another answer",
        "time grows as",
        "10 of 100",
    ):
        assert said in printed
    told = as_object(made)
    assert [each["agrees"] for each in told["peers"]] == [True, False]
    assert told["all_agree"] is False
    assert told["missing"] == [{"name": "JAX", "says": absent.says}]


def test_run_bench_tells_how_far_it_is_up_to_the_end() -> None:
    told: list[tuple[float, str]] = []
    made = run_bench(Order(cases=(TINY,), setting=ONE), lambda done, text: told.append((done, text)))
    assert made.compared.case == TINY
    assert all(0 <= done <= 1 for done, _ in told)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_command_prints_one_json_object_that_follows_its_schema() -> None:
    answer = CliRunner().invoke(app, ["bench", "--case", "four-2mm", "--until", "1", "--repeat", "1", "--json"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    jsonschema.validate(told, REPORT)
    assert [each["case"]["name"] for each in told["cases"]] == ["four-2mm"]
    assert told["peers"] == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--case", "huge"], "no bench case 'huge'"),
        (["--peer", "excel"], "no peer 'excel'"),
        (["--threads", "100000"], "100000 threads: this process may use 1 to"),
    ],
)
def test_the_command_refuses_what_it_does_not_know(words: list[str], error: str) -> None:
    answer = CliRunner().invoke(app, ["bench", *words])
    assert answer.exit_code == 1
    assert error in str(answer.exception)


def test_the_task_of_a_case_can_be_written_as_json() -> None:
    assert BenchCase(**json.loads(json.dumps(task_of(TINY, ONE)))["case"]) == TINY


@pytest.mark.parametrize(
    ("number", "said"), [(None, "-"), (12.0, "12"), (1234.0, "1.23 k"), (5.6e6, "5.6 M"), (2.5e9, "2.5 G")]
)
def test_large_counts_are_said_in_three_digits(number: float | None, said: str) -> None:
    assert _large(number) == said

"""The cuda backend keeps the promises of every backend: on a GPU where there is one, else its kernels are simulated.

The specification is numpy's whole box in double precision. Both carry an error in time of their own, which grows with
the step; the shortest step shows the rates alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import gpu_scenarios as scenarios
import numpy as np
import pytest

from iceball.bench import gpu
from iceball.errors import UnknownName
from iceball.thermal import backend_named, backend_names
from iceball.thermal.backends import cuda

WITHOUT_GPU = pytest.mark.skipif(cuda.available(), reason="there is a GPU: nothing is missing")


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """What the backend answered, by scenario."""
    path = tmp_path_factory.mktemp("gpu") / "answers.npz"
    environment = os.environ | {"PYTHONPATH": str(Path(scenarios.__file__).parent)}
    if not cuda.available():
        environment["NUMBA_ENABLE_CUDASIM"] = "1"
    script = [sys.executable, scenarios.__file__, str(path)]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, Any]] = {}
    with np.load(path) as kept:
        for name in kept.files:
            scenario, field = name.split("/")
            found.setdefault(scenario, {})[field] = kept[name]
    return found


@pytest.fixture(scope="module")
def spec() -> dict[str, dict[str, Any]]:
    """What numpy answers to the same."""
    numpy = backend_named("numpy")
    return scenarios.rates(numpy) | scenarios.everything(numpy) | scenarios.simple(numpy) | scenarios.rest(numpy)


def residual(answer: dict[str, Any]) -> float:
    """Energy not accounted for, over the largest term."""
    return float(abs(answer["stored_j"] - answer["energy_j"].sum()) / np.abs(answer["energy_j"]).max())


def test_the_rate_of_every_term_is_that_of_numpy_from_every_phase(answers, spec):
    ours, theirs = answers["rates"], spec["rates"]
    difference, largest = np.abs(ours["changed_c"] - theirs["changed_c"]), np.abs(theirs["changed_c"]).max()
    assert largest > 0.5, "something should change in 2 ms"
    # single precision resolves 4e-6 °C; the rest is what the rates change by within the step
    assert difference.mean() < 1e-4 * largest
    assert difference.max() < 0.01 * largest
    np.testing.assert_allclose(ours["energy_j"], theirs["energy_j"], rtol=1e-4)
    np.testing.assert_allclose(ours["heat_w"], theirs["heat_w"], rtol=1e-5)  # from potentials in single precision
    np.testing.assert_allclose(ours["surface_c"], theirs["surface_c"], atol=1e-3)


@pytest.mark.parametrize("part", ["frozen", "thawed"])
def test_a_freeze_and_a_thaw_end_where_those_of_numpy_end(answers, spec, part):
    ours, theirs = answers[part], spec[part]
    assert theirs["coldest"].min() < -60.0, "there should be ice"
    assert all((clock > 0).any() for clock in theirs["clocks"])
    assert (theirs["coldest"][scenarios.patient().index == scenarios.MUSCLE] < scenarios.WATCH.stasis_c).any()
    # steps of 0.4 s from a gas that is cold at once: up to 6 °C of error in time on the very axis of a probe
    for what in ("temperature", "coldest"):
        difference = np.abs(ours[what] - theirs[what])
        assert difference.mean() < 0.02, what
        assert np.percentile(difference, 99) < 0.3, what
    assert np.abs(ours["clocks"] - theirs["clocks"]).max() < 0.03  # s; 0.023 found
    assert np.abs(ours["frozen"] - theirs["frozen"]).mean() < 1e-4
    np.testing.assert_allclose(ours["energy_j"], theirs["energy_j"], atol=5e-3 * np.abs(theirs["energy_j"]).max())
    np.testing.assert_allclose(ours["heat_w"], theirs["heat_w"], rtol=2e-3, atol=1e-9)
    np.testing.assert_allclose(ours["surface_c"], theirs["surface_c"], atol=0.05)


def test_what_a_probe_that_is_off_or_limited_gives_is_known(answers, spec):
    thawed, now = answers["thawed"], answers["now"]
    assert thawed["heat_w"][0] == 0.0
    assert np.isnan(thawed["surface_c"][0])
    wells = scenarios.patient().wells
    most_w = -300.0 * wells.length_m[wells.probe == 1].sum()
    assert thawed["heat_w"][1] == pytest.approx(most_w, rel=1e-9)
    np.testing.assert_allclose(now["heat_w"], spec["now"]["heat_w"], rtol=0.02)  # the states are a step's error apart


@pytest.mark.parametrize(
    "part", ["frozen", "thawed", "one step", "four steps", "cooled rkl1", "cooled rkl2", "sourced rkl2"]
)
def test_the_energy_balance_closes_to_rounding(answers, part):
    assert residual(answers[part]) < 1e-6  # single precision rounds at 6e-8 of a voxel; roundings mostly cancel


@pytest.mark.parametrize(("method", "within_k"), [("rkl2", 0.1), ("rkl1", 1.5)])
def test_both_super_steps_cool_a_tissue_and_the_second_order_is_nearer(answers, spec, method, within_k):
    difference = np.abs(answers[f"cooled {method}"]["temperature"] - spec["cooled rkl2"]["temperature"])
    assert difference.max() < within_k  # 0.5 s right at a wall of -60 °C; 0.05 and 0.9 °C were measured
    sourced = answers[f"sourced {method}"]["temperature"] - spec["sourced rkl2"]["temperature"]
    assert np.abs(sourced).max() < 2e-3
    assert np.abs(spec["sourced rkl2"]["temperature"] - 37.0).max() > 0.05, "the source should be felt"


def test_a_tile_at_rest_is_left_alone_until_its_neighbour_has_left_rest(answers, spec):
    problem, start = scenarios.slope()
    one, four = answers["one step"], answers["four steps"]
    tile = 256
    assert one["voxel_stages"] == 2 * tile * one["stages"], "the tile of the probe and its neighbour"
    assert four["voxel_stages"] > 2 * tile * four["stages"], "another should have woken"
    assert four["voxel_stages"] < problem.index.size * four["stages"], "not all of them"
    np.testing.assert_array_equal(four["temperature"][:, :, 48:], start[:, :, 48:].astype(np.float32))
    # the heat that flows through all of it from 41 to 33 °C goes on where tiles at rest meet others
    assert np.abs(one["temperature"] - spec["one step"]["temperature"])[:, :, 20:].max() < 1e-4


def test_a_step_that_is_always_lost_is_an_error_and_leaves_the_state_as_it_was(answers):
    lost = answers["lost"]
    assert str(lost["says"]).startswith("the temperature blew up at 7 s even in steps of")
    assert lost["moved_k"] == 0.0
    assert lost["gained_j"] == 0.0


def test_a_step_of_more_stages_than_are_at_hand_gets_them(answers):
    assert answers["many"]["stages"] > 64
    assert np.isfinite(answers["many"]["temperature"]).all()


def test_a_block_of_one_thread_and_of_four_give_the_same_answer(answers):
    one, four = answers["threads 1"], answers["threads 4"]
    assert one["temperature"].min() < 0.0
    for what in ("temperature", "coldest", "frozen"):
        np.testing.assert_allclose(one[what], four[what], atol=1e-5)  # a probe's sum is taken in another order
    np.testing.assert_allclose(one["energy_j"], four["energy_j"], rtol=1e-6, atol=1e-9)


def test_another_method_is_refused(answers):
    assert answers["refused"]["says"] == "this backend steps by rkl1 or rkl2, not by 'euler': take 'numpy'"


# -- where there is none ----------------------------------------------------------------------------------------------


@WITHOUT_GPU
def test_a_gpu_that_is_absent_is_refused_in_one_line_that_says_how_to_install_it():
    with pytest.raises(UnknownName, match="the backend 'cuda' cannot be used here: .*; no other takes its place") as no:
        backend_named("cuda")
    assert "\n" not in str(no.value)
    assert "cuda" not in backend_names()


@pytest.mark.parametrize(
    ("installed", "gpus", "says"),
    [
        (False, 1, "pip install 'iceball[gpu]'"),
        (True, None, "install the driver"),
        (True, 0, "the NVIDIA driver sees no GPU"),
    ],
)
def test_what_is_missing_is_named(monkeypatch, installed, gpus, says):
    monkeypatch.setattr(cuda, "installed", lambda: installed)
    monkeypatch.setattr(cuda, "devices", lambda: gpus)
    assert says in cuda.lacking()


def test_nothing_is_missing_where_all_is_there(monkeypatch):
    monkeypatch.setattr(cuda, "installed", lambda: True)
    monkeypatch.setattr(cuda, "devices", lambda: 1)
    assert cuda.lacking() == ""


@WITHOUT_GPU
def test_the_bench_of_a_gpu_says_not_measured_where_there_is_none(capsys):
    assert gpu.main([]) == 0
    assert capsys.readouterr().out.startswith("not measured: ")


def test_no_gpu_is_ever_the_default():
    assert backend_names()[0] != "cuda"

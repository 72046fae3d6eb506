"""Does the tile kernel in numba do what the compiled one does, whoever helps it?"""

from __future__ import annotations

from concurrent.futures import Future

import lab
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iceball.nouns import Grid, Placement, Probe
from iceball.thermal import backends
from iceball.thermal.backends import _numba_tiles as tiles
from iceball.thermal.backends import _numba_tiles_lanes as lanes
from iceball.thermal.backends import _numba_tiles_memory as memory
from iceball.thermal.backends._numba_tiles_media import kernel
from iceball.thermal.problem import POWER_LIMITED, Watch
from iceball.thermal.stepping import Stepping
from iceball.thermal.wells import wells

SHAPE = (18, 17, 40)
NATIVE = pytest.mark.skipif("native" not in backends.backend_names(), reason="the compiled kernel was not built here")
singles = st.lists(st.floats(-1e6, 1e6, width=32), min_size=16, max_size=16)


def patches(seed=0):
    """Patches of two tissues and gas, a probe, a wall that is held: what a tile can meet."""
    draw = np.random.default_rng(seed)
    index = draw.integers(0, 3, size=[-(-n // 3) for n in SHAPE]).repeat(3, 0).repeat(3, 1).repeat(3, 2)
    index = index[: SHAPE[0], : SHAPE[1], : SHAPE[2]].astype(np.uint8)
    grid = Grid(shape=SHAPE, spacing_mm=(1.0,) * 3, origin_mm=(0.0,) * 3)
    probe = Probe(
        name="p", cryogen="argon", shaft_diameter_mm=1.5, active_length_mm=12.0, gas_temperature_c=-150.0,
        internal_resistance_k_m_per_w=0.1, cooling_time_s=4.0,
    )  # fmt: skip
    placed = [Placement(label="A", probe=probe, tip_mm=(8.0, 8.0, 10.0), entry_mm=(9.0, 8.0, 36.0))]
    alive = lab.gel(perfusion_w_per_m3_k=2.5e3, metabolic_heat_w_per_m3=700.0)
    tissues = (alive, lab.gel(name="bone", conductivity_w_per_m_k=0.3), lab.gel(name="gas", inert=True))
    conducts = np.array([not tissue.inert for tissue in tissues])
    found = wells(placed, grid, index, conducts)
    return lab.make_problem(SHAPE, 1.0, *tissues, index=index, walls=(lab.held(0, 1, 30.0),), wells=found)


def run(backend, problem, steps=6):
    """Freeze for some steps; the solver."""
    solver = backends.backend_named(backend).solver(
        problem, 37.0, Stepping(freeze_step_s=5.0), Watch(clocks_c=(0.0,), stasis_c=-40.0)
    )
    drive = lab.drive_of(POWER_LIMITED, -120.0)
    for n in range(steps):
        solver.advance(5.0 * n, 5.0, drive, drive)
    return solver


@NATIVE
@pytest.mark.parametrize("seed", [0, 1])
def test_numba_finds_what_the_compiled_kernel_finds(seed):
    problem = patches(seed)
    ours, theirs = run("numba", problem), run("native", problem)
    assert ours.temperature().min() < -20  # it has frozen
    assert ours.stages_done == theirs.stages_done
    # both round to single precision, 4e-6 K at 37 °C, in another order; a front steepens it
    assert np.abs(ours.temperature() - theirs.temperature()).max() < 1e-3
    assert np.abs(ours.coldest() - theirs.coldest()).max() < 1e-3
    assert np.abs(ours.below_s()[0.0] - theirs.below_s()[0.0]).max() < 1e-2


def test_the_answer_does_not_depend_on_how_many_threads_share_the_work(monkeypatch):
    problem = patches()
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("ICEBALL_THREADS", threads)
        monkeypatch.setattr(tiles, "SMALL", 0)
        found.append(run("numba", problem).temperature().copy())
    np.testing.assert_array_equal(*found)  # sums are kept by tile: not a bit may change


def test_a_thread_that_never_comes_is_not_waited_for(monkeypatch):
    class Nobody:
        def submit(self, *_work):
            return Future()  # stays pending, as on a machine that has no core to give

    problem = patches()
    alone = run("numba", problem).temperature().copy()
    monkeypatch.setenv("ICEBALL_THREADS", "4")
    monkeypatch.setattr(tiles, "SMALL", 0)
    monkeypatch.setattr(tiles, "_pool", Nobody)
    np.testing.assert_array_equal(run("numba", problem).temperature(), alone)


def test_what_was_compiled_for_other_structs_is_not_taken_from_the_cache(monkeypatch):
    before = tiles._version()
    assert tiles._version() == before
    monkeypatch.setattr(tiles, "Settle", tiles.Wells)
    assert tiles._version() != before


@pytest.mark.parametrize("faster", [0, 1])
def test_one_thread_or_all_is_chosen_by_what_was_faster_of_late(faster):
    choice, ways = tiles._Choice(), []
    for n in range(400):
        ways.append(choice.way())
        quick = faster if n < 200 else 1 - faster  # halfway, other work comes to the machine, or goes
        choice.note(ways[-1], 1.0 if ways[-1] == quick else 2.0, 100)
    assert np.mean(np.array(ways[10:200]) == faster) > 0.8  # the other is tried now and then
    assert np.mean(np.array(ways[300:]) == faster) < 0.2


@kernel
def _sixteen(x, y, out):
    a, b = memory.load(x, 0), memory.load(y, 0)
    lower = a < b
    memory.store(out, 0, lanes.choose(lower, a, b))
    memory.store(out, 16, lanes.as_lanes(lanes.whole(a)))
    memory.store(out, 32, (a + b) - a * b)
    memory.store(out, 48, lanes.least(a))
    memory.store(out, 49, lanes.most(a))
    memory.store(out, 50, lanes.total(a))
    return lanes.bits(lower)


@given(singles, singles)
@settings(max_examples=30, deadline=None)
def test_sixteen_lanes_compute_as_numpy_does(x, y):
    a, b, out = np.array(x, np.float32), np.array(y, np.float32), np.zeros(51, np.float32)
    found = _sixteen(a.ctypes.data, b.ctypes.data, out.ctypes.data)
    assert found == sum(1 << int(n) for n in np.flatnonzero(a < b))
    np.testing.assert_array_equal(out[:16], np.minimum(a, b))
    np.testing.assert_array_equal(out[16:32], np.trunc(a))
    expected = a.astype(float) + b - a.astype(float) * b
    size = np.abs(a.astype(float)) + np.abs(b.astype(float)) + np.abs(a.astype(float) * b)
    assert (np.abs(out[32:48] - expected) <= 4e-7 * size).all()  # three roundings of 6e-8 each
    assert (out[48], out[49]) == (a.min(), a.max())
    assert abs(out[50] - a.astype(float).sum()) <= 1e-6 * np.abs(a.astype(float)).sum() + 1e-30


@kernel
def _looked_up(table, index, out):
    places = memory.load_bytes(index, 0)
    value, step = memory.gather_pairs(table, places)
    memory.store(out, 0, memory.gather(table, places))
    memory.store(out, 16, value)
    memory.store(out, 32, step)
    memory.store(out, 48, memory.pick(table, places & np.int32(15)))


@given(st.lists(st.integers(0, 255), min_size=16, max_size=16))
@settings(max_examples=30, deadline=None)
def test_a_look_up_reads_the_places_it_is_given(places):
    table, out = np.arange(512, dtype=np.float32) ** 2, np.zeros(64, np.float32)
    given_places, index = np.array(places, np.uint8), np.array(places)
    _looked_up(table.ctypes.data, given_places.ctypes.data, out.ctypes.data)
    np.testing.assert_array_equal(out.reshape(4, 16), table[[index, 2 * index, 2 * index + 1, index % 16]])


@kernel
def _turned(tile, kinds, out):
    first, last = memory.load_column(tile, 0), memory.load_column(tile, 15)
    memory.store(out, 0, lanes.shift_up(first, last))
    memory.store(out, 16, lanes.shift_down(first, last))
    memory.store(out, 32, lanes.as_lanes(memory.load_bytes_column(kinds, 3)))
    memory.store_column(tile, 3, last)


def test_columns_and_neighbours_along_a_row_are_those_of_the_tile():
    tile, kinds = np.arange(256, dtype=np.float32).reshape(16, 16), np.arange(256, dtype=np.uint8).reshape(16, 16)
    before, out = tile.copy(), np.zeros(48, np.float32)
    _turned(tile.ctypes.data, kinds.ctypes.data, out.ctypes.data)
    np.testing.assert_array_equal(out[:16], [before[15, 0], *before[:15, 15]])
    np.testing.assert_array_equal(out[16:32], [*before[1:, 0], before[0, 15]])
    np.testing.assert_array_equal(out[32:], kinds[:, 3])
    before[:, 3] = before[:, 15]
    np.testing.assert_array_equal(tile, before)

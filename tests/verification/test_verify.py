"""``verify``: every case holds on every backend, and every case can fail."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from iceball.cli.verify import as_object
from iceball.errors import UnknownName
from iceball.thermal import backend_named, backend_names
from iceball.thermal.marching import march
from iceball.thermal.materials import Curve, tabulate
from iceball.verification import CASES, Case, Check, Engine, _nouns, _verify, case_names, verify

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "verification.md"
QUICK = {case.name for case in CASES if case.quick}
SLOW_IN_NUMPY = {"B1", "B5", "B8", "B10-spot", "energy", "no-perfusion"}


def tried_on(backend: str, names: list[str]) -> list:
    """Parameters of a test that tries cases on a backend; what takes long is marked so."""
    quick = QUICK - (SLOW_IN_NUMPY if backend == "numpy" else set())
    return [
        pytest.param(backend, name, id=f"{backend}-{name}", marks=() if name in quick else pytest.mark.long)
        for name in names
    ]


@pytest.mark.parametrize(
    ("backend", "name"), [p for backend in backend_names() for p in tried_on(backend, list(case_names()))]
)
def test_the_case_holds(backend, name):
    done = verify(Engine(backend=backend_named(backend)), only=[name])
    bad = [check for check in done.results[0].checks if not check.passed]
    assert done.passed, done.results[0].failure or bad


class Spoiled:
    """An engine that solves another problem than it was given, or reports something else than it found."""

    backend = backend_named("numba")
    accuracy = "standard"

    def __init__(self, problem=lambda p: p, moment=lambda m: m):
        self.problem, self.moment = problem, moment

    def march(self, problem, start_c, legs, report_s):
        """March the spoiled problem."""
        for moment in march(self.problem(problem), start_c, legs, report_s, backend=self.backend):
            yield self.moment(moment)


def more_conduction(problem):
    """Every conductivity a tenth too large."""
    fields = ("potential", "conductivity", "surface_potential")
    table = dataclasses.replace(problem.table, **{f: 1.1 * getattr(problem.table, f) for f in fields})
    return dataclasses.replace(problem, table=table)


def more_latent_heat(problem):
    """Latent heat 50 MJ/m³ too large."""
    t, curves = problem.table, []
    for m in range(t.start.size):
        enthalpy = t.start[m] + np.arange(t.temperature_c.shape[1]) / t.inverse_step[m]
        curves.append(
            Curve(
                temperature_c=t.temperature_c[m],
                enthalpy_j_per_m3=enthalpy + 50e6 * t.unfrozen[m],
                potential_w_per_m=t.potential[m],
                conductivity_w_per_m_k=t.conductivity[m],
                unfrozen_fraction=t.unfrozen[m],
            )
        )
    return dataclasses.replace(problem, table=tabulate(curves, nodes=t.temperature_c.shape[1]))


def more_perfusion(problem):
    """Perfusion three tenths too strong."""
    return dataclasses.replace(problem, perfusion=1.3 * problem.perfusion)


def rooted_perfusion(problem):
    """Perfusion that does not fall in proportion."""
    return dataclasses.replace(problem, perfusion=20.0 * np.sqrt(problem.perfusion))


def closer_wells(problem):
    """Probes that take a tenth more than they should."""
    wells = dataclasses.replace(problem.wells, conductance=1.1 * problem.wells.conductance)
    return dataclasses.replace(problem, wells=wells)


def wind(problem):
    """Heat that comes from one side."""
    slope = np.indices(problem.index.shape) * np.array([1e3, 2e3, 3e3]).reshape(3, 1, 1, 1)
    return dataclasses.replace(problem, source=lambda _now_s: slope.sum(axis=0))


def leak(moment):
    """A thousandth of the heat is lost."""
    return dataclasses.replace(moment, stored_j=moment.stored_j * 1.001)


WRONG = {
    "B1": Spoiled(more_latent_heat),
    "B2": Spoiled(more_conduction),
    "B3": Spoiled(more_latent_heat),
    "B3-order": Spoiled(more_latent_heat),
    "B4": Spoiled(more_latent_heat),
    "B5": Spoiled(more_conduction),
    "B6": Spoiled(more_latent_heat),
    "B7-plane": Spoiled(more_perfusion),
    "B7-cylinder": Spoiled(more_perfusion),
    "B7-sphere": Spoiled(more_perfusion),
    "B8": Spoiled(more_conduction),
    "B9-layers": Spoiled(more_conduction),
    "B9-contact": Spoiled(more_conduction),
    "B10": Spoiled(more_perfusion),
    "B10-spot": Spoiled(more_conduction),
    "B11": Spoiled(more_conduction),
    "B12": Spoiled(closer_wells),
    "B13": Spoiled(more_conduction),
    "energy": Spoiled(moment=leak),
    "mirror": Spoiled(wind),
    "rotation": Spoiled(wind),
    "no-perfusion": Spoiled(rooted_perfusion),
}


def test_for_every_case_there_is_an_error_that_it_must_find():
    assert set(WRONG) == set(case_names())


@pytest.mark.parametrize(("_", "name"), tried_on("numba", list(WRONG)))
def test_the_case_finds_the_error(_, name):
    done = verify(WRONG[name], only=[name])  # pyright: ignore[reportArgumentType]
    assert done.results[0].failure == "", "it must fail by its numbers"
    assert done.failed == (name,)


def check(error=0.0, tolerance=1.0, **changes) -> Check:
    """One check by hand."""
    fields = {"quantity": "q", "unit": "mm", "expected": 1.0, "got": 1.0 + error, "reason": "r"} | changes
    return Check(error=error, tolerance=tolerance, **fields)


def crashes(_engine):
    """Fail as a case that overflows in a backend would."""
    raise FloatingPointError("overflow")


@pytest.fixture
def three_cases(monkeypatch):
    """Put three cases by hand in place of the real ones."""
    cases = (
        Case(name="crash", says="it crashes", run=crashes),
        Case(name="wrong", says="it is wrong", run=lambda _: [check(), check(2.0)]),
        Case(name="right", says="it is right", run=lambda _: [check(0.5)], quick=True),
    )
    monkeypatch.setattr(_verify, "CASES", cases)
    monkeypatch.setattr(_verify, "case_names", lambda: tuple(case.name for case in cases))


ENGINE = Engine(backend=backend_named("numpy"))


@pytest.mark.usefixtures("three_cases")
def test_a_case_that_crashes_is_reported_and_the_others_are_tried():
    done = verify(ENGINE)
    assert [result.passed for result in done.results] == [False, False, True]
    assert done.results[0].failure == "FloatingPointError: overflow"
    assert done.failed == ("crash", "wrong")
    assert not done.passed


@pytest.mark.usefixtures("three_cases")
def test_only_the_named_or_the_quick_cases_are_tried_and_progress_ends_at_one():
    seen = []
    assert [r.name for r in verify(ENGINE, only=["wrong"], quick=True).results] == ["wrong"]
    done = verify(ENGINE, quick=True, progress=lambda share, _text: seen.append(share))
    assert [r.name for r in done.results] == ["right"]
    assert done.passed
    assert seen == [0.0, 1.0]
    with pytest.raises(UnknownName, match="no case 'B99'; there are: crash, wrong, right"):
        verify(ENGINE, only=["B99", "right"])


@pytest.mark.usefixtures("three_cases")
def test_the_json_object_says_of_each_case_and_check_whether_it_passed():
    done = json.loads(json.dumps(as_object(verify(ENGINE))))
    assert (done["passed"], done["failed"]) == (False, ["crash", "wrong"])
    assert [r["passed"] for r in done["results"]] == [False, False, True]
    assert [c["passed"] for c in done["results"][1]["checks"]] == [True, False]
    assert set(done["results"][1]["checks"][0]) == {
        "quantity", "unit", "expected", "got", "error", "tolerance", "reason", "order", "least_order", "passed",
    }  # fmt: skip


@pytest.mark.parametrize(
    "bad", [check(math.nan), check(order=1.0, least_order=1.8), check(order=math.nan, least_order=0.5), check(1.5)]
)
def test_what_is_too_far_off_or_not_a_number_or_does_not_converge_does_not_pass(bad):
    assert not bad.passed


def test_a_case_without_a_check_does_not_pass(monkeypatch):
    monkeypatch.setattr(_verify, "CASES", (Case(name="empty", says="nothing", run=lambda _: []),))
    assert not verify(ENGINE).passed


def test_the_accuracy_is_passed_on_and_one_that_there_is_not_is_refused(monkeypatch):
    asked = {}

    def fake(problem, start_c, legs, report_s, *, backend, accuracy):
        asked.update(backend=backend.name, accuracy=accuracy)
        return iter(())

    monkeypatch.setattr(_nouns, "march", fake)
    Engine(backend=ENGINE.backend, accuracy="reference").march(None, 0.0, [], [])  # pyright: ignore
    assert asked == {"backend": "numpy", "accuracy": "reference"}
    with pytest.raises(UnknownName, match="no accuracy 'perfect'"):
        Engine(backend=ENGINE.backend, accuracy="perfect")


def page_script():
    """Load scripts/write_verification.py."""
    spec = importlib.util.spec_from_file_location("write_verification", ROOT / "scripts" / "write_verification.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("three_cases")
def test_the_page_says_what_does_not_hold_and_what_was_not_finished():
    text = page_script().page(as_object(verify(ENGINE)))
    assert "**These do not hold: crash, wrong.**" in text
    assert "Not finished: `FloatingPointError: overflow`" in text
    assert "| q | 1 | **3 mm** | 2 | 1 |  | r |" in text


def test_the_page_in_the_documentation_has_every_case_and_says_that_it_holds():
    text = PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"^### (\S+): (.*)$", text, re.MULTILINE)
    assert headings == [(case.name, case.says) for case in CASES], "run: make verify-page"
    assert text.startswith(page_script().HEAD), "run: make verify-page"
    assert "All hold." in text

"""Does ``iceball demo`` say what it should, and end with the right code?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up import RUN
from typer.testing import CliRunner

from iceball import demo, library
from iceball.cli import app
from iceball.errors import InputError
from iceball.nouns import Assessment, Finding, IsothermResult, Placement, Plan, read_protocol


def result(severity: str, folder: Path) -> demo.DemoResult:
    probe = library.probe("argon-17g-30mm")
    placement = Placement(label="A", probe=probe, entry_mm=(0.0, 90.0, 0.0), tip_mm=(0.0, 10.0, 0.0))
    judged = Assessment(
        lesion_ml=5.6,
        isotherms=(
            IsothermResult(
                isotherm_c=-40.0,
                volume_ml=10.0,
                coverage_fraction=0.5,
                least_margin_mm=None,
                fifth_percentile_margin_mm=None,
                worst_place_mm=None,
            ),
        ),
        visible_ice_overlap_mm=None,
        clearances=(),
        findings=(Finding(rule="r", severity=severity, says="the cord got [cold]", source="DESIGN"),),
        run=RUN,
    )
    names = ("case", "plan", "run", "assessment", "report")
    return demo.DemoResult(
        lesion_to_cord_mm=9.0,
        plan=Plan(placements=(placement,), protocol=read_protocol("10-8-10")),
        assessment=judged,
        files=demo.DemoFiles(**{name: folder / name for name in names}),
    )


@pytest.mark.parametrize(("severity", "code"), [("stop", 3), ("caution", 0), ("note", 0)])
def test_a_stop_and_only_a_stop_ends_with_three(monkeypatch, tmp_path: Path, severity: str, code: int):
    monkeypatch.setattr(demo, "run", lambda folder, **_: result(severity, folder))
    ended = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)])
    assert ended.exit_code == code
    assert "Research use only" in ended.stdout
    assert "the cord got [cold]" in ended.stdout  # brackets are no markup


def test_json_is_one_object_and_nothing_else(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(demo, "run", lambda folder, **_: result("stop", folder))
    ended = CliRunner().invoke(app, ["demo", "--json", "--out", str(tmp_path)])
    told = json.loads(ended.stdout)
    assert ended.exit_code == 3
    assert told["assessment"]["isotherms"][0]["coverage_fraction"] == 0.5
    assert Path(told["case"]) == tmp_path / "case"


def test_the_options_reach_the_making(monkeypatch, tmp_path: Path):
    asked = {}

    def run(folder, **options):
        asked.update(options, folder=folder)
        return result("note", folder)

    monkeypatch.setattr(demo, "run", run)
    CliRunner().invoke(app, ["demo", "--phantom", "--spacing", "2", "--out", str(tmp_path)])
    assert (asked["made"], asked["spacing_mm"], asked["folder"]) == (True, 2.0, tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_and_no_link_is_followed(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot be used: Not a directory; choose another folder with --out"):
        demo.run(tmp_path / "file" / "out", made=True, spacing_mm=4.0, say=print, progress=unused)
    kept, out = tmp_path / "kept", tmp_path / "out"
    kept.mkdir()
    (kept / "mine.txt").write_text("mine")
    out.mkdir()
    (out / "made-by-iceball-demo").touch()
    (out / "case").symlink_to(kept)
    with pytest.raises(KeyboardInterrupt):
        demo.run(out, made=True, spacing_mm=4.0, say=stop, progress=unused)
    assert (kept / "mine.txt").read_text() == "mine"
    assert not (out / "case").exists()


def unused(title: str):
    raise AssertionError(title)


def stop(text: str) -> None:
    raise KeyboardInterrupt(text)


@pytest.mark.parametrize("spacing", ["0", "-1", "9", "wide"])
def test_a_senseless_spacing_is_wrong_usage(spacing: str):
    assert CliRunner().invoke(app, ["demo", "--spacing", spacing]).exit_code == 2

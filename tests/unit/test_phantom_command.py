"""Does ``iceball phantom`` print what the bench measured, as tables and as JSON, and refuse in one line?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from iceball.cli import app
from iceball.io._models import parse
from iceball.io._phantom_models import PhantomFile
from iceball.io.schemas import schemas

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "reference" / "schemas" / "phantom.example.json"
SMALL = """
name = "a [small] one"
start_c = 10
protocol = "freeze for 40 s; thaw for 10 s"
spacing_mm = 2
[box]
size_mm = [32, 32, 40]
centre_mm = [3, 0, 0]
[medium]
conductivity_frozen_w_per_m_k = 2.2
conductivity_unfrozen_w_per_m_k = 0.57
heat_capacity_frozen_j_per_m3_k = 1.9e6
heat_capacity_unfrozen_j_per_m3_k = 4.15e6
latent_heat_j_per_m3 = 3e8
solidus_c = -1
liquidus_c = -1
[[probes]]
diameter_mm = 2
active_length_mm = 12
surface_c = -140
tip_mm = [0, 0, -6]
direction = [0, 0, -1]
[[probes]]
diameter_mm = 2
active_length_mm = 12
gas_c = -150
internal_resistance_k_m_per_w = 0.05
cooling_time_constant_s = 4
tip_mm = [6, 0, -6]
direction = [0, 0, -1]
[points_mm]
between = [3, 0, 0]
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Path:
    """Write a small bench of two probes."""
    path = tmp_path_factory.mktemp("bench") / "small.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def printed(bench) -> dict:
    """Run it with --json and a plot."""
    done = CliRunner().invoke(app, ["phantom", str(bench), "--json", "--plot", str(bench.with_suffix(".png"))])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_json_obeys_the_published_schema_and_nothing_else_is_printed(printed):
    jsonschema.validate(printed, json.loads(schemas()["phantom.schema.json"]))
    assert printed["format"] == "iceball-phantom"
    assert [moment["time_s"] for moment in printed["moments"]] == [40, 50]


def test_json_holds_every_probe_the_whole_the_thermometer_and_the_heat(printed):
    first = printed["moments"][0]
    assert [probe["label"] for probe in first["probes"]] == ["A", "B"]
    assert first["heat_w"] == pytest.approx(sum(probe["heat_w"] for probe in first["probes"]))
    assert first["points_c"]["between"] < 0  # between two probes 6 mm apart
    cut = first["whole"][0]["section"]
    assert cut["pieces"] == 1
    # Two discs merged: wider one way than the other.
    assert cut["largest_caliper_mm"] > cut["smallest_caliper_mm"] + 3
    assert first["energy_residual_fraction"] < 1e-4  # what the house demands of any backend
    assert len(printed["curves"]["probes"][1]["diameter_mm"]) == 3


def test_a_sharp_front_is_measured_and_colder_surfaces_lie_within(printed):
    zero, twenty, forty = (isotherm["volume_ml"] for isotherm in printed["moments"][0]["whole"])
    assert zero > twenty > forty > 0


def test_the_plot_is_a_png_of_some_size(bench, printed):
    picture = bench.with_suffix(".png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 30_000


def test_the_published_example_of_the_json_obeys_its_schema():
    jsonschema.validate(json.loads(EXAMPLE.read_text(encoding="utf-8")), json.loads(schemas()["phantom.schema.json"]))
    parse(PhantomFile, EXAMPLE, "phantom")


def test_people_are_shown_sizes_volumes_temperatures_and_heat(bench):
    done = CliRunner().invoke(app, ["phantom", str(bench), "--accuracy", "preview"])
    assert done.exit_code == 0, done.output
    for text in ("a [small] one", "probe A: takes", "probe B: takes", "gas off", "equal-area", "between:", "residual"):
        assert text in done.output


def refused(*arguments: str) -> str:
    """Run the command as people do; returns its one line on standard error."""
    command = [sys.executable, "-c", "from iceball.cli import main; main()", "phantom", *arguments]
    env = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("start_c = 10", "start_c = nan"), "start_c: Input should be a finite number"),
        (("freeze for 40 s; thaw for 10 s", "thaw for 10 s"), "at least one freeze"),
        (("tip_mm = [6, 0, -6]", "tip_mm = [60, 0, -6]"), "probe B: its active zone"),
        (("tip_mm = [6, 0, -6]", "tip_mm = [1, 0, -6]"), "probes A and B are in one place"),
        (("spacing_mm = 2", "spacing_mm = 4.5"), "voxels of 4.5 mm are too coarse"),
        (("heat_capacity_frozen_j_per_m3_k = 1.9e6", ""), "a medium without frozen properties cannot freeze"),
    ],
)
def test_what_the_issue_lists_is_refused_in_one_clear_line(tmp_path, change, says):
    path = tmp_path / "wrong.toml"
    path.write_text(SMALL.replace(*change), encoding="utf-8")
    assert says in refused(str(path), "--json")


def test_a_plot_that_would_be_no_png_is_refused_before_anything_is_computed(bench):
    assert "end it in .png" in refused(str(bench), "--plot", "picture.pdf")


def test_a_backend_there_is_not_is_refused(bench):
    assert "no backend 'abacus'" in refused(str(bench), "--backend", "abacus")

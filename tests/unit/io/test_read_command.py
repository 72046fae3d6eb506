"""`iceball read`: a summary for people, one object with --json, and one line where it refuses."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from iceball import cli, io
from iceball.cli import _app


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `iceball ...` as the shell does; returns exit code, standard output and standard error."""

    def call(*words):
        monkeypatch.setattr("sys.argv", ["iceball", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
        return code, *capsys.readouterr()

    return call


def test_the_summary_says_size_spacing_hu_structures_lesion_and_notes(make_nifti, body, tmp_path):
    labels = make_nifti((body > 400).astype(np.uint8) * 31, "labels.nii")
    words = ["read", make_nifti(body), "--out", tmp_path / "case", "--labels", labels, "--lesion", labels]
    result = CliRunner().invoke(cli.app, list(map(str, words)), env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    for text in ("14 × 12 × 8 voxels", "2 × 2 × 2 mm", "1: vertebrae_L1", "0.29 ml", "TotalSegmentator v2"):
        assert text in result.output  # 36 voxels of 8 mm³ are 0.288 ml
    assert io.read_case(tmp_path / "case").lesion.matrix == "lytic"


def test_json_is_one_object_and_nothing_else(make_nifti, body, tmp_path, run):
    lesion = make_nifti((body > 400).astype(np.uint8), "lesion.nii")
    out = tmp_path / "case"
    words = ("read", make_nifti(body), "--out", out, "--lesion", lesion, "--matrix", "mixed", "--id", "p-1", "--json")
    code, output, error = run(*words)
    said = json.loads(output)
    case = io.read_case(out)
    assert (code, error) == (0, "")
    assert (said["id"], said["shape"], said["structures"]) == ("p-1", [14, 12, 8], [])
    assert said["lesion_ml"] == pytest.approx(case.lesion.volume_ml)
    assert said["fingerprint"] == io.case_fingerprint(case)
    assert (case.id, case.lesion.matrix) == ("p-1", "mixed")


def test_a_refused_scan_is_one_line_and_leaves_nothing_behind(make_series, tmp_path, run):
    source = make_series(change=lambda dataset, k: k != 3)
    before = sorted(tmp_path.rglob("*"))
    code, output, error = run("read", source, "--out", tmp_path / "new" / "case")
    assert (code, output) == (_app.EXIT_REFUSED, "")
    assert error.count("\n") == 1
    assert error.startswith("refused: 1 slice is missing between 34.00 and 38.00 mm")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_occupied_folder_is_refused_before_the_scan_is_read(tmp_path, run):
    (tmp_path / "mine.txt").write_text("mine")
    code, _, error = run("read", tmp_path / "there is no such scan", "--out", tmp_path)
    assert code == _app.EXIT_REFUSED
    assert "exists and is not empty (1 inside)" in error


def test_a_wrong_matrix_is_wrong_usage(make_nifti, body, tmp_path, run):
    code, _, error = run("read", make_nifti(body), "--out", tmp_path / "case", "--matrix", "soft")
    assert code == 2
    assert "lytic" in error
    assert not (tmp_path / "case").exists()

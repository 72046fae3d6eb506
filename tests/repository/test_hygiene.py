"""What must not be in the repository: machine paths, registry hosts, secrets, images of patients."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# Written in pieces, so that this file does not find itself.
FORBIDDEN = {
    "a machine's path": re.compile(r"(?<![\w.:/])/" + r"(work|tmp|root|home/\w+)/"),
    "a registry's host": re.compile(
        "pypi" + r"\.org|files\.python" + r"hosted\.org|registry\.npm" + r"js\.org|artifact" + "ory"
    ),
    "a private key": re.compile("BEGIN [A-Z ]*PRIVATE " + "KEY"),
    "a token": re.compile(r"\b(ghp_|github_pat_|AKIA)" + r"[0-9A-Za-z_]{16,}"),
}
IMAGES = (".dcm", ".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".ima")
LARGEST_BYTES = 1_000_000


def text_of(path: Path) -> str:
    """Text of a file, empty for a binary one."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str, tracked: tuple[Path, ...], root: Path):
    assert [str(path.relative_to(root)) for path in tracked if FORBIDDEN[what].search(text_of(path))] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a machine's path", "open('/" + "work/main/x')"),
        ("a machine's path", "see /" + "tmp/x"),
        ("a registry's host", "https://pypi" + ".org/simple"),
        ("a private key", "-----BEGIN RSA PRIVATE " + "KEY-----"),
        ("a token", "ghp_" + "a" * 36),
    ],
)
def test_the_search_finds_what_it_looks_for(what: str, text: str):
    assert FORBIDDEN[what].search(text)


def test_no_image_of_a_patient_is_tracked(tracked: tuple[Path, ...]):
    assert [path.name for path in tracked if path.name.lower().endswith(IMAGES)] == []
    # A DICOM file without its ending still has its magic word behind 128 bytes of preamble.
    assert [path.name for path in tracked if path.read_bytes()[128:132] == b"DICM"] == []


def test_no_large_file_is_tracked(tracked: tuple[Path, ...]):
    sizes = {path.name: path.stat().st_size for path in tracked}
    assert {name: size for name, size in sizes.items() if size > LARGEST_BYTES} == {}


def test_every_test_lies_in_one_of_the_six_folders(tracked: tuple[Path, ...], root: Path):
    six = ("unit", "verification", "validation", "contracts", "golden", "repository")
    found = [path for path in tracked if path.name.startswith("test_") and path.suffix == ".py"]
    tests = [path.relative_to(root / "tests").parts for path in found]
    assert tests
    assert ["/".join(parts) for parts in tests if parts[0] not in six] == []


def test_every_task_of_the_makefile_says_what_it_does(root: Path):
    text = (root / "Makefile").read_text(encoding="utf-8")
    said = set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))
    assert {"demo", "test", "test-all", "lint", "verify", "bench", "docs", "clean", "help"} <= said


def test_ci_does_nothing_but_make_test(root: Path):
    lines = (root / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if line and not line.startswith("#")]
    assert code[-1] == "make test"
    assert code[:-1] == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."']

"""Who may know whom."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

HEAVY = (
    "numba",
    "scipy",
    "pydicom",
    "nibabel",
    "highdicom",
    "skimage",
    "matplotlib",
    "weasyprint",
    "pydantic",
    "numpy",
)


def contracts(root: Path) -> dict:
    """Return the table of import-linter in pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def test_no_layer_imports_from_above(root: Path):
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_folder_and_module_of_the_package_has_its_layer(root: Path):
    layers = contracts(root)["contracts"][0]["layers"]
    named = {name.strip().removeprefix("iceball.") for line in layers for name in line.split("|")}
    there = {
        path.stem
        for path in (root / "src" / "iceball").iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
    }
    assert there - named == set(), "these have no layer in pyproject.toml"


def test_every_layer_but_io_is_kept_from_the_formats_of_images(root: Path):
    layers, formats = contracts(root)["contracts"][:2]
    named = {name.strip() for line in layers["layers"] for name in line.split("|")}
    assert set(formats["source_modules"]) == named - {"iceball.io"}


def test_import_iceball_is_quick_because_it_loads_nothing_heavy():
    code = f"import sys, iceball; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_layer_imports_without_a_warning(root: Path):
    # Third parties warn for themselves; what is asked of us is that our own modules do not.
    layers = contracts(root)["contracts"][0]["layers"]
    names = sorted(name.strip() for line in layers for name in line.split("|"))
    code = "import warnings; warnings.filterwarnings('error', module='iceball'); import " + ", ".join(names)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

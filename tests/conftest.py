"""What every test shares: markers from folders, the shared data, and skips that CI does not let pass."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import matplotlib
import pytest

matplotlib.use("Agg")

TESTS = Path(__file__).resolve().parent
SHARED_DATA = TESTS.parent.parent / "shared" / "data"
IN_CI = os.environ.get("CI", "").lower() == "true"
FOLDERS = ("unit", "verification", "validation", "contracts", "golden", "repository")

# A skip in CI is a hole in the wall; these reasons are the only holes that were agreed upon.
ALLOWED_SKIPS_IN_CI = ("needs a GPU",)

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test the marker of its folder; a test outside the six folders is an error."""
    for item in items:
        if TESTS not in item.path.parents:
            continue
        folder = item.path.relative_to(TESTS).parts[0]
        if folder not in FOLDERS:
            raise pytest.UsageError(f"{item.path.name}: tests live in tests/{{{','.join(FOLDERS)}}}/, not in {folder}/")
        item.add_marker(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Let no test skip in CI. An xfail stays what it is."""
    report = yield
    return report if hasattr(report, "wasxfail") else _without_skips(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """Let no whole file skip in CI."""
    return _without_skips((yield))


def _without_skips(report):
    """Turn a skip into a failure in CI, unless its reason starts with an agreed one."""
    if IN_CI and report.skipped:
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED_SKIPS_IN_CI):
            report.outcome = "failed"
            report.longrepr = f"{report.nodeid} was skipped, and CI=true allows no such skip: {reason}"
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real CT data beside the repository; skips where it is absent, fails in CI."""
    if not SHARED_DATA.is_dir():
        (pytest.fail if IN_CI else pytest.skip)("needs the real CT data in ../shared/data beside the repository")
    return SHARED_DATA

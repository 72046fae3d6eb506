"""Does ``iceball simulate`` print what it is given, brackets and all?"""

from __future__ import annotations

import pytest

from iceball.cli import simulate


@pytest.mark.parametrize("odd", ["run[/x]", "[bold]run", "run [1]"])
def test_names_with_brackets_are_printed_as_they_are(odd: str, capsys: pytest.CaptureFixture[str]):
    summary = {
        "run": odd,
        "took_s": 1.0,
        "box": (1, 2, 3),
        "volume_ml": {"0": 1.0},
        "structures": [{"name": odd, "coldest_c": -1.0}],
        "sensors": [{"label": odd, "coldest_c": -2.0}],
        "heat_taken_j": 1,
        "energy_residual_fraction": 0.0,
        "notes": (f"of {odd}",),
    }
    simulate._show(summary)
    printed = capsys.readouterr().out
    assert printed.count(odd) == 6  # run, structure, sensor, note and twice in what to do next

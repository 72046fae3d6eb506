"""``iceball library`` shows every number with its source, for people and as JSON."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from iceball import library
from iceball.cli import app
from iceball.cli._app import out
from iceball.errors import UnknownName

KINDS = ("tissues", "probes", "protections", "limits", "thresholds", "constants")


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A console takes its width when it is made; whoever imported it first must not decide how these tables fold."""
    monkeypatch.setattr(out, "_width", 400)


def shown(*words: str) -> str:
    """What the command prints on a terminal wide enough not to fold."""
    answer = CliRunner().invoke(app, ["library", *words], catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_one_object_with_the_rows_their_sources_and_the_digest(kind: str) -> None:
    told = json.loads(shown(kind, "--json"))
    assert set(told) == {kind, "sources", "library"}
    assert told["library"] == library.digest()
    used = {row["source"] for rows in told[kind].values() for row in rows.values()}
    assert used <= set(told["sources"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_ends_with_the_full_line_of_every_source_it_used(kind: str) -> None:
    text = shown(kind)
    for key in json.loads(shown(kind, "--json"))["sources"]:
        assert f"  {key}: " in text
        assert library.sources()[key].title in text


def test_recalled_and_judged_values_are_marked_and_read_ones_are_not() -> None:
    lines = {line.split("│")[1].strip(): line for line in shown("tissues", "cortical_bone").splitlines() if "│" in line}
    assert "0.45 !" in lines["conductivity_w_per_m_k"]
    assert "-1 ?" in lines["liquidus_c"]
    assert "1908 │" in lines["density_kg_per_m3"]


def test_one_tissue_shows_its_notes_and_no_other_tissue() -> None:
    text = shown("tissues", "cortical_bone")
    assert "0.55 ± 0.02 bovine [lee_2018]" in text
    assert "yellow_marrow" not in text


def test_one_limit_shows_its_ladder() -> None:
    told = json.loads(shown("limits", "spinal_cord", "--json"))
    assert [row["value"] for row in told["limits"]["spinal_cord"].values()] == [15, 10, 5]


@pytest.mark.parametrize("name", ["metal_above_hu", "nerve_root_radius_mm", "joint_gap_mm", "arterial_c"])
def test_one_constant_of_any_table_is_found(name: str) -> None:
    assert list(json.loads(shown("constants", name, "--json"))["constants"]["constants"]) == [name]


def test_structures_show_all_117_names_and_an_unknown_one_as_unknown() -> None:
    assert len(json.loads(shown("structures", "--json"))["structures"]) == 117
    assert "spleenlet (unknown)" in shown("structures", "spleenlet")


def test_sources_show_one_or_all() -> None:
    assert len(json.loads(shown("sources", "--json"))["sources"]) == len(library.sources())
    assert list(json.loads(shown("sources", "itis_v5", "--json"))["sources"]) == ["itis_v5"]
    assert "10.13099/VIP21000-05-0" in shown("sources", "itis_v5")


@pytest.mark.parametrize("kind", [*KINDS, "sources"])
def test_an_unknown_name_is_refused_with_the_known_ones(kind: str) -> None:
    with pytest.raises(UnknownName, match="the library has: "):
        shown(kind, "nothing_like_it")

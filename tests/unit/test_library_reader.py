"""The reader refuses every row that breaks a rule, and names it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iceball import library
from iceball.errors import LibraryError, UnknownName
from iceball.library import _probes, _protections
from iceball.library._probes import REQUIRED, read_probe
from iceball.library._sources import read_sources
from iceball.library._tables import cited_in, parse_table, read_row
from iceball.library._tissues import QUANTITIES, read_tissue
from iceball.nouns import Heater, HeldShaft, Probe, WarmGas

GOOD: dict[str, object] = {
    "value": 2.0,
    "unit": "W/m/K",
    "low": 1.0,
    "high": 3.0,
    "state": "unfrozen",
    "source": "itis_v5",
    "confidence": "read",
}
WHERE = "tissues.muscle.conductivity_w_per_m_k"


def row(**changes: object) -> dict[str, object]:
    return {field: value for field, value in (GOOD | changes).items() if value is not None}


def test_a_whole_row_is_read() -> None:
    cited = read_row(WHERE, row(note="see [lee_2018]"), library.sources())
    assert (cited.value, cited.low, cited.high, cited.unit, cited.source) == (2.0, 1.0, 3.0, "W/m/K", "itis_v5")


@given(missing=st.sets(st.sampled_from(sorted(GOOD)), min_size=1))
def test_a_row_that_lacks_a_field_is_refused_naming_row_and_field(missing: set[str]) -> None:
    with pytest.raises(LibraryError) as refused:
        read_row(WHERE, row(**dict.fromkeys(missing)), library.sources())
    head = str(refused.value).split(":")[0]
    assert head.startswith(WHERE)
    assert all(field in head for field in missing)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"source": "itis_v6"}, r"source 'itis_v6' is not in sources.bib \(did you mean 'itis_v5'\?\)"),
        ({"note": "as [nobody_1999] says"}, "source 'nobody_1999' is not in sources.bib"),
        ({"confidence": "certain"}, "confidence 'certain' is unknown; write one of read, recalled"),
        ({"confidence": "judgement"}, "is a judgement without its reasoning"),
        ({"spread": 3}, "unknown field spread; a row has: value, low, high"),
        ({"value": 5.0}, "value 5 W/m/K lies outside its spread 1 to 3"),
        ({"value": "2"}, "value must be a finite number, not '2'"),
        ({"low": True}, "low must be a finite number, not True"),
        ({"high": float("inf")}, "high must be a finite number, not inf"),
        ({"value": float("nan")}, "value must be a finite number, not nan"),
        ({"unit": ""}, "unit must be a text, not ''"),
        ({"state": 37}, "state must be a text, not 37"),
    ],
)
def test_a_broken_row_is_refused_in_one_line_that_names_it(changes: dict[str, object], says: str) -> None:
    with pytest.raises(LibraryError, match=says) as refused:
        read_row(WHERE, row(**changes), library.sources())
    assert str(refused.value).startswith(WHERE)
    assert "\n" not in str(refused.value)


def test_a_note_names_sources_in_square_brackets() -> None:
    assert cited_in("0.3 [biyikli_1986], not [3] nor [An Author], 0.55 [lee_2018]") == ("biyikli_1986", "lee_2018")


def tissue_text(**changes: str | None) -> str:
    """A tissue table with every quantity; a change replaces a line, None leaves it out."""
    lines: dict[str, str | None] = {"says": 'says = "x"', "freezing": 'freezing = "linear mush"'} | {
        quantity: f'{quantity} = {{ value = 1, unit = "{unit}", low = 0, high = 2, state = "s", source = "itis_v5", '
        f'confidence = "read" }}'
        for quantity, unit in QUANTITIES.items()
    }
    lines |= changes
    return "[x]\n" + "\n".join(line for line in lines.values() if line is not None)


def test_a_whole_tissue_is_read() -> None:
    assert tuple(read_tissue(tissue_text(), "x", library.sources())) == tuple(QUANTITIES)


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_tissue_that_lacks_a_quantity_is_refused(quantity: str) -> None:
    with pytest.raises(LibraryError, match=f"tissues.x lacks {quantity}"):
        read_tissue(tissue_text(**{quantity: None}), "x", library.sources())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"says": None}, "tissues.x lacks says"),
        ({"freezing": None}, "tissues.x lacks freezing"),
        ({"freezing": 'freezing = "sudden"'}, "freezing 'sudden' is unknown; write one of linear mush, freezing-point"),
        ({"extra": 'held_at = "noon"'}, "held_at 'noon' is no row of physics.toml; it has: arterial_c"),
        ({"extra": 'like = "z"'}, "tissues.x is like 'z', which must be a tissue with rows of its own"),
        ({"extra": "colour = 3"}, "tissues.x has an unknown field colour"),
        (
            {
                "solidus_c": 'solidus_c = { value = 1, unit = "K", low = 0, high = 2, state = "s", source = "itis_v5", '
                'confidence = "read" }'
            },
            "tissues.x.solidus_c is in K; write it in °C",
        ),
        ({"solidus_c": "solidus_c = 3"}, "tissues.x.solidus_c is a bare 3: every number needs unit"),
        ({"says": "says = "}, "tissues.toml is not valid TOML"),
    ],
)
def test_a_broken_tissue_is_refused(changes: dict[str, str | None], says: str) -> None:
    with pytest.raises(LibraryError, match=says):
        read_tissue(tissue_text(**changes), "x", library.sources())


def test_a_tissue_that_the_table_lacks_is_unknown() -> None:
    with pytest.raises(UnknownName, match="no tissue 'y'; the library has: x"):
        read_tissue(tissue_text(), "y", library.sources())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[p]\nsays = "x"', "probes.p lacks cryogen"),
        ('[p]\nsays = "x"\ncryogen = "argon"', "probes.p lacks shaft_diameter_mm, active_length_mm"),
        ('[p]\nsays = "x"\ncryogen = "argon"\nmaker = "y"', "probes.p has an unknown field maker"),
    ],
)
def test_a_broken_probe_is_refused(text: str, says: str) -> None:
    with pytest.raises(LibraryError, match=says):
        read_probe(text, "p", library.sources())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@misc{a, note = {x}}", "entry 'a' lacks its title"),
        ("@misc{a, title = {x}} @misc{a, title = {y}}", "not valid: repeated bibliography entry: a"),
        ("@misc{a, title = {x}", "not valid"),
    ],
)
def test_a_broken_bibliography_is_refused(text: str, says: str) -> None:
    with pytest.raises(LibraryError, match=says):
        read_sources(text)


def test_a_source_prints_as_one_line() -> None:
    text = "@article{a, title = {On {Ice}}, author = {Lee, Ann and {others}}, year = {2018}, doi = {10.1/x}}"
    assert str(read_sources(text)["a"]) == "Lee, Ann et al. (2018) On Ice. doi:10.1/x"


PROBE = '[p]\nsays = "x"\ncryogen = "argon"\n' + "\n".join(
    f'{name} = {{ value = {value}, unit = "{unit}", low = {value}, high = {value}, state = "s", source = "itis_v5", '
    f'confidence = "read" }}'
    for name, unit, value in [(q, u, -150 if q == "gas_temperature_c" else 2) for q, u in REQUIRED.items()]
)
THAW = 'thaw_temperature_c = { value = 40, unit = "°C", low = 40, high = 40, state = "s", source = "itis_v5", '
THAW += 'confidence = "read" }'
HEAT = THAW.replace("thaw_temperature_c", "thaw_heat_w_per_m").replace("°C", "W/m")


def made(monkeypatch: pytest.MonkeyPatch, *lines: str) -> Probe:
    """The probe of a table that ends in ``lines``."""
    text = parse_table("\n".join((PROBE, *lines)), "probes")
    monkeypatch.setattr(_probes, "table", lambda _name: text)
    monkeypatch.setattr(_probes, "probe_rows", lambda name: _probes._read(text, name, library.sources()))
    return _probes.probe.__wrapped__("p")


@pytest.mark.parametrize(
    ("lines", "law"),
    [
        ((THAW,), HeldShaft()),
        ((THAW, 'thaw_by = "held shaft"'), HeldShaft()),
        ((THAW, 'thaw_by = "warm gas"'), WarmGas()),
        ((THAW, 'thaw_by = "heater"', HEAT), Heater(heat_w_per_m=40.0)),
    ],
)
def test_a_probe_thaws_by_the_law_of_its_row(monkeypatch, lines, law) -> None:
    assert made(monkeypatch, *lines).thaw_law == law


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((THAW, 'thaw_by = "heater"'), "thaws by a heater but lacks thaw_heat_w_per_m"),
        ((THAW, 'thaw_by = "magic"'), "'magic' will not do; write 'held shaft', 'warm gas', or 'heater'"),
        ((THAW, 'thaw_by = "warm gas"', HEAT), "will not do"),
        (('handle_end = "round"',), "handle_end 'round' is unknown; write one of bare, insulated shaft"),
    ],
)
def test_a_choice_that_does_not_fit_is_refused(monkeypatch, lines, says) -> None:
    with pytest.raises(LibraryError, match=says):
        made(monkeypatch, *lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[x]\nsays = "y"', "protections.x has ; it needs outside_c and film_w_per_m2_k, or held_c or push_mm alone"),
        ("[x]\n" + THAW.replace("thaw_temperature_c", "held_c"), "protections.x lacks says"),
        (
            '[x]\nsays = "y"\n' + THAW.replace("thaw_temperature_c", "held_c").replace("°C", "K"),
            "protections.x.held_c is in K; write it in °C",
        ),
    ],
)
def test_a_broken_protection_is_refused(text: str, says: str) -> None:
    with pytest.raises(LibraryError, match=says):
        _protections._read(parse_table(text, "protections"), "x", library.sources())

"""The table of implants: what is drawn has a unit, a spread and a kind that exists."""

from __future__ import annotations

import pytest

from iceball import library
from iceball.errors import LibraryError, UnknownName
from iceball.library._implants import read_implant

ROW = {
    "value": 60, "unit": "HU", "low": 30, "high": 90, "state": "s", "source": "iceball_judgement",
    "confidence": "judgement", "note": "a good reason",
}  # fmt: skip


def test_every_kind_of_lesion_has_what_implanting_draws():
    assert library.implant_names() == ("lytic", "blastic", "mixed", "scan")
    for kind in ("lytic", "blastic"):
        assert {"matter_hu", "patch_hu", "patch_mm", "border_mm", "fringe_mm"} <= set(library.implant_rows(kind))


def test_lytic_matter_is_softer_than_any_blastic_and_shares_are_fractions():
    assert library.implant_rows("lytic")["matter_hu"].high < library.implant_rows("blastic")["matter_hu"].low
    for kind in library.implant_names():
        for quantity, row in library.implant_rows(kind).items():
            assert row.low >= 0, quantity
            if quantity.endswith("_fraction"):
                assert row.high <= 1, quantity


def test_an_unknown_kind_is_refused_with_the_list():
    with pytest.raises(UnknownName, match="lytic"):
        library.implant_rows("lythic")


def test_a_row_in_another_unit_than_its_name_says_is_refused():
    known = library.sources()
    good = {"kind": {"says": "x", "matter_hu": ROW}}
    assert read_implant(good, "kind", known)["matter_hu"].value == 60
    with pytest.raises(LibraryError, match="matter_mm is in HU; its name says mm"):
        read_implant({"kind": {"says": "x", "matter_mm": ROW}}, "kind", known)
    with pytest.raises(LibraryError, match="lacks says"):
        read_implant({"kind": {"matter_hu": ROW}}, "kind", known)

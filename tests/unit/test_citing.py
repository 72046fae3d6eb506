"""A result names its sources."""

from __future__ import annotations

import dataclasses

import pytest
from made_up import RUN

import iceball
from iceball import library
from iceball.errors import UnknownName
from iceball.nouns import Ball, Sensor
from iceball.provenance import Run


@dataclasses.dataclass(frozen=True)
class Result:
    """Anything with a run."""

    run: Run


def result(*sources: str) -> Result:
    """Return a result that used ``sources``."""
    return Result(dataclasses.replace(RUN, library="0123456789ab", sources=sources))


def test_citations_are_the_sources_a_result_used_each_once_and_in_order():
    first, second = sorted(library.sources())[:2]
    cited = iceball.citations(result(second, first, second))
    assert [source.key for source in cited] == [first, second]
    assert all(source.title for source in cited)


def test_a_result_without_sources_cites_nothing():
    assert iceball.citations(result()) == ()


def test_a_source_that_the_library_lacks_is_refused_with_both_digests():
    with pytest.raises(UnknownName, match=f"lacks: no_such_source; .*0123456789ab, this is {library.digest()}"):
        iceball.citations(result("no_such_source"))


def test_the_numbers_of_a_means_of_warming_are_known_again_and_made_up_ones_are_not():
    place = Ball(centre_mm=(0.0, 0.0, 0.0), radius_mm=20.0)
    glove = library.warm_pad("saline_glove", label="glove", region=place)
    assert library.means_of(glove) == ("saline_glove",)
    assert library.means_of(library.irrigation(label="bladder", region=place)) == ("warm_irrigation",)
    assert library.means_of(dataclasses.replace(glove, outside_c=39.0)) == ()
    assert library.means_of(Sensor(label="nerve", at_mm=(0.0, 0.0, 0.0))) == ()

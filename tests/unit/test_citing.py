"""A result names its sources."""

from __future__ import annotations

import dataclasses

import pytest

import iceball
from iceball import library
from iceball.errors import UnknownName
from iceball.provenance import Run


@dataclasses.dataclass(frozen=True)
class Result:
    """Anything with a run."""

    run: Run


def result(*sources: str) -> Result:
    """Return a result that used ``sources``."""
    return Result(
        Run(
            version="0",
            inputs=(),
            backend="numpy",
            device="cpu",
            dtype="float64",
            seed=None,
            library="0123456789ab",
            sources=sources,
            started_at="",
        )
    )


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

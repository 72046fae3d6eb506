"""What is said about a plan or a run: findings and assessments."""

from __future__ import annotations

from typing import Literal

from iceball.errors import InputError
from iceball.nouns._noun import Point, noun
from iceball.provenance import Run

Severity = Literal["note", "caution", "stop"]
SEVERITIES: tuple[Severity, ...] = ("note", "caution", "stop")


@noun
class Finding:
    """One rule applied to one thing: what was measured, the limit, and where the limit comes from.

    ``measured`` and ``limit`` are printed with ``unit``; both are None where a rule has no number.
    """

    rule: str
    severity: Severity
    says: str
    source: str
    subject: str = ""
    measured: float | None = None
    limit: float | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown severity."""
        if self.severity not in SEVERITIES:
            raise InputError(f"severity {self.severity!r} is unknown; write one of {', '.join(SEVERITIES)}")


@noun
class IsothermResult:
    """One isotherm against the target.

    Margins are signed: positive where the isotherm lies outside the lesion, negative where it falls short. They are
    None where nothing froze that far. ``worst_place_mm`` is the lesion's surface point with the least margin, LPS.
    """

    isotherm_c: float
    volume_ml: float
    coverage_fraction: float
    least_margin_mm: float | None
    fifth_percentile_margin_mm: float | None
    worst_place_mm: Point | None


@noun
class Clearance:
    """How cold one structure at risk got, and for how long it was below each of its limits.

    ``below_s`` pairs a limit [°C] with the longest time any voxel of it spent below [s].
    ``distance_to_lesion_mm`` is measured between surfaces' voxel centres. ``estimated`` is the structure's: nobody drew
    its outline.
    """

    structure: str
    coldest_c: float
    place_mm: Point
    below_s: tuple[tuple[float, float], ...]
    distance_to_lesion_mm: float | None
    limit: str | None
    estimated: bool = False


@noun
class Assessment:
    """The judgement of one run."""

    lesion_ml: float
    isotherms: tuple[IsothermResult, ...]
    visible_ice_overlap_mm: float | None
    clearances: tuple[Clearance, ...]
    findings: tuple[Finding, ...]
    run: Run

    @property
    def verdict(self) -> Severity | Literal["clear"]:
        """The gravest severity among the findings, "clear" where there is none above a note."""
        kinds = {finding.severity for finding in self.findings}
        return "stop" if "stop" in kinds else "caution" if "caution" in kinds else "clear"

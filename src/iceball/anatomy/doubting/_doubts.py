"""All doubts about a scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iceball.anatomy._palette import palette
from iceball.anatomy.doubting._bright import bright_doubts, cement_doubts, known_by_label
from iceball.anatomy.doubting._foreign import gas_doubts, metal_doubts
from iceball.anatomy.doubting._pieces import part_of
from iceball.anatomy.doubting._scale import scale_doubts

if TYPE_CHECKING:
    from iceball.nouns import Case, Finding


def doubts(case: Case) -> tuple[Finding, ...]:
    """Say what on the scan of ``case`` would be read wrongly, or may be.

    Numbers that are no HU (an offset of 1024, too little contrast, a window) stop, and nothing else is looked at then;
    so does more metal than a patient holds. Metal, contrast without a label, dense matter thicker than cortex, gas in
    the lesion and padding are cautions. Contrast and cement are looked for within 80 mm of the lesion, or on the whole
    scan where there is none. Some tenths of a second; nothing is changed.

    Parameters
    ----------
    case : Case

    Raises
    ------
    UnknownName : if a structure names a tissue that the library does not have

    Source: DESIGN; limits from ``library.hu_rules()``, tried on the real scans of ../shared/data.
    """
    found = scale_doubts(case.ct, case.field_of_view)
    if any(finding.severity == "stop" for finding in found):
        return found
    metal = metal_doubts(case)
    if any(finding.severity == "stop" for finding in metal):
        return (*found, *metal)
    part = part_of(case)
    known = known_by_label(part, palette(case))
    return (*found, *metal, *gas_doubts(case), *bright_doubts(part, known), *cement_doubts(part, known))

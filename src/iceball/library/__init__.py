"""The numbers: tissues, probes, thresholds, limits, structures; each with unit, spread, state, source, confidence."""

from iceball.library._limits import Limit, hu_rules, isotherms, limit, limits, named_below, physics, thresholds
from iceball.library._probes import probe, probe_names, probe_rows
from iceball.library._protections import irrigation, means_of, protection_names, protection_rows, warm_pad
from iceball.library._structures import StructureRule, label_names, structure_rule
from iceball.library._tables import digest, sources, sources_of
from iceball.library._tissues import freezing, tissue, tissue_names, tissue_rows, vasoconstriction

__all__ = [
    "Limit",
    "StructureRule",
    "digest",
    "freezing",
    "hu_rules",
    "irrigation",
    "isotherms",
    "label_names",
    "limit",
    "limits",
    "means_of",
    "named_below",
    "physics",
    "probe",
    "probe_names",
    "probe_rows",
    "protection_names",
    "protection_rows",
    "sources",
    "sources_of",
    "structure_rule",
    "thresholds",
    "tissue",
    "tissue_names",
    "tissue_rows",
    "vasoconstriction",
    "warm_pad",
]

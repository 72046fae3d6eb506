"""The numbers: tissues, probes, thresholds, limits, structures; each with unit, spread, state, source, confidence."""

from iceball.library._answers import answer, check_fact
from iceball.library._conditions import Condition, Evidence
from iceball.library._ensemble import ensemble_rules
from iceball.library._implants import implant_names, implant_rows
from iceball.library._limits import Limit, hu_rules, isotherms, limit, limits, named_below, physics, thresholds
from iceball.library._measures import SITES, BoneRule, bone_rule, measure_rules
from iceball.library._outlines import outline_rules
from iceball.library._planning import (
    PLANNING_TOPICS,
    PlanningRule,
    planning_numbers,
    planning_rule,
    planning_rules,
    planning_sources,
)
from iceball.library._probes import probe, probe_names, probe_rows
from iceball.library._protections import (
    dissection_push_mm,
    irrigation,
    means_of,
    protection_names,
    protection_rows,
    warm_pad,
)
from iceball.library._questions import Question, question, questions, situations
from iceball.library._scores import ScoreCategory, ScoreItemRule, ScoreOption, ScoreRule, scores
from iceball.library._screening import ScreeningRule, screening_rule, screening_rules, screening_sources
from iceball.library._sites import Site, SiteText, sites
from iceball.library._structures import StructureRule, label_names, structure_rule
from iceball.library._tables import digest, sources, sources_of
from iceball.library._tissues import freezing, tissue, tissue_names, tissue_rows, tissue_with, vasoconstriction
from iceball.library._ways import (
    Cannula,
    KeepRule,
    WaySite,
    cannulas,
    keep_rule,
    keep_rules,
    one_bone_with,
    probe_reach,
    way_rules,
    way_sites,
)

__all__ = [
    "PLANNING_TOPICS",
    "SITES",
    "BoneRule",
    "Cannula",
    "Condition",
    "Evidence",
    "KeepRule",
    "Limit",
    "PlanningRule",
    "Question",
    "ScoreCategory",
    "ScoreItemRule",
    "ScoreOption",
    "ScoreRule",
    "ScreeningRule",
    "Site",
    "SiteText",
    "StructureRule",
    "WaySite",
    "answer",
    "bone_rule",
    "cannulas",
    "check_fact",
    "digest",
    "dissection_push_mm",
    "ensemble_rules",
    "freezing",
    "hu_rules",
    "implant_names",
    "implant_rows",
    "irrigation",
    "isotherms",
    "keep_rule",
    "keep_rules",
    "label_names",
    "limit",
    "limits",
    "means_of",
    "measure_rules",
    "named_below",
    "one_bone_with",
    "outline_rules",
    "physics",
    "planning_numbers",
    "planning_rule",
    "planning_rules",
    "planning_sources",
    "probe",
    "probe_names",
    "probe_reach",
    "probe_rows",
    "protection_names",
    "protection_rows",
    "question",
    "questions",
    "scores",
    "screening_rule",
    "screening_rules",
    "screening_sources",
    "sites",
    "situations",
    "sources",
    "sources_of",
    "structure_rule",
    "thresholds",
    "tissue",
    "tissue_names",
    "tissue_rows",
    "tissue_with",
    "vasoconstriction",
    "warm_pad",
    "way_rules",
    "way_sites",
]

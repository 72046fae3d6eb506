"""What a case is: frozen records, checked once when made. They know numpy and the errors, nothing else."""

from iceball.nouns.achieved import AchievedProbe
from iceball.nouns.bench import Bench, Layer, Medium, placed
from iceball.nouns.bench_result import (
    Cut,
    PhantomCurves,
    PhantomMoment,
    PhantomResult,
    ProbeIsotherm,
    ProbeMoment,
    Section,
    WholeIsotherm,
)
from iceball.nouns.case import Case, Intent, Lesion, Matrix, Role, Structure
from iceball.nouns.cited import CONFIDENCES, Cited, Confidence, Source
from iceball.nouns.curve import Curve
from iceball.nouns.fact import ORIGINS, Fact, Origin
from iceball.nouns.finding import SEVERITIES, Assessment, Clearance, Finding, IsothermResult, Severity
from iceball.nouns.found import FoundLesion
from iceball.nouns.goal import Aim, Goal
from iceball.nouns.history import EnergyBalance, LethalZone, ProbeCurve, SensorCurve, StructureCurve, ThermalHistory
from iceball.nouns.plan import Approval, Plan
from iceball.nouns.probe import (
    BareEnd,
    HandleEnd,
    Heater,
    HeldShaft,
    InsulatedShaft,
    MakerIsotherm,
    Placement,
    Probe,
    ThawLaw,
    WarmGas,
)
from iceball.nouns.protection import Ball, Capsule, Drawn, Pocket, Protection, Region, Sensor, WarmPad
from iceball.nouns.protocol import Protocol, Step, read_protocol, read_step
from iceball.nouns.screening import VERDICTS, Score, ScoreItem, Screening, Verdict
from iceball.nouns.space import Grid, Quantity, Volume
from iceball.nouns.tissue import Freezing, FreezingPointDepression, LinearMush, Tissue, TissueMap, Vasoconstriction

__all__ = [
    "CONFIDENCES",
    "ORIGINS",
    "SEVERITIES",
    "VERDICTS",
    "AchievedProbe",
    "Aim",
    "Approval",
    "Assessment",
    "Ball",
    "BareEnd",
    "Bench",
    "Capsule",
    "Case",
    "Cited",
    "Clearance",
    "Confidence",
    "Curve",
    "Cut",
    "Drawn",
    "EnergyBalance",
    "Fact",
    "Finding",
    "FoundLesion",
    "Freezing",
    "FreezingPointDepression",
    "Goal",
    "Grid",
    "HandleEnd",
    "Heater",
    "HeldShaft",
    "InsulatedShaft",
    "Intent",
    "IsothermResult",
    "Layer",
    "Lesion",
    "LethalZone",
    "LinearMush",
    "MakerIsotherm",
    "Matrix",
    "Medium",
    "Origin",
    "PhantomCurves",
    "PhantomMoment",
    "PhantomResult",
    "Placement",
    "Plan",
    "Pocket",
    "Probe",
    "ProbeCurve",
    "ProbeIsotherm",
    "ProbeMoment",
    "Protection",
    "Protocol",
    "Quantity",
    "Region",
    "Role",
    "Score",
    "ScoreItem",
    "Screening",
    "Section",
    "Sensor",
    "SensorCurve",
    "Severity",
    "Source",
    "Step",
    "Structure",
    "StructureCurve",
    "ThawLaw",
    "ThermalHistory",
    "Tissue",
    "TissueMap",
    "Vasoconstriction",
    "Verdict",
    "Volume",
    "WarmGas",
    "WarmPad",
    "WholeIsotherm",
    "placed",
    "read_protocol",
    "read_step",
]

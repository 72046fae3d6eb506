"""What a case is: frozen records, checked once when made. They know numpy and the errors, nothing else."""

from iceball.nouns.case import Case, Intent, Lesion, Matrix, Role, Structure
from iceball.nouns.cited import CONFIDENCES, Cited, Confidence, Source
from iceball.nouns.finding import SEVERITIES, Assessment, Clearance, Finding, IsothermResult, Severity
from iceball.nouns.history import EnergyBalance, LethalZone, ProbeCurve, StructureCurve, ThermalHistory
from iceball.nouns.plan import Approval, Plan
from iceball.nouns.probe import MakerIsotherm, Placement, Probe
from iceball.nouns.protocol import Protocol, Step, read_protocol, read_step
from iceball.nouns.space import Grid, Quantity, Volume
from iceball.nouns.tissue import Tissue, TissueMap

__all__ = [
    "CONFIDENCES",
    "SEVERITIES",
    "Approval",
    "Assessment",
    "Case",
    "Cited",
    "Clearance",
    "Confidence",
    "EnergyBalance",
    "Finding",
    "Grid",
    "Intent",
    "IsothermResult",
    "Lesion",
    "LethalZone",
    "MakerIsotherm",
    "Matrix",
    "Placement",
    "Plan",
    "Probe",
    "ProbeCurve",
    "Protocol",
    "Quantity",
    "Role",
    "Severity",
    "Source",
    "Step",
    "Structure",
    "StructureCurve",
    "ThermalHistory",
    "Tissue",
    "TissueMap",
    "Volume",
    "read_protocol",
    "read_step",
]

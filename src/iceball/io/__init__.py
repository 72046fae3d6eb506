"""Read and write: the only place that knows DICOM, NIfTI and the folders of iceball."""

from iceball.io._atomic import refuse_occupied, write_bytes
from iceball.io._nrrd import write_seg_nrrd
from iceball.io._totalsegmentator import run_totalsegmentator, totalsegmentator_missing
from iceball.io.achieved import read_achieved
from iceball.io.assessments import write_assessment
from iceball.io.bench import phantom_document, read_bench
from iceball.io.cases import read_case, stored_case_fingerprint, write_case
from iceball.io.curves import read_curves, read_region, split_curve
from iceball.io.ensembles import MemberFolder, ensemble_document, write_ensemble
from iceball.io.facts import read_facts, write_facts
from iceball.io.fingerprints import case_fingerprint
from iceball.io.plans import read_plan, write_plan
from iceball.io.runs import StoredRun, read_run, read_run_case, write_run
from iceball.io.scan import read_scan
from iceball.io.screenings import write_screening

__all__ = [
    "MemberFolder",
    "StoredRun",
    "case_fingerprint",
    "ensemble_document",
    "phantom_document",
    "read_achieved",
    "read_bench",
    "read_case",
    "read_curves",
    "read_facts",
    "read_plan",
    "read_region",
    "read_run",
    "read_run_case",
    "read_scan",
    "refuse_occupied",
    "run_totalsegmentator",
    "split_curve",
    "stored_case_fingerprint",
    "totalsegmentator_missing",
    "write_assessment",
    "write_bytes",
    "write_case",
    "write_ensemble",
    "write_facts",
    "write_plan",
    "write_run",
    "write_screening",
    "write_seg_nrrd",
]

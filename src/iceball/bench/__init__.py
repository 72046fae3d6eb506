"""TIME: the problems that are timed, our own solver on them, and the peers on the same."""

from iceball.bench.agreement import Apart, apart
from iceball.bench.cases import USUAL, BenchCase, case_named, case_names, legs_of, problem_of, report_s_of, start_c
from iceball.bench.comparing import AGREES_MM, MissingPeer, PeerTiming, compare, ratios
from iceball.bench.machine import Machine, cores, measure_machine
from iceball.bench.running import BenchReport, Order, chosen_cases, run_bench
from iceball.bench.timing import ScalingRow, Setting, Timing, exponent, prime, scaling_plan, time_case

__all__ = [
    "AGREES_MM",
    "USUAL",
    "Apart",
    "BenchCase",
    "BenchReport",
    "Machine",
    "MissingPeer",
    "Order",
    "PeerTiming",
    "ScalingRow",
    "Setting",
    "Timing",
    "apart",
    "case_named",
    "case_names",
    "chosen_cases",
    "compare",
    "cores",
    "exponent",
    "legs_of",
    "measure_machine",
    "prime",
    "problem_of",
    "ratios",
    "report_s_of",
    "run_bench",
    "scaling_plan",
    "start_c",
    "time_case",
]

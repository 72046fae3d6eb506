"""The structs of kernel.hpp, field by field."""

from __future__ import annotations

import ctypes as c

P, I32, I64, F32, F64 = c.c_void_p, c.c_int32, c.c_int64, c.c_float, c.c_double


class Box(c.Structure):
    """See kernel.hpp."""

    _fields_ = [
        ("tiles", I32), ("materials", I32), ("inverse_h2", F32), ("arterial_c", F32), ("own", P),
        ("potential", P * 2), ("temperature", P * 2), ("conductivity", P * 2),
        ("rest", P), ("now_c", P), ("fresh_c", P), ("coldest_c", P),
        ("label", P), ("faces", P), ("row_kind", P), ("row_unlike", P), ("alive", P), ("tile_label", P),
        ("flags", P), ("beside", P),
        ("given", P), ("per_k", P), ("per_potential", P), ("well_heat", P), ("rest_flow", P), ("trend", P),
        ("slots", P),
        ("media", P), ("few", P), ("smooth", P), ("curves", P),
    ]  # fmt: skip


class Pass(c.Structure):
    """See kernel.hpp."""

    _fields_ = [
        ("tiles", I32), ("own", I32), ("stages", I32), ("foreign", I32), ("second_order", I32), ("with_wells", I32), 
        ("thawed", I32),
        ("tile", P), ("live", P),
        ("carry", P), ("weight", P), ("back", P), ("again", P), ("share", P), ("time", P),
        ("face_start", P), ("their_tile", P), ("slot", P), ("direction", P), ("kind", P),
        ("flux", P), ("low_c", P), ("band_c", F32 * 2), ("off", P), ("energy", P),
    ]  # fmt: skip


class Wells(c.Structure):
    """See kernel.hpp."""

    _fields_ = [
        ("segments", I32), ("probes", I32), ("start", P), ("run", P), ("weight", P), ("probe", P),
        ("length_m", P), ("conductance", P), ("resistance", P), ("offset_k", P), ("mix_start", P),
        ("material", P), ("share", P),
        ("surface", P), ("surface_nodes", I64), ("coldest_c", F64), ("surface_step_c", F64), ("voxel_m3", F64),
        ("mode", P), ("from_", P), ("to", P), ("power", P), ("limit", P),
        ("most", P), ("tilt_from", P), ("tilt_to", P),
        ("heat", P), ("energy", P), ("first_heat", P), ("first_surface", P),
    ]  # fmt: skip


class Settle(c.Structure):
    """See kernel.hpp."""

    _fields_ = [
        ("clocks", I32), ("step_s", F32), ("wake_k", F32), ("stasis_c", F32), ("clock", P), ("threshold_c", P),
        ("low_c", P), ("moved_k", P), ("wake", P), ("beyond", P),
    ]  # fmt: skip

"""Memory as the tile kernel sees it, as in C: by address. Structs, rows of floats, and what threads share."""

# Types of llvmlite and of numba's compiler are not annotated, and numba's decorators hand out the context by position.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import ctypes
import platform
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import models, register_model

from iceball.thermal.backends._numba_tiles_lanes import (
    BIT,
    BYTE,
    F32,
    F64,
    I32,
    I64,
    WIDTH,
    instruction,
    intrinsic,
    lanes,
    nodes,
    take,
)

AVX512, AVX2 = "llvm.x86.avx512.permvar.sf.512", "llvm.x86.avx2.permps"
HALF = WIDTH // 2


def _place(builder: Any, address: Any, index: Any, element: Any) -> Any:
    """Pointer to ``element`` number ``index`` after ``address``."""
    pointer = builder.inttoptr(address, element.as_pointer())
    return builder.gep(pointer, [index], source_etype=element)


def _column(builder: Any, address: Any, index: Any, element: Any) -> list[Any]:
    """Pointers to one voxel of each row of a tile, the first at ``index`` after ``address``."""
    steps = [ir.Constant(I64, WIDTH * n) for n in range(WIDTH)]
    return [_place(builder, address, builder.add(index, step), element) for step in steps]


def _number(kind: Any, element: Any, widen: str = "") -> Any:
    """Read number ``index`` after ``address``; an integer becomes an int64."""

    @instruction(kind, types.int64, types.int64)
    def read(builder: Any, address: Any, index: Any) -> Any:
        got = builder.load(_place(builder, address, index, element), typ=element)
        return getattr(builder, widen)(got, I64) if widen else got

    return read


def _row(kind: Any, element: Any) -> Any:
    """Read sixteen in a row from ``index`` after ``address`` on; bytes become Nodes."""

    @instruction(kind, types.int64, types.int64)
    def read(builder: Any, address: Any, index: Any) -> Any:
        wide = ir.VectorType(element, WIDTH)
        pointer = builder.bitcast(_place(builder, address, index, element), wide.as_pointer())
        got = builder.load(pointer, align=1 if element is BYTE else 4, typ=wide)
        return builder.zext(got, nodes.llvm) if element is BYTE else got

    return read


def _rows(kind: Any, element: Any) -> Any:
    """Read one voxel of each row of a tile; bytes become Nodes."""

    @instruction(kind, types.int64, types.int64)
    def read(builder: Any, address: Any, index: Any) -> Any:
        got = ir.Constant(ir.VectorType(element, WIDTH), ir.Undefined)
        for n, pointer in enumerate(_column(builder, address, index, element)):
            got = builder.insert_element(got, builder.load(pointer, typ=element), ir.Constant(I32, n))
        return builder.zext(got, nodes.llvm) if element is BYTE else got

    return read


f32, f64, i32 = _number(types.float32, F32), _number(types.float64, F64), _number(types.int64, I32, "sext")
u8, i8, i64 = _number(types.int64, BYTE, "zext"), _number(types.int64, BYTE, "sext"), _number(types.int64, I64)
load, load_bytes, load_column, load_bytes_column = (
    _row(lanes, F32),
    _row(nodes, BYTE),
    _rows(lanes, F32),
    _rows(nodes, BYTE),
)


@intrinsic
def store(_typing: Any, address: Any, index: Any, value: Any):
    """Write a number, or sixteen floats in a row, at ``index`` after ``address``. The value says how wide it is."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        kind = args[2].type
        pointer = _place(builder, args[0], args[1], F32 if value is lanes else kind)
        builder.store(args[2], builder.bitcast(pointer, kind.as_pointer()), align=4 if value is lanes else None)

    return types.void(types.int64, types.int64, value), emit


@instruction(types.void, types.int64, types.int64, lanes)
def store_column(builder: Any, address: Any, index: Any, values: Any) -> None:
    """Write one voxel of each row of a tile."""
    for n, pointer in enumerate(_column(builder, address, index, F32)):
        builder.store(builder.extract_element(values, ir.Constant(I32, n)), pointer)


@njit(error_model="numpy", forceinline=True)
def add_f64(address: Any, index: Any, value: Any) -> None:
    """Add to one double."""
    store(address, index, f64(address, index) + value)


# -- tables ------------------------------------------------------------------------------------------------------------


class _Places(ir.instructions.Instruction):
    """A getelementptr with many indices, which llvmlite cannot write."""

    def __init__(self, parent: Any, pointer: Any, index: Any, element: Any) -> None:
        super().__init__(parent, ir.VectorType(pointer.type, index.type.count), "getelementptr", [pointer, index])
        self.element = element

    def descr(self, buf: list[str]) -> None:
        """Write the instruction."""
        pointer, index = self.operands
        parts = f"{pointer.type} {pointer.get_reference()}, {index.type} {index.get_reference()}"
        buf.append(f"getelementptr {self.element}, {parts}\n")


def _gather(builder: Any, address: Any, index: Any, element: Any) -> Any:
    """As many of ``element`` as there are in ``index``."""
    count = index.type.count
    pointer = builder.inttoptr(address, element.as_pointer())
    places = _Places(builder.block, pointer, index, element)
    builder._insert(places)
    found, every = ir.VectorType(element, count), ir.Constant(ir.VectorType(BIT, count), [1] * count)
    shape = ir.FunctionType(found, [places.type, I32, every.type, found])
    name = f"llvm.masked.gather.v{count}{element.intrinsic_name}.v{count}{pointer.type.intrinsic_name}"
    function = builder.module.declare_intrinsic(name, (), shape)
    return builder.call(function, [places, ir.Constant(I32, 4), every, ir.Constant(found, ir.Undefined)])


@instruction(lanes, types.int64, nodes)
def gather(builder: Any, address: Any, index: Any) -> Any:
    """Sixteen floats from ``index`` (Nodes) after ``address``."""
    return _gather(builder, address, index, F32)


@instruction(types.UniTuple(lanes, 2), types.int64, nodes)
def gather_pairs(builder: Any, address: Any, index: Any) -> Any:
    """Sixteen pairs of floats from pair number ``index`` (Nodes) after ``address``: all the first, all the second."""
    made = ir.Constant(ir.ArrayType(lanes.llvm, 2), ir.Undefined)
    parts = [take(builder, index, index, range(first, first + HALF)) for first in (0, HALF)]
    low, high = (builder.bitcast(_gather(builder, address, part, F64), lanes.llvm) for part in parts)
    for which in (0, 1):
        made = builder.insert_value(made, take(builder, low, high, range(which, 2 * WIDTH, 2)), which)
    return made


def _permuted(builder: Any, name: str, table: Any, index: Any) -> Any:
    function = builder.module.declare_intrinsic(name, (), ir.FunctionType(table.type, [table.type, index.type]))
    return builder.call(function, [table, index])


@intrinsic
def pick(_typing: Any, address: Any, index: Any):
    """Numbers ``index`` (Nodes) of the sixteen floats at ``address``: without a gather where the processor can."""

    def emit(context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        features, places = context.codegen().magic_tuple()[2], args[1]
        table = builder.load(builder.inttoptr(args[0], lanes.llvm.as_pointer()), align=4, typ=lanes.llvm)
        if "+avx512f" in features:
            return _permuted(builder, AVX512, table, places)
        if "+avx2" not in features:
            return _gather(builder, args[0], places, F32)
        found = []  # number n of either half of the table, for either half of the places
        for part in (range(HALF), range(HALF, WIDTH)):
            half = take(builder, table, table, part)
            low, high = (take(builder, places, places, where) for where in (range(HALF), range(HALF, WIDTH)))
            low, high = _permuted(builder, AVX2, half, low), _permuted(builder, AVX2, half, high)
            found.append(take(builder, low, high, range(WIDTH)))
        upper = builder.icmp_signed(">=", places, ir.Constant(nodes.llvm, [HALF] * WIDTH))
        return builder.select(upper, found[1], found[0])

    return lanes(types.int64, nodes), emit


# -- between threads, and how the processor works ----------------------------------------------------------------------


@instruction(types.int64, types.int64, types.int64)
def look_at(builder: Any, address: Any, index: Any) -> Any:
    """Int64 number ``index`` after ``address``, as another thread left it; what that thread did before is seen too."""
    return builder.load_atomic(_place(builder, address, index, I64), "acquire", 8, typ=I64)


@instruction(types.boolean, types.int64, types.int64, types.int64, types.int64)
def swap_if(builder: Any, address: Any, index: Any, expected: Any, value: Any) -> Any:
    """Put ``value`` there if it holds ``expected``; whether it did."""
    pointer = _place(builder, address, index, I64)
    return builder.extract_value(builder.cmpxchg(pointer, expected, value, "acq_rel", "acquire"), 1)


@instruction(types.int64, types.int64, types.int64, types.int64)
def add_to(builder: Any, address: Any, index: Any, value: Any) -> Any:
    """Add ``value`` there in one go, after all that was written before; what it held."""
    return builder.atomic_rmw("add", _place(builder, address, index, I64), value, "acq_rel")


@instruction(types.void, types.int64)
def call(builder: Any, address: Any) -> None:
    """Call the C function without arguments at ``address``."""
    builder.call(builder.inttoptr(address, ir.FunctionType(I32, []).as_pointer()), [])


@instruction(types.void)
def kept_apart(builder: Any) -> None:
    """Keep the function that says so out of those that call it: what is rare would crowd what is not from the cache."""
    builder.function.attributes.add("noinline")


@instruction(types.int32, types.int32, types.int32)
def rounding(builder: Any, keep: Any, add: Any) -> Any:
    """Set how this thread rounds, where that can be set: bits to keep, bits to add. Returns what it was."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return ir.Constant(I32, 0)
    place = builder.alloca(I32)
    shape = ir.FunctionType(ir.VoidType(), [place.type])
    builder.call(builder.module.declare_intrinsic("llvm.x86.sse.stmxcsr", (), shape), [place])
    before = builder.load(place, typ=I32)
    builder.store(builder.or_(builder.and_(before, keep), add), place)
    builder.call(builder.module.declare_intrinsic("llvm.x86.sse.ldmxcsr", (), shape), [place])
    return before


# -- structs -----------------------------------------------------------------------------------------------------------

_KINDS: dict[Any, tuple[Any, Any]] = {
    ctypes.c_int32: (types.int64, I32),
    ctypes.c_int64: (types.int64, I64),
    ctypes.c_float: (types.float32, F32),
    ctypes.c_double: (types.float64, F64),
    ctypes.c_void_p: (types.int64, I64),
}


class Struct(types.Type):
    """A ctypes structure in memory; its own fields do not change while a kernel runs.

    An array in it is its address, an int32 an int64.
    """

    def __init__(self, made_of: type[ctypes.Structure]) -> None:
        self.fields = {field[0]: (getattr(made_of, field[0]).offset, field[1]) for field in made_of._fields_}
        super().__init__(name=f"Struct({made_of.__name__}, {ctypes.sizeof(made_of)})")

    def at(self) -> Any:
        """Make the function that takes an address for this struct."""
        return instruction(self, types.int64)(lambda _builder, address: address)


@register_model(Struct)
class _StructModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Struct) -> None:
        super().__init__(dmm, fe_type, I64)


@infer_getattr
class _StructFields(AttributeTemplate):
    key = Struct

    def generic_resolve(self, typ: Struct, attr: str) -> Any:
        """Type of a field."""
        return _KINDS.get(typ.fields[attr][1], (types.int64, I64))[0]


@lower_getattr_generic(Struct)
def _field(_context: Any, builder: Any, typ: Struct, value: Any, attr: str) -> Any:
    offset, kind = typ.fields[attr]
    address = builder.add(value, ir.Constant(I64, offset))
    if kind not in _KINDS:
        return address
    got = builder.load(builder.inttoptr(address, _KINDS[kind][1].as_pointer()), typ=_KINDS[kind][1])
    got.set_metadata("invariant.load", builder.module.add_metadata([]))
    return builder.sext(got, I64) if kind is ctypes.c_int32 else got

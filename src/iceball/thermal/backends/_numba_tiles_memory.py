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

from iceball.thermal.backends._numba_tiles_lanes import F32, I32, I64, WIDTH, intrinsic, lanes, mask, nodes


def _place(builder: Any, address: Any, index: Any, element: Any) -> Any:
    """Pointer to ``element`` number ``index`` after ``address``."""
    pointer = builder.inttoptr(address, element.as_pointer())
    return builder.gep(pointer, [index], source_etype=element)


def _reads(kind: Any, element: Any, vector: bool) -> Any:
    """Make an intrinsic that reads ``element`` number ``index`` after ``address``, or sixteen from there on."""

    def read(_typing: Any, address: Any, index: Any):
        def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            pointer = _place(builder, args[0], args[1], element)
            if not vector:
                return builder.load(pointer, typ=element)
            wide = ir.VectorType(element, WIDTH)
            got = builder.load(builder.bitcast(pointer, wide.as_pointer()), align=element_bytes, typ=wide)
            return got if kind is lanes else builder.zext(got, nodes.llvm)

        element_bytes = 4 if element is F32 else 1
        return kind(types.int64, types.int64), emit

    return intrinsic(read)


def _writes(kind: Any, element: Any) -> Any:
    """Make an intrinsic that writes ``value`` at ``index`` after ``address``."""

    def write(_typing: Any, address: Any, index: Any, value: Any):
        def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            pointer = _place(builder, args[0], args[1], element)
            if kind is lanes:
                pointer = builder.bitcast(pointer, lanes.llvm.as_pointer())
            builder.store(args[2], pointer, align=4 if kind is lanes else None)

        return types.void(types.int64, types.int64, kind), emit

    return intrinsic(write)


load, load_bytes = _reads(lanes, F32, True), _reads(nodes, ir.IntType(8), True)
f32, f64 = _reads(types.float32, F32, False), _reads(types.float64, ir.DoubleType(), False)
u8, i32, i64 = (_reads(getattr(types, f"{s}int{n}" if s else f"int{n}"), ir.IntType(n), False) for s, n in
                (("u", 8), ("", 32), ("", 64)))  # fmt: skip
store, put_f32, put_f64 = _writes(lanes, F32), _writes(types.float32, F32), _writes(types.float64, ir.DoubleType())
put_u8, put_i32, put_i64 = _writes(types.uint8, ir.IntType(8)), _writes(types.int32, I32), _writes(types.int64, I64)


@njit(error_model="numpy", forceinline=True)
def add_f64(address: Any, index: Any, value: Any) -> None:
    """Add to one double."""
    put_f64(address, index, f64(address, index) + value)


@intrinsic
def load_half(_typing: Any, address: Any, index: Any):
    """Eight floats from ``index`` after ``address``, and eight zeros."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        half = ir.VectorType(F32, WIDTH // 2)
        pointer = builder.bitcast(_place(builder, args[0], args[1], F32), half.as_pointer())
        zeros = ir.Constant(half, [0.0] * (WIDTH // 2))
        order = ir.Constant(ir.VectorType(I32, WIDTH), list(range(WIDTH)))
        return builder.shuffle_vector(builder.load(pointer, align=4, typ=half), zeros, order)

    return lanes(types.int64, types.int64), emit


@intrinsic
def store_half(_typing: Any, address: Any, index: Any, value: Any):
    """Write the first eight of ``value`` at ``index`` after ``address``."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        half = ir.VectorType(F32, WIDTH // 2)
        pointer = builder.bitcast(_place(builder, args[0], args[1], F32), half.as_pointer())
        order = ir.Constant(ir.VectorType(I32, WIDTH // 2), list(range(WIDTH // 2)))
        builder.store(builder.shuffle_vector(args[2], args[2], order), pointer, align=4)

    return types.void(types.int64, types.int64, lanes), emit


class _Places(ir.instructions.Instruction):
    """A getelementptr with sixteen indices, which llvmlite cannot write."""

    def __init__(self, parent: Any, pointer: Any, index: Any) -> None:
        super().__init__(parent, ir.VectorType(pointer.type, WIDTH), "getelementptr", [pointer, index])

    def descr(self, buf: list[str]) -> None:
        """Write the instruction."""
        pointer, index = self.operands
        parts = f"{pointer.type} {pointer.get_reference()}, {index.type} {index.get_reference()}"
        buf.append(f"getelementptr float, {parts}\n")


@intrinsic
def gather(_typing: Any, address: Any, index: Any):
    """Sixteen floats from ``index`` (Nodes) after ``address``."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], F32.as_pointer())
        places = _Places(builder.block, pointer, args[1])
        builder._insert(places)
        every = ir.Constant(mask.llvm, [1] * WIDTH)
        shape = ir.FunctionType(lanes.llvm, [places.type, I32, mask.llvm, lanes.llvm])
        name = f"llvm.masked.gather.v{WIDTH}f32.v{WIDTH}{pointer.type.intrinsic_name}"
        function = builder.module.declare_intrinsic(name, (), shape)
        return builder.call(function, [places, ir.Constant(I32, 4), every, ir.Constant(lanes.llvm, ir.Undefined)])

    return lanes(types.int64, nodes), emit


@intrinsic
def ask_for(_typing: Any, address: Any, index: Any):
    """Ask for float number ``index`` after ``address`` before it is needed."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        pointer = _place(builder, args[0], args[1], F32)
        shape = ir.FunctionType(ir.VoidType(), [pointer.type, I32, I32, I32])
        function = builder.module.declare_intrinsic(f"llvm.prefetch.{pointer.type.intrinsic_name}", (), shape)
        builder.call(function, [pointer, *(ir.Constant(I32, n) for n in (0, 3, 1))])

    return types.void(types.int64, types.int64), emit


# -- between threads ---------------------------------------------------------------------------------------------------


@intrinsic
def look_at(_typing: Any, address: Any, index: Any):
    """Int64 number ``index`` after ``address``, as another thread left it; what that thread did before is seen too."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.load_atomic(_place(builder, args[0], args[1], I64), "acquire", 8, typ=I64)

    return types.int64(types.int64, types.int64), emit


@intrinsic
def swap_if(_typing: Any, address: Any, index: Any, expected: Any, value: Any):
    """Put ``value`` there if it holds ``expected``; whether it did."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        pointer = _place(builder, args[0], args[1], I64)
        return builder.extract_value(builder.cmpxchg(pointer, args[2], args[3], "acq_rel", "acquire"), 1)

    return types.boolean(types.int64, types.int64, types.int64, types.int64), emit


@intrinsic
def add_to(_typing: Any, address: Any, index: Any, value: Any):
    """Add ``value`` there in one go, after all that was written before; what it held."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _place(builder, args[0], args[1], I64), args[2], "acq_rel")

    return types.int64(types.int64, types.int64, types.int64), emit


@intrinsic
def small_is_zero(_typing: Any):
    """Let this thread take numbers too small to matter for zero, where the processor can; what was set before."""

    def emit(_context: Any, builder: Any, _sig: Any, _args: Any) -> Any:
        if not _x86():
            return ir.Constant(I32, 0)
        before = _control(builder, "stmxcsr", None)
        _control(builder, "ldmxcsr", builder.or_(before, ir.Constant(I32, 0x8040)))
        return before

    return types.int32(), emit


@intrinsic
def as_before(_typing: Any, before: Any):
    """Undo ``small_is_zero``."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        if _x86():
            _control(builder, "ldmxcsr", args[0])

    return types.void(types.int32), emit


def _x86() -> bool:
    return platform.machine().lower() in {"x86_64", "amd64"}


def _control(builder: Any, name: str, value: Any) -> Any:
    """Read or write the register that says how SSE computes."""
    place = builder.alloca(I32)
    if value is not None:
        builder.store(value, place)
    shape = ir.FunctionType(ir.VoidType(), [place.type])
    builder.call(builder.module.declare_intrinsic(f"llvm.x86.sse.{name}", (), shape), [place])
    return builder.load(place, typ=I32) if value is None else None


@intrinsic
def call(_typing: Any, address: Any):
    """Call the C function without arguments at ``address``."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        shape = ir.FunctionType(I32, [])
        builder.call(builder.inttoptr(args[0], shape.as_pointer()), [])

    return types.void(types.int64), emit


# -- structs -----------------------------------------------------------------------------------------------------------

_KINDS: dict[Any, tuple[Any, Any]] = {
    ctypes.c_int32: (types.int32, I32),
    ctypes.c_int64: (types.int64, I64),
    ctypes.c_float: (types.float32, F32),
    ctypes.c_double: (types.float64, ir.DoubleType()),
    ctypes.c_void_p: (types.int64, I64),
}


class Struct(types.Type):
    """A ctypes structure in memory; its own fields do not change while a kernel runs. An array in it is its address."""

    def __init__(self, made_of: type[ctypes.Structure]) -> None:
        self.fields = {field[0]: (getattr(made_of, field[0]).offset, field[1]) for field in made_of._fields_}
        super().__init__(name=f"Struct({made_of.__name__}, {ctypes.sizeof(made_of)})")

    def at(self) -> Any:
        """Make the function that takes an address for this struct."""

        def cast(_typing: Any, address: Any):
            return self(types.int64), lambda _context, _builder, _sig, args: args[0]

        return intrinsic(cast)


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
    return got

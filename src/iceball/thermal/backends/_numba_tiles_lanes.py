"""Sixteen voxels at once, for kernels in numba: rows of floats as one LLVM vector.

Numba leaves it to LLVM to find out which loops are vectors; with the arrays of the engine, which may overlap for all it
knows, LLVM often does not. These types say so outright: ``Lanes`` (16 floats), ``Nodes`` (16 int32) and ``Mask`` (16
bits). Comparisons give a Mask and ``choose`` picks by it.
"""

# Types of llvmlite and of numba's compiler are not annotated, and numba's decorators hand out the context by position.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import models, register_model

intrinsic: Any = extending.intrinsic  # takes the first argument away, which no type checker sees
WIDTH = 16
CONTRACT = ("contract",)  # a product and a sum may become one operation; nothing is assumed of NaN or infinity
F32, I32, I64, BIT = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.IntType(1)


class _Vector(types.Type):
    def __init__(self, name: str, element: Any) -> None:
        self.element = element
        self.llvm = ir.VectorType(element, WIDTH)
        super().__init__(name=name)


lanes, nodes, mask = _Vector("Lanes", F32), _Vector("Nodes", I32), _Vector("Mask", BIT)


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: _Vector) -> None:
        super().__init__(dmm, fe_type, fe_type.llvm)


def _splat(builder: Any, value: Any) -> Any:
    vector = ir.VectorType(value.type, WIDTH)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(I32, 0))
    order = ir.Constant(ir.VectorType(I32, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(one, one, order)


def _both(builder: Any, args: Any) -> list[Any]:
    """The operands as vectors: a number stands for sixteen of it."""
    return [a if isinstance(a.type, ir.VectorType) else _splat(builder, a) for a in args]


def _operator(function: Any, emit: Any, cases: list[tuple[Any, Any, Any]]) -> None:
    """Teach numba ``function`` for ``cases`` of (result, left, right)."""
    rule: Any = infer_global(function)
    rule(type("_Rule", (ConcreteTemplate,), {"cases": [signature(*case) for case in cases]}))
    for _, left, right in cases:
        lower_builtin(function, left, right)(lambda c, b, sig, args, emit=emit: emit(b, *_both(b, args)))


def _pairs(result: Any, vector: Any, number: Any) -> list[tuple[Any, Any, Any]]:
    return [(result, vector, vector), (result, vector, number), (result, number, vector)]


_floats, _integers = _pairs(lanes, lanes, types.float32), _pairs(nodes, nodes, types.int32)
_operator(operator.truediv, lambda b, x, y: b.fdiv(x, y, flags=CONTRACT), _floats)
for _function, _float, _integer in (
    (operator.add, "fadd", "add"), (operator.sub, "fsub", "sub"), (operator.mul, "fmul", "mul")
):  # fmt: skip
    _operator(
        _function,
        lambda b, x, y, f=_float, n=_integer: (
            getattr(b, f)(x, y, flags=CONTRACT) if x.type.element == F32 else getattr(b, n)(x, y)
        ),
        _floats + _integers,
    )
for _function, _sign in ((operator.lt, "<"), (operator.ge, ">="), (operator.gt, ">"), (operator.eq, "==")):
    _operator(
        _function,
        lambda b, x, y, sign=_sign: b.fcmp_ordered(sign, x, y) if x.type.element == F32 else b.icmp_signed(sign, x, y),
        _pairs(mask, lanes, types.float32) + _pairs(mask, nodes, types.int32),
    )
_operator(operator.and_, lambda b, x, y: b.and_(x, y), [*_integers, (mask, mask, mask)])
_operator(operator.or_, lambda b, x, y: b.or_(x, y), [(mask, mask, mask)])


@intrinsic
def full(_typing: Any, value: Any):
    """Sixteen times one number: Lanes of a float, Nodes of an int. What is sixteen already stays as it is."""
    if isinstance(value, _Vector):
        return value(value), lambda _context, _builder, _sig, args: args[0]
    kind = nodes if isinstance(value, types.Integer) else lanes
    inner = types.int32 if kind is nodes else types.float32

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, context.cast(builder, args[0], sig.args[0], inner))

    return kind(value), emit


@intrinsic
def choose(_typing: Any, where: Any, yes: Any, no: Any):
    """``yes`` where the mask is set, ``no`` elsewhere."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.select(args[0], *_both(builder, args[1:]))

    return (yes if isinstance(yes, _Vector) else no)(where, yes, no), emit


@intrinsic
def opposite(_typing: Any, where: Any):
    """The mask turned over."""
    return mask(mask), lambda _context, builder, _sig, args: builder.not_(args[0])


@intrinsic
def bits(_typing: Any, where: Any):
    """The mask as an integer, lane 0 the lowest bit; zero where nothing is set."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(WIDTH)), I32)

    return types.uint32(mask), emit


@intrinsic
def first_of(_typing: Any, set_bits: Any, values: Any):
    """The value in the lowest lane that is set in ``set_bits``, which is not zero."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.extract_element(args[1], builder.cttz(args[0], ir.Constant(BIT, 1)))

    return types.int32(types.uint32, nodes), emit


@intrinsic
def whole(_typing: Any, values: Any):
    """Lanes cut to Nodes. They must fit: clamp first."""
    return nodes(lanes), lambda _context, builder, _sig, args: builder.fptosi(args[0], nodes.llvm)


@intrinsic
def as_lanes(_typing: Any, values: Any):
    """Nodes as Lanes."""
    return lanes(nodes), lambda _context, builder, _sig, args: builder.sitofp(args[0], lanes.llvm)


def _reduce(name: str, begins_with: float | None = None) -> Any:
    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        before = [] if begins_with is None else [ir.Constant(F32, begins_with)]
        function = ir.FunctionType(F32, [F32] * len(before) + [lanes.llvm])
        found = builder.module.declare_intrinsic(f"llvm.vector.reduce.{name}.v{WIDTH}f32", (), function)
        return builder.call(found, [*before, args[0]], fastmath=("reassoc",))

    return emit


@intrinsic
def total(_typing: Any, values: Any):
    """Sum of sixteen floats, added in pairs."""
    return types.float32(lanes), _reduce("fadd", -0.0)


@intrinsic
def least(_typing: Any, values: Any):
    """Smallest of sixteen floats; a NaN is passed over."""
    return types.float32(lanes), _reduce("fmin")


@intrinsic
def most(_typing: Any, values: Any):
    """Largest of sixteen floats; a NaN is passed over."""
    return types.float32(lanes), _reduce("fmax")

"""Sixteen voxels at once, for kernels in numba: rows of floats as one LLVM vector.

Numba leaves it to LLVM to find out which loops are vectors; with the arrays of the engine, which may overlap for all it
knows, LLVM often does not. These types say so outright: ``Lanes`` (16 floats), ``Nodes`` (16 int32) and ``Mask`` (16
bits). Comparisons give a Mask and ``choose`` picks by it.
"""

# Types of llvmlite and of numba's compiler are not annotated, and numba's decorators hand out the context by position.
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import inspect
import operator
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import extending, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import models, register_model

if TYPE_CHECKING:
    from collections.abc import Callable

intrinsic: Any = extending.intrinsic  # takes the first argument away, which no type checker sees
POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
WIDTH = 16
CONTRACT = ("contract",)  # a product and a sum may become one operation; nothing is assumed of NaN or infinity
F32, F64, BYTE, I32, I64, BIT = ir.FloatType(), ir.DoubleType(), *(ir.IntType(n) for n in (8, 32, 64, 1))


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


def instruction(result: Any, *kinds: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make what kernels can call of a function that takes LLVM's builder and operands of ``kinds``."""

    def made(emit: Callable[..., Any]) -> Any:
        def typed(_typing: Any, *_given: Any):
            return result(*kinds), lambda _context, builder, _sig, args: emit(builder, *args)

        typed.__name__, typed.__doc__ = emit.__name__, emit.__doc__
        names = ["_typing", *(f"operand{n}" for n in range(len(kinds)))]
        # numba reads the signature; no type checker knows that a function has one: hence setattr
        setattr(typed, "__signature__", inspect.Signature([inspect.Parameter(n, POSITIONAL) for n in names]))  # noqa: B010
        return intrinsic(typed)

    return made


def take(builder: Any, one: Any, other: Any, order: Any) -> Any:
    """Elements of two vectors end to end."""
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(I32, len(order)), list(order)))


def _splat(builder: Any, value: Any) -> Any:
    vector = ir.VectorType(value.type, WIDTH)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(I32, 0))
    return take(builder, one, one, [0] * WIDTH)


def _both(builder: Any, args: Any) -> list[Any]:
    """The operands as vectors: a number stands for sixteen of it; a double is cut to a float."""
    single = [builder.fptrunc(a, F32) if a.type == F64 else a for a in args]
    return [a if isinstance(a.type, ir.VectorType) else _splat(builder, a) for a in single]


def _operator(function: Any, emit: Any, cases: list[tuple[Any, Any, Any]]) -> None:
    """Teach numba ``function`` for ``cases`` of (result, left, right)."""
    rule: Any = infer_global(function)
    rule(type("_Rule", (ConcreteTemplate,), {"cases": [signature(*case) for case in cases]}))
    for _, left, right in cases:
        lower_builtin(function, left, right)(lambda c, b, sig, args, emit=emit: emit(b, *_both(b, args)))


def _pairs(result: Any, vector: Any, *numbers: Any) -> list[tuple[Any, Any, Any]]:
    mixed = [pair for n in numbers for pair in ((result, vector, n), (result, n, vector))]
    return [(result, vector, vector), *mixed]


_reals = (types.float32, types.float64)
_floats, _integers, _compared = (
    _pairs(lanes, lanes, *_reals),
    _pairs(nodes, nodes, types.int32),
    _pairs(mask, lanes, *_reals),
)
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
_signs = {"lt": "<", "le": "<=", "ge": ">=", "gt": ">", "eq": "=="}
for _name, _sign in _signs.items():
    _operator(getattr(operator, _name), lambda b, x, y, sign=_sign: b.fcmp_ordered(sign, x, y), _compared)
_operator(operator.gt, lambda b, x, y: b.icmp_signed(">", x, y), _pairs(mask, nodes, types.int32))
_operator(operator.truediv, lambda b, x, y: b.fdiv(x, y, flags=CONTRACT), _floats)
_operator(operator.and_, lambda b, x, y: b.and_(x, y), [*_integers, (mask, mask, mask)])


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


@instruction(types.uint32, mask)
def bits(builder: Any, where: Any) -> Any:
    """The mask as an integer, lane 0 the lowest bit; zero where nothing is set."""
    return builder.zext(builder.bitcast(where, ir.IntType(WIDTH)), I32)


@instruction(nodes, lanes)
def whole(builder: Any, values: Any) -> Any:
    """Lanes cut to Nodes. They must fit: clamp first."""
    return builder.fptosi(values, nodes.llvm)


@instruction(lanes, nodes)
def as_lanes(builder: Any, values: Any) -> Any:
    """Nodes as Lanes."""
    return builder.sitofp(values, lanes.llvm)


@instruction(lanes, lanes, lanes)
def shift_up(builder: Any, before: Any, row: Any) -> Any:
    """What lies before each voxel of a row."""
    return take(builder, before, row, range(WIDTH - 1, 2 * WIDTH - 1))


@instruction(lanes, lanes, lanes)
def shift_down(builder: Any, row: Any, after: Any) -> Any:
    """What lies after each voxel of a row."""
    return take(builder, row, after, range(1, WIDTH + 1))


@instruction(lanes, lanes)
def slope_along(builder: Any, row: Any) -> Any:
    """How much each voxel of a row differs from the next; the last one from the one before it."""
    ahead, behind = [*range(1, WIDTH), WIDTH - 1], [*range(WIDTH - 1), WIDTH - 2]
    return builder.fsub(take(builder, row, row, ahead), take(builder, row, row, behind))


def _reduced(builder: Any, name: str, *operands: Any) -> Any:
    shape = ir.FunctionType(F32, [operand.type for operand in operands])
    found = builder.module.declare_intrinsic(f"llvm.vector.reduce.{name}.v{WIDTH}f32", (), shape)
    return builder.call(found, operands, fastmath=("reassoc",))


@instruction(types.float32, lanes)
def total(builder: Any, values: Any) -> Any:
    """Sum of sixteen floats, added in pairs."""
    return _reduced(builder, "fadd", ir.Constant(F32, -0.0), values)


@instruction(types.float32, lanes)
def least(builder: Any, values: Any) -> Any:
    """Smallest of sixteen floats; a NaN is passed over."""
    return _reduced(builder, "fmin", values)


@instruction(types.float32, lanes)
def most(builder: Any, values: Any) -> Any:
    """Largest of sixteen floats; a NaN is passed over."""
    return _reduced(builder, "fmax", values)

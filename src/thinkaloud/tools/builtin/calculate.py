"""The tool that evaluates arithmetic expressions.

The expression is parsed to a tree, which is then evaluated; nothing is compiled or executed.
Length, depth and the size of integers are bounded, so no expression takes noticeable time.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Final

from thinkaloud.errors import ToolError
from thinkaloud.ports.tool import Tool
from thinkaloud.tools.function import function_tool

Number = int | float

MAX_LENGTH: Final = 500
"""Maximum length of an expression, in characters."""
MAX_DEPTH: Final = 50
"""Maximum nesting depth of operations and calls."""
MAX_BITS: Final = 4096
"""Maximum bits of any intermediate integer: about 1,200 digits."""

_WRITTEN: Final = re.compile(r"[0-9A-Za-z_ \t.,()+\-*/%]*")
_MOST_DECIMALS: Final = 300
_LARGEST_FACTORIAL: Final = 500


def _divide(dividend: Number, divisor: Number) -> Number:
    return dividend / divisor


def _floor_divide(dividend: Number, divisor: Number) -> Number:
    return dividend // divisor


def _absolute(value: Number) -> Number:
    return abs(value)


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        bits = 0 if abs(base) < 2 else base.bit_length() * exponent
        if bits > 2 * MAX_BITS:
            raise ToolError(f"The power has more than {MAX_BITS} bits; use floats, e.g. 2.0**5000.")
    result: object = base**exponent
    if isinstance(result, int | float):
        return result
    raise ToolError("The power is a complex number; only real numbers are supported.")


def _round(value: Number, decimals: Number = 0) -> Number:
    if not isinstance(decimals, int) or abs(decimals) > _MOST_DECIMALS:
        raise ToolError(f"round takes a whole number of decimals up to {_MOST_DECIMALS}.")
    return round(value, decimals) if decimals else round(value)


def _factorial(value: Number) -> int:
    if not isinstance(value, int) or not 0 <= value <= _LARGEST_FACTORIAL:
        raise ToolError(f"factorial takes a whole number from 0 to {_LARGEST_FACTORIAL}.")
    return math.factorial(value)


_BINARY: Final[dict[type[ast.operator], Callable[[Number, Number], Number]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.FloorDiv: _floor_divide,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[Number], Number]]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_CONSTANTS: Final = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: Final[dict[str, Callable[..., Number]]] = {
    "abs": _absolute,
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "atan2": math.atan2,
    "cbrt": math.cbrt,
    "ceil": math.ceil,
    "cos": math.cos,
    "cosh": math.cosh,
    "degrees": math.degrees,
    "exp": math.exp,
    "factorial": _factorial,
    "float": float,
    "floor": math.floor,
    "gcd": math.gcd,
    "hypot": math.hypot,
    "int": int,
    "lcm": math.lcm,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "pow": _power,
    "radians": math.radians,
    "round": _round,
    "sin": math.sin,
    "sinh": math.sinh,
    "sqrt": math.sqrt,
    "tan": math.tan,
    "tanh": math.tanh,
    "trunc": int,
}


def calculate(expression: str) -> str:
    """Work out an arithmetic expression and return the number.

    Known are + - * / // % ** and parentheses; the functions abs, acos, asin, atan, atan2, cbrt,
    ceil, cos, cosh, degrees, exp, factorial, float, floor, gcd, hypot, int, lcm, log, log10,
    log2, max, min, pow, radians, round, sin, sinh, sqrt, tan, tanh, trunc (angles in radians);
    and the constants pi, e and tau.

    Args:
        expression: For example "2 * (3 + 4) ** 2" or "sqrt(2) / 3".
    """
    try:
        result = _value(_parsed(expression), MAX_DEPTH)
    except ZeroDivisionError as error:
        raise ToolError("Division by zero.") from error
    except OverflowError as error:
        raise ToolError("A number in the expression is too large.") from error
    except ValueError as error:
        raise ToolError(f"A function is not defined for its argument: {error}.") from error
    return str(result)


def calculate_tool() -> Tool:
    """Return the tool `calculate`."""
    return function_tool(calculate)


def _parsed(expression: str) -> ast.expr:
    if len(expression) > MAX_LENGTH:
        raise ToolError(f"The expression is longer than {MAX_LENGTH} characters.")
    text = expression.strip()
    if not _WRITTEN.fullmatch(text):
        odd = next(each for each in text if not _WRITTEN.fullmatch(each))
        hint = " For powers, use **." if odd == "^" else ""
        raise ToolError(f"{odd!r} is not allowed in an expression.{hint}")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ToolError("This is not an arithmetic expression such as 2 * (3 + 4) ** 2.") from error


def _value(node: ast.expr, depth: int) -> Number:
    if depth == 0:
        raise ToolError(f"The expression is nested deeper than {MAX_DEPTH} levels.")
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _checked(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand, depth - 1))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            apply = _BINARY[type(op)]
            return _checked(apply(_value(left, depth - 1), _value(right, depth - 1)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _call(name, [_value(each, depth - 1) for each in args])
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            known = ", ".join([*_CONSTANTS, *_FUNCTIONS])
            raise ToolError(f"{name!r} is unknown or used incorrectly. Available: {known}.")
        case _:
            raise ToolError(
                "Only numbers, + - * / // % **, parentheses and functions are supported."
            )


def _call(name: str, arguments: list[Number]) -> Number:
    try:
        if name in {"max", "min"} and len(arguments) == 1:
            return arguments[0]
        return _checked(_FUNCTIONS[name](*arguments))
    except TypeError as error:
        raise ToolError(f"{name} does not take these arguments: {error}.") from error


def _checked(number: Number) -> Number:
    if isinstance(number, int):
        if number.bit_length() > MAX_BITS:
            raise ToolError(f"A number in the expression has more than {MAX_BITS} bits.")
    elif not math.isfinite(number):
        raise ToolError("A number in the expression is too large.")
    return number

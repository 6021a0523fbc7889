import math

import pytest

from thinkaloud.errors import ToolError
from thinkaloud.tools import builtin_tools


async def calculate(expression: object) -> str:
    (tool,) = (
        each
        for each in builtin_tools(None, lambda: 0.0, fetch=False)
        if each.schema.name == "calculate"
    )
    return await tool.call({"expression": expression})


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("7 / 2", "3.5"),
        ("7 // 2", "3"),
        ("-7 % 3", "2"),
        ("2 ** 10", "1024"),
        ("2 ** -1", "0.5"),
        ("2 ** 3 ** 2", "512"),
        ("-2 ** 2", "-4"),
        ("+(-3)", "-3"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("1_000_000 * 1e3", "1000000000.0"),
        ("0xff + 0b11", "258"),
        ("sqrt(2)", str(math.sqrt(2))),
        ("round(pi, 2)", "3.14"),
        ("round(1234, -2)", "1200"),
        ("round(2.6)", "3"),
        ("max(1, 2, 3) - min(4)", "-1"),
        ("factorial(20) // factorial(18)", "380"),
        ("factorial(500) // factorial(499)", "500"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("log(e) + log10(100) + log2(8) + log(9, 3)", "8.0"),
        ("sin(0) + cos(0) + atan2(0, 1)", "1.0"),
        ("int(7.9) + floor(-0.5) + ceil(0.5) + trunc(-1.5)", "6"),
        ("float(1)", "1.0"),
        ("abs(-5) + hypot(3, 4)", "10.0"),
        ("degrees(tau)", "360.0"),
        ("pow(2, 0.5)", str(2**0.5)),
        ("0 ** 10 ** 3", "0"),
        ("  2+2\t", "4"),
        ("2**4095 - 2**4095 + 1", "1"),
        ("(" * 40 + "1" + ")" * 40, "1"),
    ],
)
async def test_arithmetic_is_evaluated(expression: str, result: str) -> None:
    assert await calculate(expression) == result


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", "not an arithmetic expression"),
        ("1 +", "not an arithmetic expression"),
        ("2 3", "not an arithmetic expression"),
        ("1, 2", "Only numbers"),
        ("*1", "not an arithmetic expression"),
        ("1 if 1 else 2", "Only numbers"),
        ("not 1", "Only numbers"),
        ("1 and 2", "Only numbers"),
        ("True + 1", "Only numbers"),
        ("None", "Only numbers"),
        ("1j * 1j", "Only numbers"),
        ("x + 1", "'x' is unknown"),
        ("sqrt", "'sqrt' is unknown"),
        ("pi(2)", "'pi' is unknown"),
        ("eval(1)", "'eval' is unknown"),
        ("(1).real", "Only numbers"),
        ("math.pi", "Only numbers"),
        ("sqrt(2)(3)", "Only numbers"),
        ("max(*(1, 2))", "Only numbers"),
        ("lambda x", "not an arithmetic expression"),
        ("2 ^ 3", "For powers, use **"),
        ("__import__('os').system('true')", "is not allowed"),
        ("[1][0]", "is not allowed"),
        ("(x := 3)", "is not allowed"),
        ("max(1, key=2)", "is not allowed"),
        ("1\0", "is not allowed"),
        ("1\n+1", "is not allowed"),
        ("２ + 2", "is not allowed"),
        ("\ud800", "is not allowed"),
        ("1 / 0", "by zero"),
        ("1 // 0", "by zero"),
        ("1 % 0", "by zero"),
        ("0 ** -1", "by zero"),
        ("sqrt(-1)", "not defined"),
        ("log(0)", "not defined"),
        ("(-8) ** (1 / 3)", "complex"),
        ("sqrt(1, 2)", "does not take"),
        ("max()", "does not take"),
        ("gcd(1.5, 2)", "does not take"),
        ("round(1, 0.5)", "whole number"),
        ("round(1, -1000000000)", "whole number"),
        ("factorial(501)", "from 0 to 500"),
        ("factorial(-1)", "from 0 to 500"),
        ("factorial(1.5)", "from 0 to 500"),
        ("9 ** 9 ** 9 ** 9", "4096 bits"),
        ("2 ** 100000", "4096 bits"),
        ("(-2) ** 100000", "4096 bits"),
        ("pow(10, 1000000000)", "4096 bits"),
        ("2 ** 4000 * 2 ** 4000", "4096 bits"),
        ("2 ** 4096", "4096 bits"),
        ("lcm(2 ** 4000, 3 ** 2000)", "4096 bits"),
        ("1e308 * 10", "too large"),
        ("1e999", "too large"),
        ("10.0 ** 400", "too large"),
        ("exp(1000)", "too large"),
        ("2 ** 4000 / 3", "too large"),
        ("int(1e999)", "too large"),
        ("1" * 501, "longer than 500"),
        ("-" * 499 + "1", "nested deeper than 50"),
        ("+".join(["1"] * 200), "nested deeper than 50"),
        ("abs(" * 60 + "1" + ")" * 60, "nested deeper than 50"),
        ("(" * 250 + "1" + ")" * 249, "not an arithmetic expression"),
        ("(" * 249 + "1" + ")" * 249, "not an arithmetic expression"),
        (3, "'expression'"),
        (None, "'expression'"),
    ],
)
async def test_everything_else_is_refused_with_the_reason(
    expression: object, expected: str
) -> None:
    with pytest.raises(ToolError) as caught:
        await calculate(expression)
    assert expected in caught.value.message
    assert len(caught.value.message) < 500

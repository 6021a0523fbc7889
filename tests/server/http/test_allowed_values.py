"""The allowed values of a type, at any depth."""

import enum
from typing import Annotated, Literal

import msgspec
import pytest

from thinkaloud.server.http.allowed_values import allowed_at


class Size(enum.Enum):
    """Two sizes."""

    SMALL = "s"
    LARGE = "l"


class Inner(msgspec.Struct, rename="camel"):
    """A value in another."""

    how_far: Literal["near", "far"] | Literal[1, 2] | None = None


class Outer(msgspec.Struct):
    """A value of values."""

    name: str
    size: Annotated[Size, msgspec.Meta(description="How large.")]
    inner: list[Inner]
    named: dict[str, tuple[Literal["a"], ...]]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("size", ("s", "l")),
        ("inner[0].howFar", ("near", "far", "1", "2")),
        ("named[...][3]", ("a",)),
        ("name", ()),
        ("nowhere", ()),
        ("name.deeper", ()),
        ("inner", ()),
        ("", ()),
    ],
)
def test_the_values_are_found_by_the_path_of_a_refusal(path: str, values: tuple[str, ...]) -> None:
    assert sorted(allowed_at(Outer, path)) == sorted(values)

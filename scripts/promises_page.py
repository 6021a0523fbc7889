"""The reference page of the promises, from the manifest that the tests are held against."""

from tests.promises import PROMISES

_INTRODUCTION = """\
# Promises

<!-- Generated from tests/promises.py by `make generate`. -->

What you can rely on. Each *kept* promise has tests that are marked with its id, and a check fails if there are none; a
*planned* promise is a goal that is not fully tested yet. To find the tests of a promise, run
`grep -rn 'promise(.*"P2"' tests`.

| | promise | state |
|---|---|---|
"""


def render() -> str:
    """Return the text of docs/reference/promises.md."""
    rows = (
        f"| {name} | {promise.sentence} | {'kept' if promise.due else 'planned'} |\n"
        for name, promise in PROMISES.items()
    )
    return _INTRODUCTION + "".join(rows)

"""The reference page of the promises, from the manifest that the tests are held against."""

from tests.promises import PROMISES

_INTRODUCTION = """\
# Promises

<!-- Generated from tests/promises.py by `make generate`. -->

What you may rely on. Each promise that is *kept* has tests that carry its name, and a check fails when the last of
them goes; a promise that is *planned* is what we are building towards, and is not tested as a whole yet.
To see the tests of one: `grep -rn 'promise(.*"P2"' tests`.

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

"""Write the generated files, or with `--check` say which of them differ from their source.

A generator is a function without arguments that returns the whole text of its file. Each has its line in `GENERATORS`.
"""

import argparse
import difflib
import sys
from collections.abc import Callable
from functools import partial

from benchmarks.report import page, plot
from scripts import (
    configuration_page,
    event_schema,
    events_page,
    golden_sessions,
    promises_page,
    providers_page,
    python_page,
)
from scripts.tree import ROOT
from tests.clients import table

GENERATORS: dict[str, Callable[[], str]] = {
    "docs/pictures/speed.svg": plot.plot,
    "docs/reference/configuration.md": configuration_page.render,
    "docs/reference/events.md": events_page.render,
    "docs/reference/promises.md": promises_page.render,
    "docs/reference/protocols/clients.md": table.render,
    "docs/reference/providers.md": providers_page.render,
    "docs/reference/python-api.md": python_page.render,
    "docs/reference/speed.md": page.page,
    "schema/events.schema.json": event_schema.json_schema,
    "webui/src/events/types.gen.ts": event_schema.typescript,
    **{
        f"tests/sessions/{name}.jsonl": partial(golden_sessions.log, name)
        for name in golden_sessions.NAMES
    },
    **{
        f"tests/sessions/{name}.json": partial(golden_sessions.view, name)
        for name in golden_sessions.NAMES
    },
}
"""Path of each generated file, relative to the root, and what writes its text."""


def main() -> int:
    """Write every file that differs; with `--check` print the differences instead and return 1."""
    parser = argparse.ArgumentParser(description="Update the generated files.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check = bool(parser.parse_args().check)
    stale = False
    for name, render in GENERATORS.items():
        path = ROOT / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = render()
        if old == new:
            continue
        stale = True
        if check:
            lines = difflib.unified_diff(
                old.splitlines(), new.splitlines(), name, "generated", "", "", 1, ""
            )
            print("\n".join(lines))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(new, encoding="utf-8")
            print(f"wrote {name}")
    if check and stale:
        print("Generated files are out of date: run `make generate`.")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

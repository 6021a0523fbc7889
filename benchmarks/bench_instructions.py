"""Where a token's Python instructions are executed, next to decode-and-frame: by part of the program."""

import asyncio
import collections
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.speed.instructions import WIRES, ServedInThread, Setting, open_setting, started_run

TOKENS: Final = 60
WINDOWS: Final = 3
PARTS: Final = (
    ("thinkaloud/providers/", "provider: connection and decoder"),
    ("thinkaloud/core/parsers/", "provider: connection and decoder"),
    ("thinkaloud/core/", "turn machine, coalescing"),
    ("thinkaloud/events/", "fold"),
    ("thinkaloud/runtime/log/", "log"),
    ("thinkaloud/runtime/", "run and its stream"),
    ("thinkaloud/server/", "frames, streams, sockets"),
    ("thinkaloud/", "thinkaloud, other"),
    ("benchmarks/", "the floor's own code"),
    ("/aiohttp/", "aiohttp"),
    ("/uvicorn/", "uvicorn"),
    ("/websockets/", "websockets"),
    ("/asyncio/", "asyncio"),
    ("", "everything else"),
)
"""By a part of a file's path; the first that fits counts."""


def part(file: str) -> str:
    """Return the name of the part that a file belongs to."""
    return next(name for fragment, name in PARTS if fragment in file)


async def per_token(setting: Setting, served: ServedInThread, wire: str) -> dict[str, float]:
    """Return the instructions per token, by part; of the window with the least."""
    run = await started_run(setting, served, wire)
    await run.exchange(TOKENS)
    windows = [await served.counted_by_file(lambda: run.exchange(TOKENS)) for _ in range(WINDOWS)]
    await run.end()
    by_part: collections.Counter[str] = collections.Counter()
    for file, count in min(windows, key=lambda window: sum(window.values())).items():
        by_part[part(file)] += count
    return {name: count / TOKENS for name, count in by_part.items()}


async def main() -> None:
    """Count and print."""
    columns: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with open_setting(Path(folder)) as setting:
            for name, served in (("floor", setting.floor), ("thinkaloud", setting.ours)):
                for wire in WIRES:
                    columns[f"{name}, {wire}"] = await per_token(setting, served, wire)
    print("Python instructions per token")
    print(f"  {'':36}" + "".join(f"{name:>24}" for name in columns))
    for name in dict.fromkeys(name for _, name in PARTS):
        counts = [column.get(name, 0.0) for column in columns.values()]
        if any(counts):
            print(f"  {name:36}" + "".join(f"{count:24,.0f}" for count in counts))
    totals = [sum(column.values()) for column in columns.values()]
    print(f"  {'all':36}" + "".join(f"{count:24,.0f}" for count in totals))


if __name__ == "__main__":
    asyncio.run(main())

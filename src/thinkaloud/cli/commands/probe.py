"""`thinkaloud models --probe`: test a host and a model."""

import difflib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from thinkaloud.agent import Agent
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.options import ModelsOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line, sanitize
from thinkaloud.errors import NotFound
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.demo import DEMO_MODEL_ID
from thinkaloud.providers.probe import ModelProbe, ProbeResult, probe

_SEEN = {
    "text": "shows its reasoning as text",
    "summary": "shows a summary of its reasoning",
    "count": "hides its reasoning; only the tokens are counted",
    "nothing": "returned no reasoning",
}
_LISTED = 20


def run(options: ModelsOptions, asked: str) -> ExitCode:
    """Test a host and print the result. Returns `PROVIDER` if it does not work.

    Raises `NotFound` if there is no such host.
    """
    host, _, model = asked.partition("/")
    # Use the demo model, because the default model may be broken.
    with LoopThread(Agent(DEMO_MODEL_ID, config=options.config)) as loop:
        models = loop.resource.runtime.models
        if host not in models.hosts:
            near = difflib.get_close_matches(host, models.hosts)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise NotFound(f"Unknown host {host!r}.{hint} `thinkaloud doctor` lists all hosts.")
        result = loop.wait(probe(models, host, model or None, clock=SystemClock()))
    if options.json:
        sys.stdout.write(json_document(result))
    else:
        console = Console(highlight=False)
        for line in _lines(result):
            console.print(Text(sanitize(line)), soft_wrap=True)
    problem = result.problem or (result.model.problem if result.model else None)
    return ExitCode.OK if problem is None else ExitCode.PROVIDER


def _lines(result: ProbeResult) -> Iterator[str]:
    reached = "reachable" if result.reachable else "unreachable"
    yield f"{result.host}: {reached}; key {result.key.replace('_', ' ')}"
    if result.models:
        shown = ", ".join(one_line(name, 100) for name in result.models[:_LISTED])
        more = f" and {len(result.models) - _LISTED} more" if len(result.models) > _LISTED else ""
        yield f"models: {shown}{more}"
    if result.model is not None:
        yield from _model(result.model)
    if result.problem is not None:
        yield f"problem: {result.problem}"


def _model(found: ModelProbe) -> Iterator[str]:
    tokens = f" ({found.reasoning_tokens:,} tokens)" if found.reasoning_tokens else ""
    yield f"{found.model}: {_SEEN[found.reasoning]}{tokens}"
    times = [
        f"{name} after {value:,} ms"
        for name, value in (
            ("first reasoning", found.time_to_first_reasoning_ms),
            ("first answer", found.time_to_first_answer_ms),
            ("total", found.total_ms),
        )
        if value is not None
    ]
    yield f"{', '.join(times)}"
    if found.problem is not None:
        yield f"problem: {found.problem}"

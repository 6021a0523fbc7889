"""`thinkaloud models`: list the available models."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from thinkaloud.agent import Agent
from thinkaloud.cli.commands import probe
from thinkaloud.cli.commands.one_shot import DEMO_NOTICE, print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.options import ModelsOptions
from thinkaloud.cli.ui.sanitize import json_document, one_line
from thinkaloud.ports.model import ModelInfo
from thinkaloud.server.schema.responses import model_view


def run(options: ModelsOptions) -> ExitCode:
    """Print the models, or the result of testing a host. Raises `ThinkaloudError`."""
    if options.probe is not None:
        return probe.run(options, options.probe)
    with LoopThread(Agent(config=options.config)) as loop:
        models = loop.wait(loop.resource.list_available_models())
        current = loop.resource.runtime.models.current
        demo = loop.resource.runtime.is_demo
    if options.json:
        entries = [model_view(model, current) for model in models]
        sys.stdout.write(json_document(entries))
        return ExitCode.OK
    _print(models, current)
    if demo:
        print_notice(DEMO_NOTICE)
    return ExitCode.OK


def _print(models: Sequence[ModelInfo], current: str) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "Model", "Context", "Reasoning efforts"):
        table.add_column(title, overflow="fold")
    for model in models:
        context = f"{model.max_tokens:,}" if model.max_tokens else "?"
        table.add_row(
            "*" if model.id == current else "",
            Text(one_line(model.id, 200)),
            context,
            Text(one_line(_efforts(model), 400)),
        )
    Console(highlight=False).print(table)


def _efforts(model: ModelInfo) -> str:
    ability = model.reasoning
    if not ability.supported:
        return "no reasoning"
    levels = ", ".join(ability.efforts) or "always on"
    return f"{levels} or tokens" if ability.budget else levels

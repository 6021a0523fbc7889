"""Runs a command: loads its module, and turns errors into a message and an exit code."""

import importlib
import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Final, Protocol, cast

import typer

from thinkaloud.cli.exit_codes import ExitCode, exit_code_for_error
from thinkaloud.cli.options import Options
from thinkaloud.cli.termination import Terminated, exit_code_for, flush_output, raise_on_signals
from thinkaloud.cli.ui.sanitize import SanitizingFormatter, sanitize
from thinkaloud.errors import ThinkaloudError

_MODULES: Final = {
    "serve": "thinkaloud.cli.commands.serve",
    "chat": "thinkaloud.cli.commands.chat",
    "models": "thinkaloud.cli.commands.models",
    "doctor": "thinkaloud.cli.commands.doctor",
    "conversations": "thinkaloud.cli.commands.conversations",
    "regenerate": "thinkaloud.cli.commands.regenerate",
    "backup": "thinkaloud.cli.commands.database.backup",
    "channels": "thinkaloud.cli.commands.channels.main",
    "keys": "thinkaloud.cli.commands.keys.main",
    "audit": "thinkaloud.cli.commands.keys.audit",
    "whoami": "thinkaloud.cli.commands.keys.whoami",
    "acp": "thinkaloud.cli.acp.main",
    "mcp": "thinkaloud.cli.commands.setup.mcp",
    "config": "thinkaloud.cli.commands.setup.trust",
    "owners": "thinkaloud.cli.commands.keys.owners",
    "migrate": "thinkaloud.cli.commands.database.migrate",
}
_WEB: Final = {
    "httptools",
    "prometheus_client",
    "python_multipart",
    "starlette",
    "uvicorn",
    "uvloop",
    "websockets",
}

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The configuration file (default: thinkaloud.toml)."
    ),
]
Owner = Annotated[
    str | None,
    typer.Option(
        "--owner", metavar="NAME", help="Whose conversations to use, instead of your own."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelId = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="ID", help="The model, as HOST/MODEL."),
]
Effort = Annotated[
    str | None,
    typer.Option(
        "--effort",
        "-e",
        metavar="LEVEL",
        help="Reasoning effort: none, minimal, low, medium, high, xhigh, max, or a number of tokens.",
    ),
]
Thinking = Annotated[
    bool | None,
    typer.Option(
        "--thinking/--no-thinking",
        help="Show all reasoning, or none. When piped, it goes to stderr.",
    ),
]
Events = Annotated[bool, typer.Option("--json", help="Print one JSON event per line.")]
MaxIterations = Annotated[
    int | None,
    typer.Option("--max-iterations", metavar="N", help="Maximum model calls per run."),
]


class Command(Protocol):
    """A command's module. Each takes the options named after it."""

    def run(self, options: Options) -> ExitCode:
        """Run the command and return its exit code."""
        ...


def dispatch(name: str, options: Options) -> None:
    """Run a command and exit with its exit code."""
    if isinstance(logging.lastResort, logging.Handler):
        logging.lastResort.setFormatter(SanitizingFormatter())
    try:
        # The server handles signals itself.
        with nullcontext() if name == "serve" else raise_on_signals():
            code = _code(name, options)
            flush_output()
    except (Terminated, KeyboardInterrupt, OSError) as end:
        code = exit_code_for(end)
    raise typer.Exit(code)


def _code(name: str, options: Options) -> int:
    try:
        command = cast("Command", importlib.import_module(_MODULES[name]))
        return command.run(options)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _WEB:
            raise
        message = f"`{name}` requires {error.name}. Reinstall thinkaloud."
        typer.echo(f"thinkaloud: {message}", err=True)
        return ExitCode.CONFIGURATION
    except ThinkaloudError as error:
        typer.echo(f"thinkaloud: {sanitize(error.message)}", err=True)
        return exit_code_for_error(error)

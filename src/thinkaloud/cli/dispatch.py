"""How a command is carried out: its module is loaded, its errors become a line and an exit code."""

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
    "backup": "thinkaloud.cli.commands.backup",
}
_WEB: Final = {"fastapi", "prometheus_client", "starlette", "structlog", "uvicorn", "uvloop"}

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration file (thinkaloud.toml)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelId = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="ID", help="The model, as host/model."),
]
Effort = Annotated[
    str | None,
    typer.Option(
        "--effort",
        "-e",
        metavar="LEVEL",
        help="How hard to think: none, minimal, low, medium, high, xhigh, max, or tokens.",
    ),
]
Thinking = Annotated[
    bool | None,
    typer.Option(
        "--thinking/--no-thinking",
        help="Show the thinking in full, or not at all. In a pipe it goes to stderr.",
    ),
]
Events = Annotated[bool, typer.Option("--json", help="Print one event a line, as JSON.")]
MaxIterations = Annotated[
    int | None,
    typer.Option("--max-iterations", metavar="N", help="The most model calls of a run."),
]


class Command(Protocol):
    """The module of a command. Each takes the options of its own name."""

    def run(self, options: Options) -> ExitCode:
        """Carry it out."""
        ...


def dispatch(name: str, options: Options) -> None:
    """Carry out a command and exit with its code."""
    if isinstance(logging.lastResort, logging.Handler):
        logging.lastResort.setFormatter(SanitizingFormatter())
    try:
        # The server ends in order by itself.
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
        message = f"`{name}` needs {error.name}, which comes with the extra `thinkaloud[web]`."
        typer.echo(f"thinkaloud: {message} Install that.", err=True)
        return ExitCode.CONFIGURATION
    except ThinkaloudError as error:
        typer.echo(f"thinkaloud: {sanitize(error.message)}", err=True)
        return exit_code_for_error(error)

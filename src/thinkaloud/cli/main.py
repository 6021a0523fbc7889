"""What can be typed. The commands themselves are loaded when one is called."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from thinkaloud.cli.conversation_commands import conversations
from thinkaloud.cli.dispatch import (
    Config,
    Effort,
    Events,
    Json,
    MaxIterations,
    ModelId,
    Thinking,
    dispatch,
)
from thinkaloud.cli.options import (
    BackupOptions,
    ChatOptions,
    DoctorOptions,
    ModelsOptions,
    ServeOptions,
)
from thinkaloud.cli.termination import exit_code_for, flush_output
from thinkaloud.version import __version__

app = typer.Typer(
    name="thinkaloud",
    help="An AI agent server that shows a model's reasoning live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # PlainView help: it has no frames to break in a narrow terminal.
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(conversations)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"thinkaloud {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def serve(
    config: Config = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="The address to listen on.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "-p", metavar="N", min=0, max=65535, help="The port; 0 takes a free one."
        ),
    ] = None,
    model: ModelId = None,
    socket: Annotated[
        str | None,
        typer.Option(
            "--socket", metavar="PATH", help="A Unix socket in the place of host and port."
        ),
    ] = None,
) -> None:
    """Serve the HTTP and WebSocket API until Ctrl-C."""
    dispatch("serve", ServeOptions(config, host, port, model, socket))


@app.command()
def chat(  # noqa: PLR0913 - one for each option
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT", help="What to ask, also about what is in the pipe; - is the pipe."
        ),
    ] = None,
    config: Config = None,
    model: ModelId = None,
    effort: Effort = None,
    thinking: Thinking = None,
    json: Events = False,
    conversation: Annotated[
        str | None,
        typer.Option("--conversation", "-c", metavar="ID", help="Go on with a conversation."),
    ] = None,
    latest: Annotated[
        bool, typer.Option("--continue", help="Go on with the latest conversation.")
    ] = False,
    temporary: Annotated[bool, typer.Option("--temporary", help="Keep nothing.")] = False,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            "-f",
            metavar="NAME",
            help="A file of the workspace to put before the model. Repeatable.",
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="NAME", help="A picture of the workspace."),
    ] = None,
    max_iterations: MaxIterations = None,
) -> None:
    """Ask a question, or hold a conversation.

    With TEXT, a question in the pipe, or a TEXT about what is in the pipe it asks once; without
    both, on a terminal, it holds a conversation.
    """
    options = ChatOptions(
        text=text,
        config=config,
        model=model,
        effort=effort,
        thinking=thinking,
        json=json,
        files=tuple(file or ()),
        image=image,
        max_iterations=max_iterations,
        conversation_id=conversation,
        latest=latest,
        temporary=temporary,
    )
    dispatch("chat", options)


@app.command()
def models(
    config: Config = None,
    json: Json = False,
    probe: Annotated[
        str | None,
        typer.Option(
            "--probe",
            metavar="HOST",
            help="Ask a host what it can do; with HOST/MODEL, put a tiny question to a model too.",
        ),
    ] = None,
) -> None:
    """List the models that can be chosen, or ask a host."""
    dispatch("models", ModelsOptions(config, json, probe))


@app.command()
def doctor(
    config: Config = None,
    json: Json = False,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="Test the way to a server: what holds its stream back."
        ),
    ] = None,
) -> None:
    """Say what works, what is missing, and what to do about it."""
    dispatch("doctor", DoctorOptions(config, json, url))


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    config: Config = None,
) -> None:
    """Back up all that is kept to a file.

    A server may run meanwhile.
    """
    dispatch("backup", BackupOptions("export", config, file))


@app.command("import")
def add_backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    config: Config = None,
) -> None:
    """Add the conversations of a backup that are not there yet.

    No server may use the data meanwhile.
    """
    dispatch("backup", BackupOptions("import", config, file))


def main() -> None:
    """Run the program and exit: the entry point of the `thinkaloud` script."""
    # A shell may have closed them (`>&-`).
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows a question mark, not a traceback.
        cast("Callable[..., None]", getattr(stream, "reconfigure", _keep))(errors="replace")
    try:
        try:
            app()
        finally:
            flush_output()
    except OSError as error:
        sys.exit(exit_code_for(error))


def _keep(*, errors: str) -> None:
    """Leave a stream as it is that is no text file."""

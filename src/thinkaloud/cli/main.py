"""The command-line parser. A command's module is loaded only when it is run."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

import typer

from thinkaloud.cli.channel_commands import channels
from thinkaloud.cli.config_commands import config as config_commands
from thinkaloud.cli.conversation_commands import conversations
from thinkaloud.cli.dispatch import (
    Config,
    Effort,
    Events,
    Json,
    MaxIterations,
    ModelId,
    Owner,
    Thinking,
    dispatch,
)
from thinkaloud.cli.key_commands import audit, keys, whoami
from thinkaloud.cli.mcp_commands import mcp
from thinkaloud.cli.options import (
    AcpOptions,
    BackupOptions,
    ChatOptions,
    DoctorOptions,
    MigrateOptions,
    ModelsOptions,
    ServeOptions,
)
from thinkaloud.cli.owner_commands import owners
from thinkaloud.cli.termination import exit_code_for, flush_output
from thinkaloud.version import __version__

app = typer.Typer(
    name="thinkaloud",
    help="An AI agent server that shows a model's reasoning live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Plain help: frames would break in a narrow terminal.
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(conversations)
app.add_typer(channels)
app.add_typer(keys)
app.add_typer(owners)
app.add_typer(mcp)
app.add_typer(config_commands)


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
            "--port",
            "-p",
            metavar="N",
            min=0,
            max=65535,
            help="The port to listen on; 0 picks a free one.",
        ),
    ] = None,
    model: ModelId = None,
    socket: Annotated[
        str | None,
        typer.Option(
            "--socket", metavar="PATH", help="A Unix socket to listen on instead of host and port."
        ),
    ] = None,
) -> None:
    """Start the server. Press Ctrl-C to stop it."""
    dispatch("serve", ServeOptions(config, host, port, model, socket))


@app.command()
def chat(  # noqa: PLR0913 - one for each option
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="The question; - reads it from stdin."),
    ] = None,
    config: Config = None,
    model: ModelId = None,
    effort: Effort = None,
    thinking: Thinking = None,
    json: Events = False,
    conversation: Annotated[
        str | None,
        typer.Option("--conversation", "-c", metavar="ID", help="Continue this conversation."),
    ] = None,
    latest: Annotated[
        bool, typer.Option("--continue", help="Continue the most recent conversation.")
    ] = False,
    temporary: Annotated[bool, typer.Option("--temporary", help="Save nothing.")] = False,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            "-f",
            metavar="NAME",
            help="A file in the workspace to attach. Repeatable.",
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="NAME", help="An image in the workspace to attach."),
    ] = None,
    max_iterations: MaxIterations = None,
    owner: Owner = None,
) -> None:
    """Ask a question, or start an interactive chat.

    With TEXT or piped input, it answers once and exits. With both, the piped input is attached to
    the question. With neither, it starts an interactive chat.
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
        owner=owner,
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
            help="Test a host; with HOST/MODEL, also send the model a short question.",
        ),
    ] = None,
) -> None:
    """List available models, or test a host."""
    dispatch("models", ModelsOptions(config, json, probe))


@app.command()
def doctor(
    config: Config = None,
    json: Json = False,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="Check whether a proxy delays this server's streams."
        ),
    ] = None,
) -> None:
    """Check the configuration, the hosts and the data."""
    dispatch("doctor", DoctorOptions(config, json, url))


@app.command()
def acp(
    config: Config = None,
    model: ModelId = None,
    owner: Owner = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            metavar="FILE",
            help="The file with the API key to use, instead of THINKALOUD_API_KEY.",
        ),
    ] = None,
) -> None:
    """Answer an editor that speaks the Agent Client Protocol.

    Editors start it and talk to it in a pipe. It uses the running server, or else runs models
    itself.
    """
    dispatch("acp", AcpOptions(config, model, owner, key_file))


app.command()(audit)
app.command()(whoami)


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to create.")],
    config: Config = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="NAME", help="Back up only this owner's conversations."),
    ] = None,
) -> None:
    """Back up all conversations to a file.

    You can run this while a server is running.
    """
    dispatch("backup", BackupOptions("export", config, file, owner))


@app.command("import")
def add_backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup file.")],
    config: Config = None,
    owner: Owner = None,
) -> None:
    """Restore conversations from a backup.

    Existing conversations are not changed. Stop the server first.
    """
    dispatch("backup", BackupOptions("import", config, file, owner))


@app.command()
def migrate(config: Config = None) -> None:
    """Create or upgrade the tables of a PostgreSQL database.

    A server does this when it starts. You can run this while servers are running.
    """
    dispatch("migrate", MigrateOptions(config))


def main() -> None:
    """Run the program and exit: the entry point of the `thinkaloud` script."""
    # The shell may have closed them (`>&-`).
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Print a question mark for characters that the terminal's encoding lacks.
        cast("Callable[..., None]", getattr(stream, "reconfigure", _ignore))(errors="replace")
    try:
        try:
            app()
        finally:
            flush_output()
    except OSError as error:
        sys.exit(exit_code_for(error))


def _ignore(*, errors: str) -> None:
    """Do nothing: the stream is not a text file."""

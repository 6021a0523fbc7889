"""The parser of `thinkaloud config`."""

from pathlib import Path
from typing import Annotated

import typer

from thinkaloud.cli.dispatch import dispatch
from thinkaloud.cli.options import TrustOptions

config = typer.Typer(
    name="config",
    help="Trust configuration files.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@config.callback()
def _group() -> None:
    """Keep `trust` a command of its own, although it is the only one."""


@config.command()
def trust(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The file. Default: thinkaloud.toml in the working directory."
        ),
    ] = None,
) -> None:
    """Let a configuration file in a working directory start programs.

    Read the file first. After a change, it has to be trusted again.
    """
    dispatch("config", TrustOptions(file))

"""The parser of `thinkaloud mcp`."""

from typing import Annotated

import typer

from thinkaloud.cli.dispatch import Config, Json, dispatch
from thinkaloud.cli.options import McpOptions

mcp = typer.Typer(
    name="mcp",
    help="List and test MCP servers.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The server. Default: all servers.")
]


@mcp.command("list")
def list_them(config: Config = None, json: Json = False) -> None:
    """List the configured servers and their tools.

    Connects to none of them: the tools are those that each listed last.
    """
    dispatch("mcp", McpOptions("list", config, json))


@mcp.command("test")
def check(name: Name = None, config: Config = None, json: Json = False) -> None:
    """Connect to servers and show their tools.

    Also shows what is wrong with them.
    """
    dispatch("mcp", McpOptions("test", config, json, name or ""))

"""The parser of `thinkaloud owners`."""

from typing import Annotated

import typer

from thinkaloud.cli.dispatch import Config, Json, dispatch
from thinkaloud.cli.options import OwnerOptions

owners = typer.Typer(
    name="owners",
    help="List, rename and delete owners.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Name = Annotated[
    str, typer.Argument(metavar="OWNER", help="The owner's name, as `owners list` shows it.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")]


@owners.command("list")
def list_them(config: Config = None, json: Json = False) -> None:
    """List all owners and what they have.

    Stop the server first.
    """
    dispatch("owners", OwnerOptions(action="list", config=config, json=json))


@owners.command()
def rename(
    owner: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    config: Config = None,
) -> None:
    """Give everything that an owner has to another name.

    This includes conversations, uploads, keys and paired people. Stop the server first.
    """
    dispatch("owners", OwnerOptions(action="rename", config=config, owner=owner, new=new))


@owners.command()
def delete(owner: Name, config: Config = None, yes: Yes = False) -> None:
    """Delete everything that an owner has.

    This also revokes the owner's keys. Stop the server first.
    """
    dispatch("owners", OwnerOptions(action="delete", config=config, owner=owner, yes=yes))

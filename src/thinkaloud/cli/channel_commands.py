"""The parser of `thinkaloud channels`."""

from typing import Annotated

import typer

from thinkaloud.cli.dispatch import Config, Json, dispatch
from thinkaloud.cli.options import ChannelOptions

channels = typer.Typer(
    name="channels",
    help="Set up chat channels and control who may use them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="The channel: telegram, slack, discord, feishu, wechat, wecom or matrix.",
    ),
]
AnyName = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The channel. Default: all channels.")
]


@channels.command("list")
def list_them(config: Config = None, json: Json = False) -> None:
    """List the chat channels and their state in the running server."""
    dispatch("channels", ChannelOptions(action="list", config=config, json=json))


@channels.command()
def add(
    name: Name,
    config: Config = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting to write. Repeatable."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow", metavar="ID", help="The ID of a person who may use it. Repeatable."
        ),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Test the connection before writing.")
    ] = True,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Never prompt; fail if something is missing.")
    ] = False,
) -> None:
    """Add a channel to the configuration file.

    Prompts for the settings of the platform, tests the connection, and adds a section. Secrets stay in environment
    variables; only their names are written.
    """
    options = ChannelOptions(
        action="add",
        config=config,
        channel=name,
        values=tuple(values or ()),
        allow=tuple(allow or ()),
        test=test,
        yes=yes,
    )
    dispatch("channels", options)


@channels.command("test")
def check(name: AnyName = None, config: Config = None, json: Json = False) -> None:
    """Check tokens, permissions and connections of configured channels."""
    options = ChannelOptions(action="test", config=config, channel=name or "", json=json)
    dispatch("channels", options)


@channels.command()
def login(name: Name, config: Config = None) -> None:
    """Log in to WeChat by scanning a QR code."""
    dispatch("channels", ChannelOptions(action="login", config=config, channel=name))


@channels.command()
def pair(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="The code that the bot sent to the person.")
    ],
    config: Config = None,
    owner: Annotated[
        str | None,
        typer.Option(
            "--owner",
            metavar="NAME",
            help="Who owns this person's conversations. Default: the owner of the channel.",
        ),
    ] = None,
) -> None:
    """Approve a pairing code.

    The bot sends a code to anyone it doesn't know who writes to it.
    """
    dispatch("channels", ChannelOptions(action="pair", config=config, text=code, owner=owner))


@channels.command()
def unpair(
    name: Name,
    person: Annotated[
        str, typer.Argument(metavar="ID", help="The person's ID, as `people` lists it.")
    ],
    config: Config = None,
) -> None:
    """Stop a paired person from using a channel."""
    options = ChannelOptions(action="unpair", config=config, channel=name, text=person)
    dispatch("channels", options)


@channels.command()
def people(name: AnyName = None, config: Config = None, json: Json = False) -> None:
    """List who may use the channels.

    Also lists who is waiting for approval.
    """
    options = ChannelOptions(action="people", config=config, channel=name or "", json=json)
    dispatch("channels", options)

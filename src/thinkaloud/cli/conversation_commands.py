"""What can be typed after `thinkaloud conversations`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

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
from thinkaloud.cli.options import ConversationOptions, RegenerateOptions

conversations = typer.Typer(
    name="conversations",
    help="What was said: find it, read it, change it, say it again.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The conversation.")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, max=200, help="The most to list.")
]
WithThinking = Annotated[bool, typer.Option("--thinking", help="With the model's reasoning.")]


OfVersion = Annotated[
    str | None,
    typer.Option(
        "--version", metavar="RUN", help="A run of the version to write; else the selected one."
    ),
]


@conversations.command("list")
def list_them(config: Config = None, json: Json = False, limit: Limit = 20) -> None:
    """List conversations, the latest changed first."""
    dispatch("conversations", ConversationOptions("list", config, json, limit=limit))


@conversations.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="What must be in them.")],
    config: Config = None,
    json: Json = False,
    limit: Limit = 20,
) -> None:
    """List those that have all these words.

    They may stand in the title, in the questions or in the answers. Reasoning is not searched.
    """
    options = ConversationOptions("search", config, json, text=" ".join(words), limit=limit)
    dispatch("conversations", options)


@conversations.command()
def show(
    conversation: Id,
    config: Config = None,
    thinking: WithThinking = False,
    version: OfVersion = None,
) -> None:
    """Print what was said."""
    options = ConversationOptions(
        "show", config, conversation_id=conversation, thinking=thinking, version=version
    )
    dispatch("conversations", options)


@conversations.command()
def rename(
    conversation: Id,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The new title.")],
    config: Config = None,
) -> None:
    """Give a conversation another title."""
    options = ConversationOptions("rename", config, conversation_id=conversation, text=title)
    dispatch("conversations", options)


@conversations.command()
def delete(conversation: Id, config: Config = None) -> None:
    """Delete a conversation, at once and for good.

    What runs in it is stopped.
    """
    dispatch("conversations", ConversationOptions("delete", config, conversation_id=conversation))


@conversations.command()
def export(
    conversation: Id,
    config: Config = None,
    form: Annotated[
        Literal["json", "markdown"],
        typer.Option("--format", help="For programs, or for people."),
    ] = "markdown",
    thinking: WithThinking = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="A new file; else it is printed."),
    ] = None,
    version: OfVersion = None,
) -> None:
    """Write a conversation to a file, or to stdout byte for byte.

    JSON has all versions of every message.
    """
    options = ConversationOptions(
        "export",
        config,
        conversation_id=conversation,
        form=form,
        thinking=thinking,
        output=output,
        version=version,
    )
    dispatch("conversations", options)


@conversations.command()
def branch(
    conversation: Id,
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The last message to keep: its run, or its number."),
    ],
    config: Config = None,
) -> None:
    """Make a new conversation of the beginning of another.

    It has all that was said up to a message and its answer.
    """
    options = ConversationOptions("branch", config, conversation_id=conversation, text=run)
    dispatch("conversations", options)


@conversations.command()
def versions(conversation: Id, config: Config = None, json: Json = False) -> None:
    """List the messages that have several versions, and the selected one of each."""
    options = ConversationOptions("versions", config, json, conversation_id=conversation)
    dispatch("conversations", options)


@conversations.command()
def select(
    conversation: Id,
    version: Annotated[
        str,
        typer.Argument(
            metavar="VERSION",
            help="Its run, or its place: `2.1` is the first of the second message.",
        ),
    ],
    config: Config = None,
) -> None:
    """Select another version of a message, with all that followed it."""
    options = ConversationOptions("select", config, conversation_id=conversation, text=version)
    dispatch("conversations", options)


@conversations.command()
def regenerate(  # noqa: PLR0913 - one for each option
    conversation: Id,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The message: its run, or its number; else the last."),
    ] = None,
    config: Config = None,
    model: ModelId = None,
    effort: Effort = None,
    thinking: Thinking = None,
    json: Events = False,
    max_iterations: MaxIterations = None,
) -> None:
    """Answer a message once more.

    The old answer stays as a version, with all after it. See `versions` and `select`.
    """
    dispatch(
        "regenerate",
        RegenerateOptions(
            conversation, run, None, config, model, effort, thinking, json, max_iterations
        ),
    )


@conversations.command()
def edit(  # noqa: PLR0913 - one for each option
    conversation: Id,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The message: its run, or its number.")],
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What to say instead; - is the pipe.")
    ],
    config: Config = None,
    model: ModelId = None,
    effort: Effort = None,
    thinking: Thinking = None,
    json: Events = False,
    max_iterations: MaxIterations = None,
) -> None:
    """Say something else in a message's place.

    The old message stays as a version, with all after it. See `versions` and `select`.
    """
    dispatch(
        "regenerate",
        RegenerateOptions(
            conversation, run, text, config, model, effort, thinking, json, max_iterations
        ),
    )

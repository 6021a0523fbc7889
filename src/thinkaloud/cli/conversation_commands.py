"""The parser of `thinkaloud conversations`."""

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
    Owner,
    Thinking,
    dispatch,
)
from thinkaloud.cli.options import ConversationOptions, RegenerateOptions

conversations = typer.Typer(
    name="conversations",
    help="Manage saved conversations.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The conversation's ID.")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, max=200, help="Maximum number to list.")
]
WithThinking = Annotated[bool, typer.Option("--thinking", help="Include the model's reasoning.")]


OfVersion = Annotated[
    str | None,
    typer.Option(
        "--version", metavar="RUN", help="A run in another version, instead of the selected one."
    ),
]


@conversations.command("list")
def list_them(
    config: Config = None, json: Json = False, limit: Limit = 20, owner: Owner = None
) -> None:
    """List conversations, most recently changed first."""
    dispatch("conversations", ConversationOptions("list", config, json, limit=limit, owner=owner))


@conversations.command()
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="Words to search for.")],
    config: Config = None,
    json: Json = False,
    limit: Limit = 20,
    owner: Owner = None,
) -> None:
    """List conversations that contain all these words.

    Searches titles, questions and answers, but not reasoning.
    """
    options = ConversationOptions(
        "search", config, json, text=" ".join(words), limit=limit, owner=owner
    )
    dispatch("conversations", options)


@conversations.command()
def show(
    conversation: Id,
    config: Config = None,
    thinking: WithThinking = False,
    version: OfVersion = None,
    owner: Owner = None,
) -> None:
    """Print a conversation."""
    options = ConversationOptions(
        "show",
        config,
        conversation_id=conversation,
        thinking=thinking,
        version=version,
        owner=owner,
    )
    dispatch("conversations", options)


@conversations.command()
def rename(
    conversation: Id,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The new title.")],
    config: Config = None,
    owner: Owner = None,
) -> None:
    """Rename a conversation."""
    options = ConversationOptions(
        "rename", config, conversation_id=conversation, text=title, owner=owner
    )
    dispatch("conversations", options)


@conversations.command()
def delete(conversation: Id, config: Config = None, owner: Owner = None) -> None:
    """Delete a conversation permanently.

    Stops its active runs.
    """
    dispatch(
        "conversations",
        ConversationOptions("delete", config, conversation_id=conversation, owner=owner),
    )


@conversations.command()
def export(  # noqa: PLR0913 - one for each option
    conversation: Id,
    config: Config = None,
    form: Annotated[
        Literal["json", "markdown"],
        typer.Option("--format", help="The output format."),
    ] = "markdown",
    thinking: WithThinking = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to create instead of stdout."
        ),
    ] = None,
    version: OfVersion = None,
    owner: Owner = None,
) -> None:
    """Export a conversation as Markdown or JSON.

    JSON includes all versions of every message.
    """
    options = ConversationOptions(
        "export",
        config,
        conversation_id=conversation,
        form=form,
        thinking=thinking,
        output=output,
        version=version,
        owner=owner,
    )
    dispatch("conversations", options)


@conversations.command()
def branch(
    conversation: Id,
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The last message to copy: its run ID or number."),
    ],
    config: Config = None,
    owner: Owner = None,
) -> None:
    """Branch a conversation.

    Copies everything up to a message and its answer into a new conversation, and prints its ID.
    """
    options = ConversationOptions(
        "branch", config, conversation_id=conversation, text=run, owner=owner
    )
    dispatch("conversations", options)


@conversations.command()
def versions(
    conversation: Id, config: Config = None, json: Json = False, owner: Owner = None
) -> None:
    """List messages that have several versions."""
    options = ConversationOptions(
        "versions", config, json, conversation_id=conversation, owner=owner
    )
    dispatch("conversations", options)


@conversations.command()
def select(
    conversation: Id,
    version: Annotated[
        str,
        typer.Argument(
            metavar="VERSION",
            help="A run ID, or a number: `2.1` is version 1 of message 2.",
        ),
    ],
    config: Config = None,
    owner: Owner = None,
) -> None:
    """Switch to another version of a message."""
    options = ConversationOptions(
        "select", config, conversation_id=conversation, text=version, owner=owner
    )
    dispatch("conversations", options)


@conversations.command()
def regenerate(  # noqa: PLR0913 - one for each option
    conversation: Id,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="The message: its run ID or number. Default: the last."),
    ] = None,
    config: Config = None,
    model: ModelId = None,
    effort: Effort = None,
    thinking: Thinking = None,
    json: Events = False,
    max_iterations: MaxIterations = None,
    owner: Owner = None,
) -> None:
    """Regenerate an answer.

    The old answer and everything after it are kept as a version. See `versions` and `select`.
    """
    options = RegenerateOptions(
        conversation_id=conversation,
        run=run,
        config=config,
        model=model,
        effort=effort,
        thinking=thinking,
        json=json,
        max_iterations=max_iterations,
        owner=owner,
    )
    dispatch("regenerate", options)


@conversations.command()
def edit(  # noqa: PLR0913 - one for each option
    conversation: Id,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The message: its run ID or number.")],
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The new text; - reads it from stdin.")
    ],
    config: Config = None,
    model: ModelId = None,
    effort: Effort = None,
    thinking: Thinking = None,
    json: Events = False,
    max_iterations: MaxIterations = None,
    owner: Owner = None,
) -> None:
    """Edit a message and resend it.

    The old message and everything after it are kept as a version. See `versions` and `select`.
    """
    options = RegenerateOptions(
        conversation_id=conversation,
        run=run,
        text=text,
        config=config,
        model=model,
        effort=effort,
        thinking=thinking,
        json=json,
        max_iterations=max_iterations,
        owner=owner,
    )
    dispatch("regenerate", options)

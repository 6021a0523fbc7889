"""What the command line said, as values. Checked by the commands, not here."""

from pathlib import Path
from typing import Literal

import msgspec


class ServeOptions(msgspec.Struct, frozen=True):
    """`thinkaloud serve`. None: as configured."""

    config: Path | None
    host: str | None
    port: int | None
    model: str | None
    socket: str | None = None


class ChatOptions(msgspec.Struct, frozen=True):
    """`thinkaloud chat`. `thinking` is None where nothing was said: live on a terminal only."""

    text: str | None
    config: Path | None
    model: str | None
    effort: str | None
    thinking: bool | None
    json: bool
    files: tuple[str, ...]
    image: str | None
    max_iterations: int | None
    conversation_id: str | None
    """The conversation to go on with; None: a new one, or with `latest` the latest."""
    latest: bool
    temporary: bool


class ModelsOptions(msgspec.Struct, frozen=True):
    """`thinkaloud models`. `probe` is a host, or `host/model` to ask a model too."""

    config: Path | None
    json: bool
    probe: str | None


class DoctorOptions(msgspec.Struct, frozen=True):
    """`thinkaloud doctor`."""

    config: Path | None
    json: bool
    url: str | None = None
    """The address whose way is tested instead."""


Action = Literal[
    "list", "search", "show", "rename", "delete", "export", "branch", "versions", "select"
]


class ConversationOptions(msgspec.Struct, frozen=True):
    """`thinkaloud conversations` and below. What an action has no use for is left out."""

    action: Action
    config: Path | None
    json: bool = False
    conversation_id: str = ""
    text: str = ""
    """The words to search, the new title, the run to branch after, or the version to select."""
    limit: int = 20
    form: Literal["json", "markdown"] = "markdown"
    thinking: bool = False
    output: Path | None = None
    version: str | None = None
    """A run of the version to show or export; None: the selected one."""


class RegenerateOptions(msgspec.Struct, frozen=True):
    """`thinkaloud conversations regenerate` and `edit`, which has a `text`."""

    conversation_id: str
    run: str | None
    """The run to replace, by id or number; None: the last one."""
    text: str | None
    config: Path | None
    model: str | None
    effort: str | None
    thinking: bool | None
    json: bool
    max_iterations: int | None


class BackupOptions(msgspec.Struct, frozen=True):
    """`thinkaloud export` and `thinkaloud import`."""

    direction: Literal["export", "import"]
    config: Path | None
    file: Path


Options = (
    ServeOptions
    | ChatOptions
    | ModelsOptions
    | DoctorOptions
    | ConversationOptions
    | RegenerateOptions
    | BackupOptions
)
"""What any command takes."""

"""The options of each command. The commands validate them."""

from pathlib import Path
from typing import Any, Literal

import msgspec


class ServeOptions(msgspec.Struct, frozen=True):
    """`thinkaloud serve`. None: use the configuration."""

    config: Path | None
    host: str | None
    port: int | None
    model: str | None
    socket: str | None = None


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of every command that starts a run."""

    config: Path | None
    model: str | None
    effort: str | None
    thinking: bool | None
    """None: live on a terminal, hidden otherwise."""
    json: bool
    max_iterations: int | None
    owner: str | None = None
    """Whose conversation it is; None: the key's owner, or `local`."""


class ChatOptions(RunOptions, frozen=True, kw_only=True):
    """`thinkaloud chat`."""

    text: str | None
    files: tuple[str, ...]
    image: str | None
    conversation_id: str | None
    """The conversation to continue; None: a new one, or with `latest` the most recent one."""
    latest: bool
    temporary: bool


class ModelsOptions(msgspec.Struct, frozen=True):
    """`thinkaloud models`. `probe` is a host to test, or `host/model` to test a model too."""

    config: Path | None
    json: bool
    probe: str | None


class DoctorOptions(msgspec.Struct, frozen=True):
    """`thinkaloud doctor`."""

    config: Path | None
    json: bool
    url: str | None = None
    """Check the connection to this server instead."""


Action = Literal[
    "list", "search", "show", "rename", "delete", "export", "branch", "versions", "select"
]


class ConversationOptions(msgspec.Struct, frozen=True):
    """`thinkaloud conversations …`. Each action uses only some of the options."""

    action: Action
    config: Path | None
    json: bool = False
    conversation_id: str = ""
    text: str = ""
    """The words to search for, the new title, the run to branch at, or the version to select."""
    limit: int = 20
    form: Literal["json", "markdown"] = "markdown"
    thinking: bool = False
    output: Path | None = None
    version: str | None = None
    """A run in the version to show or export; None: the selected version."""
    owner: str | None = None
    """Whose conversations; None: those of the key's owner, or of `local`."""


class RegenerateOptions(RunOptions, frozen=True, kw_only=True):
    """`thinkaloud conversations regenerate` and `edit`; only `edit` has a `text`."""

    conversation_id: str
    run: str | None
    """The run to replace, by id or number; None: the last one."""
    text: str | None = None


class BackupOptions(msgspec.Struct, frozen=True):
    """`thinkaloud export` and `thinkaloud import`."""

    direction: Literal["export", "import"]
    config: Path | None
    file: Path
    owner: str | None = None
    """Whose conversations; None: all are exported, and those of `local` imported."""


class MigrateOptions(msgspec.Struct, frozen=True):
    """`thinkaloud migrate`."""

    config: Path | None


class ChannelOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`thinkaloud channels …`. Each action uses only some of the options."""

    action: Literal["list", "add", "test", "login", "pair", "unpair", "people"]
    config: Path | None
    json: bool = False
    channel: str = ""
    """Empty for all channels, where an action allows that."""
    text: str = ""
    """The code to approve, or the id of the person to unpair."""
    owner: str | None = None
    """The owner of the paired person's conversations; None: as the channel says."""
    values: tuple[str, ...] = ()
    """The settings to write, as `KEY=VALUE`."""
    allow: tuple[str, ...] = ()
    """The ids for `allow_from`."""
    test: bool = True
    yes: bool = False
    """Never prompt; fail if something is missing."""


class McpOptions(msgspec.Struct, frozen=True):
    """`thinkaloud mcp …`."""

    action: Literal["list", "test"]
    config: Path | None
    json: bool = False
    name: str = ""
    """The server to test; empty for all."""


class TrustOptions(msgspec.Struct, frozen=True):
    """`thinkaloud config trust`."""

    file: Path | None


KeyField = str | int | tuple[str, ...]
"""The value of an option of a key."""


class KeyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`thinkaloud keys …`. Each action uses only some of the options."""

    action: Literal["create", "list", "edit", "rotate", "revoke"]
    config: Path | None
    json: bool = False
    key_id: str = ""
    name: str | None = None
    owner: str | None = None
    fields: dict[str, Any] = {}
    """The given fields of `KeyFields`, by name."""
    clear: tuple[str, ...] = ()
    """The fields of `KeyChange` to set to null."""
    grace: str = "0s"


class AuditOptions(msgspec.Struct, frozen=True):
    """`thinkaloud audit`."""

    config: Path | None
    json: bool
    limit: int
    before: int | None
    """Only entries before this number."""


class WhoamiOptions(msgspec.Struct, frozen=True):
    """`thinkaloud whoami`."""

    config: Path | None
    json: bool


class AcpOptions(msgspec.Struct, frozen=True):
    """`thinkaloud acp`. `model` is the model of new sessions."""

    config: Path | None
    model: str | None
    owner: str | None = None
    key_file: Path | None = None
    """The file with the key to use, instead of `THINKALOUD_API_KEY`."""


class OwnerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`thinkaloud owners …`. Each action uses only some of the options."""

    action: Literal["list", "rename", "delete"]
    config: Path | None
    json: bool = False
    owner: str = ""
    new: str = ""
    yes: bool = False
    """Delete without asking."""


Options = (
    ServeOptions
    | ChatOptions
    | ModelsOptions
    | DoctorOptions
    | ConversationOptions
    | RegenerateOptions
    | BackupOptions
    | MigrateOptions
    | ChannelOptions
    | KeyOptions
    | AuditOptions
    | WhoamiOptions
    | AcpOptions
    | OwnerOptions
    | McpOptions
    | TrustOptions
)
"""The options of any command."""

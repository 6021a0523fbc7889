"""What the command line said, as values. Checked by the commands, not here."""

from pathlib import Path

import msgspec


class ServeOptions(msgspec.Struct, frozen=True):
    """`thinkaloud serve`. None: as configured."""

    config: Path | None
    host: str | None
    port: int | None
    model: str | None


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


class ModelsOptions(msgspec.Struct, frozen=True):
    """`thinkaloud models`. `probe` is a host, or `host/model` to ask a model too."""

    config: Path | None
    json: bool
    probe: str | None


class ReportOptions(msgspec.Struct, frozen=True):
    """`thinkaloud doctor`."""

    config: Path | None
    json: bool

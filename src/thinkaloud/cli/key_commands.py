"""The parser of `thinkaloud keys` and `thinkaloud audit`."""

from typing import Annotated, Literal

import typer

from thinkaloud.cli.dispatch import Config, Json, dispatch
from thinkaloud.cli.options import AuditOptions, KeyField, KeyOptions, WhoamiOptions

keys = typer.Typer(
    name="keys",
    help="Manage API keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Role = Literal["user", "admin"]
Level = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Policy = Literal["allow", "redact", "deny"]
ReasoningField = Literal["reasoning_content", "reasoning"]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")]
OfRole = Annotated[
    Role | None, typer.Option("--role", help="The role. Default: user.", show_default=False)
]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="chat, read, metrics or admin. Repeatable. Default: chat and read; for an admin, all.",
    ),
]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires", metavar="30d", help="How long it is valid from now. Default: forever."
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--models", metavar="GLOB", help="A pattern of models it may use. Repeatable."),
]
MaxEffort = Annotated[
    Level | None, typer.Option("--max-effort", help="The highest reasoning effort it may use.")
]
Reasoning = Annotated[
    Policy | None, typer.Option("--reasoning", help="Whether it may see reasoning.")
]
Field = Annotated[
    ReasoningField | None,
    typer.Option("--reasoning-field", help="The field for reasoning in OpenAI Chat Completions."),
]
PerMinute = Annotated[
    int | None,
    typer.Option("--requests-per-minute", metavar="N", help="Runs it may start per minute."),
]
Concurrent = Annotated[
    int | None, typer.Option("--concurrent-runs", metavar="N", help="Runs at the same time.")
]
PerDay = Annotated[
    int | None, typer.Option("--tokens-per-day", metavar="N", help="Tokens per day (UTC).")
]


@keys.command()
def create(  # noqa: PLR0913 - one for each option
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    config: Config = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="NAME", help="Whose conversations it uses. Default: NAME."),
    ] = None,
    role: OfRole = None,
    scope: Scopes = None,
    expires: Expires = None,
    models: Models = None,
    max_effort: MaxEffort = None,
    reasoning: Reasoning = None,
    reasoning_field: Field = None,
    requests_per_minute: PerMinute = None,
    concurrent_runs: Concurrent = None,
    tokens_per_day: PerDay = None,
    json: Json = False,
) -> None:
    """Create a key and print it.

    It is shown only once. Existing conversations belong to the owner `local`.
    """
    fields = _given(
        role=role,
        scopes=scope,
        expires=expires,
        models=models,
        max_effort=max_effort,
        reasoning=reasoning,
        reasoning_field=reasoning_field,
        requests_per_minute=requests_per_minute,
        concurrent_runs=concurrent_runs,
        tokens_per_day=tokens_per_day,
    )
    dispatch(
        "keys",
        KeyOptions(
            action="create", config=config, json=json, name=name, owner=owner, fields=fields
        ),
    )


@keys.command("list")
def list_them(config: Config = None, json: Json = False) -> None:
    """List all keys, with their last use."""
    dispatch("keys", KeyOptions(action="list", config=config, json=json))


@keys.command()
def edit(  # noqa: PLR0913 - one for each option
    key_id: KeyId,
    config: Config = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What the key is for.")
    ] = None,
    role: OfRole = None,
    scope: Scopes = None,
    expires: Expires = None,
    models: Models = None,
    max_effort: MaxEffort = None,
    reasoning: Reasoning = None,
    reasoning_field: Field = None,
    requests_per_minute: PerMinute = None,
    concurrent_runs: Concurrent = None,
    tokens_per_day: PerDay = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(
            "--clear",
            metavar="FIELD",
            help="What to remove: expires, models, max_effort, reasoning_field, requests_per_minute,"
            " concurrent_runs or tokens_per_day. Repeatable.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Change a key.

    A lowered limit applies from the next run.
    """
    fields = _given(
        role=role,
        scopes=scope,
        expires=expires,
        models=models,
        max_effort=max_effort,
        reasoning=reasoning,
        reasoning_field=reasoning_field,
        requests_per_minute=requests_per_minute,
        concurrent_runs=concurrent_runs,
        tokens_per_day=tokens_per_day,
    )
    options = KeyOptions(
        action="edit",
        config=config,
        json=json,
        key_id=key_id,
        name=name,
        fields=fields,
        clear=tuple(clear or ()),
    )
    dispatch("keys", options)


@keys.command()
def rotate(
    key_id: KeyId,
    config: Config = None,
    grace: Annotated[
        str,
        typer.Option("--grace", metavar="24h", help="How long the former secret stays valid."),
    ] = "0s",
    json: Json = False,
) -> None:
    """Give a key a new secret, and print the key."""
    options = KeyOptions(action="rotate", config=config, json=json, key_id=key_id, grace=grace)
    dispatch("keys", options)


@keys.command()
def revoke(key_id: KeyId, config: Config = None, json: Json = False) -> None:
    """Revoke a key.

    A running server closes its connections and stops its runs within 2 seconds.
    """
    dispatch("keys", KeyOptions(action="revoke", config=config, json=json, key_id=key_id))


def audit(
    config: Config = None,
    json: Json = False,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many entries.")
    ] = 50,
    before: Annotated[
        int | None, typer.Option("--before", metavar="N", help="Only entries before this number.")
    ] = None,
) -> None:
    """Print the audit log.

    It lists changes of keys, logins and refused credentials, newest first.
    """
    dispatch("audit", AuditOptions(config, json, limit, before))


def whoami(config: Config = None, json: Json = False) -> None:
    """Show whose conversations you use and what you may do.

    Asks the running server, with the key that the terminal sends to it.
    """
    dispatch("whoami", WhoamiOptions(config, json))


def _given(**values: KeyField | list[str] | None) -> dict[str, KeyField]:
    """Return the options that were given."""
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if value is not None
    }

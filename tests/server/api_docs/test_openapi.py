"""The live server matches its OpenAPI document, for generated requests."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.server.access.keyed import Headers, keyed
from thinkaloud.testing import ScriptedModel, say, think

CONFIG = """
seed = 20
workers = 1

[generation]
max-examples = 15
deterministic = true
database = "none"

[checks.positive_data_acceptance]
# A value may be of the right form and still name no file, or no effort of this model.
expected-statuses = [200, 201, 204, 404, 409, 422]

[[operations]]
# Follows a conversation for as long as the client stays: schemathesis leaves after this long.
include-name = "GET /api/v1/conversations/{conversation_id}/events"
request-timeout = 0.2

[[operations]]
# Following never ends, and schemathesis times out on NDJSON: request the finite form.
include-name = "GET /api/v1/conversations/{conversation_id}/log"
parameters = { follow = "false" }

[[operations]]
# Any bytes are a file by the schema; what is neither picture nor text is still not taken.
include-name = "POST /api/v1/upload"
checks.positive_data_acceptance.expected-statuses = [201, 415, 422]

[[operations]]
# Any text is a key by the schema; wrong ones are refused, and soon throttled.
include-name = "POST /api/v1/session"
checks.positive_data_acceptance.expected-statuses = [200, 401, 429]
"""


_CHATTING = r"^/api/v1/(chat/|conversations)"
PARTS = {
    "chats": ("--include-path-regex", _CHATTING),
    "the rest": ("--exclude-path-regex", _CHATTING),
}
"""Each operation is in one part. Two parts of equal length, for two workers: starting schemathesis takes seconds."""
KEYS = {
    "chats": {"scopes": ("chat", "read")},
    "the rest": {"role": "admin", "scopes": ("admin", "chat", "metrics", "read")},
}
"""The key that sends the requests of each part. The rest includes keys, sessions and the audit log."""


@asynccontextmanager
async def described(part: str) -> AsyncGenerator[tuple[str, Headers]]:
    """Serve an agent that requires keys; yields its URL and the headers to send."""
    model = ScriptedModel(*[[think("Hm."), say("Yes.")]] * 20_000)
    async with keyed(model=model) as served:
        yield served.url, await served.bearer(**KEYS[part])


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", PARTS)
async def test_the_server_matches_its_description(tmp_path: Path, part: str) -> None:
    """Runs schemathesis on a part of the operations: every rule of every schema, kept and broken."""
    (tmp_path / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
    async with described(part) as (url, headers):
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{url}/api/openapi.json",
            "--phases=examples,coverage,fuzzing",
            "--no-color",
            *PARTS[part],
            *(f"--header={name}:{value}" for name, value in headers.items()),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()

"""A provider that rejects parts of requests, and runs against it."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.harness import FixedAttachments, events_of, open_runs
from tests.providers.streams import WIRES, ResponseText
from tests.providers.upstream import Answer, Upstream, models_of, serving
from thinkaloud.events.event import AnswerDelta, Attachment, Event, Notice, RunEnded
from thinkaloud.ports.model import Model
from thinkaloud.providers.hosts.host import BuiltInDialect
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.tools.function import tool

Refuses = Callable[[dict[str, Any]], bool]
"""Whether a body of a request is refused."""

FINAL = ResponseText(("Hm. ",), ("Yes.",))
CALLING = ResponseText(("Plan. ",), (), ("{}",))
PICTURE = Attachment("dot.png", "image/png", base64="iVBORw0KGgo=")


def error(message: str, **members: object) -> dict[str, object]:
    """The error format of most providers."""
    return {"error": {"message": message, "type": "invalid_request_error", **members}}


def extra(*loc: object) -> dict[str, object]:
    """FastAPI's error for an unknown field."""
    complaint = {"type": "extra_forbidden", "loc": ["body", *loc], "input": "echo of tools"}
    return {"detail": [{**complaint, "msg": "Extra inputs are not permitted"}]}


@tool
def look_up() -> str:
    """Look it up."""
    return "found it"


def holds(*words: str) -> Refuses:
    """Refuse a body in which one of these words stands."""
    return lambda body: any(word in json.dumps(body) for word in words)


def picky(
    dialect: BuiltInDialect,
    refuses: Refuses,
    error: object,
    *,
    status: int = 400,
    says: Sequence[ResponseText] = (FINAL,),
    wire: Callable[[ResponseText], bytes] | None = None,
) -> Answer:
    """Respond with the error while the body is rejected, then with `says`, in order.

    The last repeats.
    """
    whole = error if isinstance(error, bytes) else json.dumps(error).encode()
    given = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal given
        if refuses(json.loads(await request.read())):
            return web.Response(body=whole, status=status, content_type="application/json")
        message = says[min(given, len(says) - 1)]
        given += 1
        kind = WIRES[dialect].content_type
        body = wire(message) if wire is not None else WIRES[dialect].body(message)
        return web.Response(body=body, headers={"Content-Type": kind})

    return answer


@asynccontextmanager
async def asking(
    answer: Answer,
    folder: Path,
    dialect: BuiltInDialect = "openai-chat",
    more: str = "",
    other: Model | None = None,
) -> AsyncGenerator[tuple[Runs, Upstream]]:
    """Open runs on a model of this provider, and perhaps another; with a tool and a picture."""
    async with serving(answer) as upstream:
        toml = f'[hosts.lab]\ndialect = "{dialect}"\nbase_url = "{upstream.url}"\n{more}\n'
        async with (
            models_of(toml, folder, {"LAB_KEY": "k"}) as models,
            open_runs(
                *(model for model in (models.open("lab/m"), other) if model is not None),
                tools=[look_up],
                attachments=FixedAttachments(picture=PICTURE),
                system_prompt="Be brief.",
            ) as runs,
        ):
            yield runs, upstream


async def asked(runs: Runs, text: str = "Hello", **request: object) -> list[Event]:
    """Ask, and return all events of the run."""
    return await events_of(runs, text, **request)


def answer_of(events: Sequence[Event]) -> str:
    end = events[-1]
    assert isinstance(end, RunEnded)
    assert end.status == "completed", end.error
    return "".join(event.text for event in events if isinstance(event, AnswerDelta))


def notices(events: Sequence[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Notice)]


def bodies(upstream: Upstream) -> list[dict[str, Any]]:
    return [json.loads(body) for body in upstream.bodies]

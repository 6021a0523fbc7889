"""Restrictions of a key: models, efforts, requests, runs and tokens."""

from typing import Any

import pytest

from tests.server.credentials import Named, credential
from tests.server.serving import Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.ports.principal import Principal, UsageLimits
from thinkaloud.testing import ScriptedModel, Silence, finish, say, think

ANA = credential("ana")


def known(**restrictions: Any) -> Named:
    """One principal with these restrictions."""
    return Named(ana=Principal("ana", **restrictions))


def limits(**fields: int) -> Named:
    return known(limits=(("key:1", UsageLimits(**fields)),))


async def send(served: Served, **fields: Any) -> tuple[int, Any, Any]:
    """Send a message, and return the status, the headers and the body of the answer."""
    url, body = f"{served.api}/chat/message", {"text": "Hi", **fields}
    async with served.session.post(url, json=body, headers=ANA) as response:
        return response.status, response.headers, await response.json()


@pytest.mark.parametrize("model", ["scripted/other", "no/such"])
async def test_a_model_outside_the_keys_patterns_is_refused_whether_it_exists_or_not(
    model: str,
) -> None:
    models = ScriptedModel([say("Hi")]), ScriptedModel([say("Hi")], model_id="scripted/other")
    async with serving(*models, authenticator=known(models=("scripted/model",))) as served:
        status, _, problem = await send(served, model=model)
        assert (status, problem["code"], problem["field"]) == (403, "forbidden", "model")
        assert (await send(served))[0] == 200


async def test_a_default_model_outside_the_keys_patterns_is_refused() -> None:
    async with serving(ScriptedModel([say("Hi")]), authenticator=known(models=("a/*",))) as served:
        status, _, problem = await send(served)
        assert (status, problem["field"]) == (403, "model")


async def test_an_effort_above_the_highest_permitted_one_is_refused() -> None:
    model = ScriptedModel([say("Hi")], [say("Hi")], [say("Hi")])
    async with serving(model, authenticator=known(max_effort="low")) as served:
        for effort in ("medium", "high"):
            status, _, problem = await send(served, reasoning_effort=effort)
            assert (status, problem["field"]) == (403, "reasoning_effort")
        assert (await send(served, reasoning_effort="low"))[0] == 200
        assert (await send(served))[0] == 200
    assert [request.effort for request in model.requests] == ["low", "low"]


async def test_too_many_requests_are_refused_with_a_retry_after() -> None:
    model = ScriptedModel([say("Hi")], [say("Hi")])
    async with serving(model, authenticator=limits(requests_per_minute=1)) as served:
        assert (await send(served))[0] == 200
        status, headers, problem = await send(served)
        assert (status, problem["code"]) == (429, "rate_limited")
        assert 50 < int(headers["Retry-After"]) <= 60
        assert "x-should-retry" not in headers
        # Reading is not limited, and neither is a request that starts nothing.
        assert (await served.get("/conversations", headers=ANA))[0] == 200
    assert len(model.requests) == 1


async def test_a_refused_request_is_not_counted() -> None:
    model = ScriptedModel([say("Hi")])
    async with serving(model, authenticator=limits(requests_per_minute=1)) as served:
        assert (await send(served, model="no/such"))[0] == 404
        assert (await send(served))[0] == 200


async def test_a_second_run_at_the_same_time_is_refused_until_the_first_has_ended() -> None:
    model = ScriptedModel([think("Hm"), Silence()], [say("Hi")])
    async with serving(model, authenticator=limits(concurrent_runs=1)) as served:
        url, body = f"{served.api}/chat/stream-sse", {"text": "Hi"}
        async with served.session.post(url, json=body, headers=ANA) as response:
            run_id = response.headers["X-Run-ID"]
        status, headers, problem = await send(served)
        assert (status, problem["code"]) == (429, "rate_limited")
        assert int(headers["Retry-After"]) > 0
        await served.runs.stop("ana", run_id)
        assert (await send(served))[0] == 200


async def test_a_spent_budget_is_not_retryable() -> None:
    used = Usage(input_tokens=60, output_tokens=50)
    model = ScriptedModel([say("Hi"), finish(usage=used)])
    async with serving(model, authenticator=limits(tokens_per_day=100)) as served:
        assert (await send(served))[0] == 200
        status, headers, problem = await send(served)
        assert (status, problem["code"]) == (429, "budget_spent")
        assert headers["x-should-retry"] == "false"
        assert 0 < int(headers["Retry-After"]) <= 86_400
        assert problem["retryable"] is False

"""LiteLLM, in an environment of its own."""

import asyncio
import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # It would download one.

import litellm
from commands import serve

litellm.suppress_debug_info = True
litellm.telemetry = False
RETRIES = {"max_retries": 0, "num_retries": 0}


def _options(url: str, protocol: str) -> dict[str, Any]:
    if protocol == "anthropic":
        return {
            "model": "anthropic/scripted/model",
            "api_base": url,
            "api_key": "unused",
            "allowed_openai_params": ["thinking"],
            "thinking": {"type": "enabled", "budget_tokens": 2_000},
            "max_tokens": 4_000,
            **RETRIES,
        }
    return {
        "model": "openai/scripted/model",
        "api_base": f"{url}/v1",
        "api_key": "unused",
        "extra_body": {"include_reasoning": True},
        **RETRIES,
    }


async def stream(
    url: str, messages: list[Any], protocol: str = "openai", tools: Any = None
) -> dict[str, Any]:
    """Stream a completion. Returns its parts, and what was raised after some of them."""
    response = await litellm.acompletion(
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
        tools=tools,
        **_options(url, protocol),
    )
    chunks: list[Any] = []
    raised = None
    try:
        async for chunk in response:
            chunks += [chunk]
    except Exception as error:  # noqa: BLE001 - a part of the result
        raised = type(error).__name__
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    usage = next((chunk.usage for chunk in chunks if getattr(chunk, "usage", None)), None)
    whole = litellm.stream_chunk_builder(chunks, messages=messages) if not raised else None
    return {
        "reasoning": "".join(getattr(d, "reasoning_content", None) or "" for d in deltas),
        "content": "".join(d.content or "" for d in deltas),
        "usage": _usage(usage),
        "raised": raised,
        "message": None if whole is None else whole.choices[0].message.model_dump(),
    }


async def complete(
    url: str, messages: list[Any], protocol: str = "openai", tools: Any = None
) -> dict[str, Any]:
    """Get a whole completion."""
    response = await litellm.acompletion(messages=messages, tools=tools, **_options(url, protocol))
    choice = response.choices[0]
    return {
        "message": choice.message.model_dump(),
        "finish_reason": choice.finish_reason,
        "usage": _usage(response.usage),
    }


async def stop(url: str, messages: list[Any]) -> str:
    """Close the stream after its first reasoning, and return that."""
    response = await litellm.acompletion(messages=messages, stream=True, **_options(url, "openai"))
    async for chunk in response:
        text: str | None = getattr(chunk.choices[0].delta, "reasoning_content", None)
        if text:
            await response.completion_stream.close()
            return text
    return ""


async def respond(url: str, given: Any, previous: str | None = None) -> dict[str, Any]:
    """Get a response of the Responses API."""
    options = _options(url, "openai")
    response = await litellm.aresponses(
        input=given,
        model=options["model"],
        api_base=options["api_base"],
        api_key="unused",
        reasoning={"summary": "auto"},
        previous_response_id=previous,
    )
    kinds = {item.type: item for item in response.output}
    return {
        "id": response.id,
        "reasoning": kinds["reasoning"].summary[0].text if "reasoning" in kinds else "",
        "text": kinds["message"].content[0].text,
    }


def _usage(usage: Any) -> Any:
    if usage is None:
        return None
    details = usage.completion_tokens_details
    return [usage.completion_tokens, None if details is None else details.reasoning_tokens]


if __name__ == "__main__":
    asyncio.run(serve({"stream": stream, "complete": complete, "stop": stop, "respond": respond}))

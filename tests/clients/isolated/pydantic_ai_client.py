"""pydantic-ai as a client, in an environment of its own: aiogram does not allow its pydantic."""

import asyncio
from collections.abc import Callable
from typing import Any

from commands import serve
from openai import AsyncOpenAI
from pydantic_ai import Agent, ModelMessagesTypeAdapter
from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, ThinkingPart, ThinkingPartDelta
from pydantic_ai.models.openai import (
    OpenAIChatModel,
    OpenAIResponsesModel,
    OpenAIResponsesModelSettings,
)
from pydantic_ai.providers.openai import OpenAIProvider


def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


def _agent(url: str, protocol: str, tools: list[Callable[..., Any]]) -> Agent:
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="unused", max_retries=0)
    provider = OpenAIProvider(openai_client=client)
    if protocol == "responses":
        settings = OpenAIResponsesModelSettings(openai_reasoning_summary="auto")
        model: Any = OpenAIResponsesModel("scripted/model", provider=provider)
    else:
        settings = {"extra_body": {"include_reasoning": True}}
        model = OpenAIChatModel("scripted/model", provider=provider)
    return Agent(model, model_settings=settings, tools=tools)


async def ask(
    url: str, text: str, protocol: str = "chat", history: Any = None, tools: bool = False
) -> dict[str, Any]:
    """Run an agent, streaming. Returns its output, the reasoning as it streamed, and the history."""
    agent = _agent(url, protocol, [weather] if tools else [])
    streamed: list[str] = []

    async def collect(_: Any, events: Any) -> None:
        async for event in events:
            if isinstance(event, PartStartEvent) and isinstance(event.part, ThinkingPart):
                streamed.append(event.part.content)
            elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, ThinkingPartDelta):
                streamed.append(event.delta.content_delta or "")

    before = None if history is None else ModelMessagesTypeAdapter.validate_python(history)
    result = await agent.run(text, message_history=before, event_stream_handler=collect)
    usage = result.usage
    return {
        "output": result.output,
        "reasoning": "".join(streamed),
        "history": ModelMessagesTypeAdapter.dump_python(result.all_messages(), mode="json"),
        "usage": [usage.output_tokens, usage.details.get("reasoning_tokens")],
    }


async def stop(url: str, text: str, protocol: str = "chat") -> str:
    """Cancel an agent at its first reasoning, and return that."""
    agent = _agent(url, protocol, [])
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def collect(_: Any, events: Any) -> None:
        async for event in events:
            text: str | None = None
            if isinstance(event, PartStartEvent) and isinstance(event.part, ThinkingPart):
                text = event.part.content
            elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, ThinkingPartDelta):
                text = event.delta.content_delta
            if text and not first.done():
                first.set_result(text)

    task = asyncio.create_task(agent.run(text, event_stream_handler=collect))
    found = await first
    task.cancel()
    await asyncio.wait([task])
    return found


if __name__ == "__main__":
    asyncio.run(serve({"ask": ask, "stop": stop}))

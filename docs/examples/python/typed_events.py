"""The typed events: everything that happens, tools included."""

import asyncio

from thinkaloud import Agent
from thinkaloud.events.event import (
    AnswerDelta,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    ToolEnded,
    ToolStarted,
)


async def main(model=None):
    async with Agent(model) as agent:
        async for event in agent.events("What is 12 * (3 + 4)?"):
            match event:
                case ReasoningDelta(text=text) | AnswerDelta(text=text):
                    print(text, end="")
                case ReasoningEnded(duration_ms=milliseconds):
                    print(f"\n[thought for {milliseconds} ms]")
                case ToolStarted(name=name, arguments=arguments):
                    print(f"[{name} {arguments}]")
                case ToolEnded(name=name, status=status, result=result):
                    print(f"[{name}: {status}, {result}]")
                case RunEnded(status=status, usage=usage):
                    print(f"\n[{status}, {usage.output_tokens if usage else '?'} tokens]")
                case _:
                    pass


if __name__ == "__main__":
    asyncio.run(main())

"""Step 3: a hook that sees every thought and every tool call."""

import asyncio

from shop import shopkeeper, stock
from thinkaloud import Agent, AgentHook


class Watcher(AgentHook):
    async def emit_reasoning(self, delta):
        print(f"thinks {delta!r}")

    async def emit_reasoning_end(self):
        print("has thought")

    async def before_execute_tools(self, calls):
        print("calls", ", ".join(f"{call.name} {call.arguments}" for call in calls))

    async def finalize_content(self, content):
        return f"{content}Come again!"


async def main(model):
    async with Agent(model, tools=[stock], hooks=[Watcher]) as agent:
        reply = await agent.chat("Have you any apples?")
        print(reply["assistant_response"])


if __name__ == "__main__":
    asyncio.run(main(shopkeeper()))

"""Step 2: a tool of your own, and a model that plays a script."""

import asyncio

from thinkaloud import Agent, ToolError, tool
from thinkaloud.testing import ScriptedModel, call_tool, say, think

SHELF = {"apples": 12, "pears": 0}


@tool
def stock(fruit: str) -> int:
    """Say how many of a fruit are on the shelf.

    Args:
        fruit: its name in the plural, such as "apples".
    """
    if fruit not in SHELF:
        raise ToolError(f"There is no {fruit!r} here. There are: {', '.join(SHELF)}.")
    return SHELF[fruit]


def shopkeeper():
    """Return a model that says this, and nothing else."""
    return ScriptedModel(
        [think("They want to know ", "about apples. "), call_tool("stock", {"fruit": "apples"})],
        [think("Twelve. That will do."), say("Yes: ", "12 apples are left.")],
    )


async def main(model):
    async with Agent(model, tools=[stock]) as agent:
        reply = await agent.chat("Have you any apples?", include_reasoning=True)
        print("thought:", reply["reasoning"])
        print("tool:", reply["action_results"][0]["action"], reply["action_results"][0]["result"])
        print("answer:", reply["assistant_response"])


if __name__ == "__main__":
    asyncio.run(main(shopkeeper()))

"""Tool calls that a person approves, and a tool that asks a question."""

import asyncio

from thinkaloud import Agent, tool
from thinkaloud.ports.model import Model
from thinkaloud.tools import ToolContext

NOTES: list[str] = []


@tool(approval="ask")
def write_note(text: str) -> str:
    """Write a note."""
    NOTES.append(text)
    return f"Wrote {len(text)} characters."


@tool
async def book_table(run: ToolContext) -> str:
    """Book a table."""
    form = {"type": "object", "properties": {"people": {"type": "integer"}}, "required": ["people"]}
    answer = await run.ask("For how many?", form)
    return f"Booked for {answer.content['people']}." if answer.content else "Not booked."


async def main(model: str | Model | None = None) -> None:
    """Approve everything."""
    async with Agent(model, tools=[write_note, book_table]) as agent:
        reply = await agent.chat("Note that the figs are sold out.")
        while reply["status"] == "waiting":
            asked = reply.get("approvals", [])[0]
            print(f"{asked['action']}: {asked['arguments']}")
            reply = await agent.resolve_approval(reply["run_id"], asked["approval_id"], "approve")
        print(reply["assistant_response"])


if __name__ == "__main__":
    asyncio.run(main())

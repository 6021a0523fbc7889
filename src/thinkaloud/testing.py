"""A scripted model for your tests, so that they don't need a provider.

from thinkaloud import Agent
from thinkaloud.testing import ScriptedModel, say, think

model = ScriptedModel([think("Easy."), say("4")])
async with Agent(model=model) as agent:
    reply = await agent.chat("2 + 2?", include_reasoning=True)
"""

from thinkaloud.events.model import ModelFailed, ModelFinished, Usage
from thinkaloud.providers.scripted import (
    Batch,
    Cut,
    Script,
    ScriptedModel,
    ScriptExhausted,
    Silence,
    Wait,
    call_tool,
    finish,
    say,
    think,
)

__all__ = [
    "Batch",
    "Cut",
    "ModelFailed",
    "ModelFinished",
    "Script",
    "ScriptExhausted",
    "ScriptedModel",
    "Silence",
    "Usage",
    "Wait",
    "call_tool",
    "finish",
    "say",
    "think",
]

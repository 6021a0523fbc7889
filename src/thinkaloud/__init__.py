"""An agent server that treats a model's reasoning as a first-class live stream.

    from thinkaloud import Agent

    async with Agent() as agent:
        async for message_type, chunk in agent.stream("Why?", include_reasoning=True):
            ...

The names below are the public API. They are imported on first use, to keep the import of the
package fast.
"""

import importlib
from typing import TYPE_CHECKING

from thinkaloud.version import __version__

if TYPE_CHECKING:
    from thinkaloud.agent import Agent
    from thinkaloud.agent_reply import ChatReply, ChatReplyWithReasoning
    from thinkaloud.errors import (
        ConfigurationError,
        InvalidRequest,
        NotFound,
        ProviderError,
        RunFailed,
        ThinkaloudError,
        ToolError,
        UnknownModel,
        UnsupportedEffort,
        UserError,
    )
    from thinkaloud.runtime.runs.hooks import AgentHook
    from thinkaloud.sync import SyncAgent, run_sync
    from thinkaloud.tools.function import tool

_MODULES = {
    "Agent": "thinkaloud.agent",
    "AgentHook": "thinkaloud.runtime.runs.hooks",
    "ChatReply": "thinkaloud.agent_reply",
    "ChatReplyWithReasoning": "thinkaloud.agent_reply",
    "ConfigurationError": "thinkaloud.errors",
    "InvalidRequest": "thinkaloud.errors",
    "NotFound": "thinkaloud.errors",
    "ProviderError": "thinkaloud.errors",
    "RunFailed": "thinkaloud.errors",
    "SyncAgent": "thinkaloud.sync",
    "ThinkaloudError": "thinkaloud.errors",
    "ToolError": "thinkaloud.errors",
    "UnknownModel": "thinkaloud.errors",
    "UnsupportedEffort": "thinkaloud.errors",
    "UserError": "thinkaloud.errors",
    "run_sync": "thinkaloud.sync",
    "tool": "thinkaloud.tools.function",
}

__all__ = [
    "Agent",
    "AgentHook",
    "ChatReply",
    "ChatReplyWithReasoning",
    "ConfigurationError",
    "InvalidRequest",
    "NotFound",
    "ProviderError",
    "RunFailed",
    "SyncAgent",
    "ThinkaloudError",
    "ToolError",
    "UnknownModel",
    "UnsupportedEffort",
    "UserError",
    "__version__",
    "run_sync",
    "tool",
]


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return __all__

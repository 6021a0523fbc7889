"""The ports for persistence, by responsibility.

Conversations, runs and the event log are looked up by owner and id. Uploads, keys and the state of
channels have ports of their own.
"""

from thinkaloud.ports.store.conversations import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    ConversationStore,
)
from thinkaloud.ports.store.event_log import (
    Appended,
    EventLog,
    FinishedRun,
    LogEnd,
    LogPage,
    Stored,
    ended_in,
)
from thinkaloud.ports.store.hints import Hint, Hints, Subscription
from thinkaloud.ports.store.replicas import Replica, ReplicaCounts, Replicas, Token
from thinkaloud.ports.store.run_ownership import RunOwnership
from thinkaloud.ports.store.run_store import Accepted, Outcome, RunStart, RunStore
from thinkaloud.ports.store.runs import OpenRun, RunRecord, RunState, TakenRun, Unfinished
from thinkaloud.ports.store.store import Store

__all__ = [
    "Accepted",
    "Appended",
    "Conversation",
    "ConversationCursor",
    "ConversationKey",
    "ConversationPatch",
    "ConversationStore",
    "EventLog",
    "FinishedRun",
    "Hint",
    "Hints",
    "LogEnd",
    "LogPage",
    "OpenRun",
    "Outcome",
    "Replica",
    "ReplicaCounts",
    "Replicas",
    "RunOwnership",
    "RunRecord",
    "RunStart",
    "RunState",
    "RunStore",
    "Store",
    "Stored",
    "Subscription",
    "TakenRun",
    "Token",
    "Unfinished",
    "ended_in",
]

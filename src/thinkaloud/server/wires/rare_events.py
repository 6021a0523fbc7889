"""The events that an encoder handles one at a time: all but deltas and both ends of a run."""

from thinkaloud.events.event import (
    AnswerEnded,
    IterationStarted,
    ModelResponded,
    Notice,
    ReasoningEnded,
    RunCheckpoint,
    SegmentReclassified,
    ToolEnded,
    ToolProgress,
    ToolRequested,
    ToolStarted,
    VersionSelected,
)
from thinkaloud.events.interaction import Interaction

RareEvent = (
    IterationStarted
    | ReasoningEnded
    | AnswerEnded
    | SegmentReclassified
    | ToolStarted
    | ToolProgress
    | ToolEnded
    | ToolRequested
    | ModelResponded
    | Notice
    | Interaction
    | RunCheckpoint
    | VersionSelected
)

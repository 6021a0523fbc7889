"""The streamed message of a run: https://docs.slack.dev/reference/methods/chat.startStream.

Slack ends a stream after about five minutes, and when somebody presses its stop button. Then it is an ordinary message,
which is edited.
"""

from typing import Any, Final

from thinkaloud.channels.platform.errors import RetryLater, Transient
from thinkaloud.channels.slack.api import Lost, Refusal
from thinkaloud.channels.slack.job import Job
from thinkaloud.channels.slack.render import Change, end_blocks

LIFETIME_MS: Final = 240_000
"""After so long, a stream is ended by us, before Slack does and marks its open rows as failed."""
ENDED: Final = {"message_not_in_streaming_state", "stopped_by_user"}
GONE: Final = {"message_not_found", "cant_update_message", "edit_window_closed"}
_WORKSPACE: Final = {
    *("unknown_method", "method_deprecated", "deprecated_endpoint", "feature_not_enabled"),
    *("missing_scope", "not_allowed_token_type", "method_not_supported_for_channel_type"),
}
"""Refusals of a stream that hold for all chats."""
_CHANNEL: Final = {"channel_not_found", "not_in_channel", "is_archived", "thread_not_found"}
"""Refusals of a stream that hold for any other message too."""


def can_stream(job: Job) -> bool:
    """Whether the run can be shown as a stream: it must reply to somebody, in a thread."""
    return bool(
        job.switches.streams
        and not job.record.stuck
        and job.record.thread
        and job.place.team
        and job.content.origin
    )


async def start(job: Job) -> bool:
    """Start the stream with the content so far."""
    change = await job.change()
    if not change.chunks:
        return True
    origin = job.content.origin
    assert origin is not None
    if not job.may("start"):
        return False
    await job.save(pending="start")
    try:
        started = await job.call(
            "start",
            thread_ts=job.record.thread,
            recipient_user_id=origin.sender.id,
            recipient_team_id=job.place.team,
            task_display_mode="plan",
            chunks=change.chunks,
        )
    except Lost:
        raise
    except Refusal as refusal:
        await job.save(pending="", stuck=True)
        if refusal.code in _CHANNEL:
            raise
        job.switches.streams = job.switches.streams and refusal.code not in _WORKSPACE
        return False
    except (RetryLater, Transient):
        await job.save(pending="")
        raise
    now = job.clock.unix_ms()
    await job.save(
        pending="", phase="streaming", ts=str(started["ts"]), started_at_ms=now, **_sent(change)
    )
    return True


async def append(job: Job) -> bool:
    """Append what is new. Nothing is appended twice: if an answer is lost, the end puts it right."""
    if job.clock.unix_ms() - job.record.started_at_ms > LIFETIME_MS:
        return await _retire(job)
    change = await job.change()
    if job.record.stuck or not change.chunks:
        return True
    if not job.may("append"):
        return False
    return await _append(job, change)


async def _append(job: Job, change: Change) -> bool:
    try:
        await job.call("append", ts=job.record.ts, chunks=change.chunks)
    except Lost:
        await job.save(**_sent(change) | {"differs": True})
        raise
    except Refusal as refusal:
        return await _refused(job, refusal)
    await job.save(**_sent(change))
    return True


async def stop(job: Job) -> bool:
    """End the stream with the rest of the content. If it may not be ended now, append the rest."""
    change = await job.change()
    clean = not (job.record.differs or job.record.stuck or change.differs)
    try:
        if job.may("stop"):
            return await _stop(job, change, clean=clean)
        if wait := job.wait_ms("stop"):
            raise RetryLater(wait / 1000)
    except RetryLater:
        await _append_rest(job, change, clean=clean)
        raise
    await _append_rest(job, change, clean=clean)
    return False


async def _append_rest(job: Job, change: Change, *, clean: bool) -> None:
    if clean and change.chunks and job.may("append"):
        await _append(job, change)


async def _stop(job: Job, change: Change, *, clean: bool) -> bool:
    thread, containers = job.chat.thread_id or "", job.switches.containers
    blocks = (
        await job.render(end_blocks, job.content, thread, containers=containers) if clean else []
    )
    chunks = change.chunks if clean else _settled_rows(job)
    given = {name: each for name, each in (("chunks", chunks), ("blocks", blocks)) if each}
    try:
        await job.call("stop", ts=job.record.ts, **given)
    except Lost:
        await job.save(differs=True)
        raise
    except Refusal as refusal:
        if refusal.code not in ENDED | GONE and job.record.stuck:
            await job.save(phase="lost")
            return False
        if refusal.code == "invalid_blocks" and blocks and job.switches.containers:
            job.switches.containers = False
            return False
        return await _refused(job, refusal)
    job.stopped = True
    await job.save(phase="done" if clean else "message", **(_sent(change) if clean else {}))
    return clean


async def _retire(job: Job) -> bool:
    """End a stream that gets too old; from then on it is an ordinary message."""
    if not job.may("stop"):
        return False
    rows = _settled_rows(job)
    given = {"chunks": rows} if rows else {}
    try:
        await job.call("stop", ts=job.record.ts, session_status="processing", **given)
    except Lost:
        await job.save(differs=True)
        raise
    except Refusal as refusal:
        return await _refused(job, refusal)
    job.stopped = True
    await job.save(phase="message", differs=True)
    return False


async def _refused(job: Job, refusal: Refusal) -> bool:
    """Note what a stream no longer accepts. Returns whether there is nothing to do until the end."""
    if refusal.code in ENDED:
        await job.save(phase="message", differs=True)
    elif refusal.code in GONE:
        await job.save(phase="lost")
    else:
        await job.save(stuck=True, differs=True)
    return not job.final


def _sent(change: Change) -> dict[str, Any]:
    return {"title": change.title, "rows": change.rows, "text": change.text} | (
        {"differs": True} if change.differs else {}
    )


def _settled_rows(job: Job) -> list[dict[str, Any]]:
    """Chunks that complete the rows in progress: Slack would show them as failed."""
    return [
        {"type": "task_update", "id": name, "title": row.title, "status": "complete"}
        for name, row in job.record.rows.items()
        if row.status == "in_progress"
    ]

"""Ordinary messages: a run without a stream, one whose stream has ended, further parts of a long answer, its document."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import RetryLater, Transient
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.slack.api import Lost, Refusal, SlackApi
from thinkaloud.channels.slack.job import Job
from thinkaloud.channels.slack.parts import further_parts
from thinkaloud.channels.slack.read import Place
from thinkaloud.channels.slack.render import (
    Json,
    digest,
    message_blocks,
    notification,
    plain_blocks,
)
from thinkaloud.channels.slack.streaming import GONE
from thinkaloud.channels.slack.text import escaped, slack_markdown

_EVENT: Final = "thinkaloud_answer"
_BLOCKS: Final = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
_PAGE: Final = 200


async def show_first(job: Job) -> bool:
    """Post or edit the message with the first part of the answer."""
    blocks = await job.render(_blocks, job)
    text = await job.render(notification, job.content)
    made = digest(msgspec.json.encode((blocks, text)).decode())
    if made == job.record.shown:
        return True
    if not blocks:
        return True
    if not await job.room("update" if job.record.ts else "post"):
        return False
    try:
        if job.record.ts:
            await job.call("update", ts=job.record.ts, text=text, blocks=blocks)
            ts = job.record.ts
        else:
            ts = await _post(job, 0, text, blocks)
    except Refusal as refusal:
        return await _refused(job, refusal)
    await job.save(ts=ts, phase="message", shown=made)
    return True


async def show_parts(job: Job) -> bool:
    """Post the further parts of the answer that aren't there yet."""
    parts = await job.render(further_parts, job.answer, job.record.cut)
    for number in range(len(job.record.parts), len(parts)):
        await job.room("post")
        shown = await job.render(slack_markdown, parts[number])
        text = escaped(parts[number][:1000])
        try:
            ts = await _post(job, number + 1, text, [{"type": "markdown", "text": shown}])
        except Refusal as refusal:
            if refusal.code not in _BLOCKS:
                raise
            blocks = await job.render(plain_blocks, job.content, parts[number])
            ts = await _post(job, number + 1, text, blocks)
        await job.save(parts=(*job.record.parts, ts))
    return True


def _blocks(job: Job) -> list[Json]:
    if job.record.plain:
        return plain_blocks(job.content, job.first)
    thread, containers = job.chat.thread_id or "", job.switches.containers
    return message_blocks(job.content, job.first, thread, containers=containers)


async def _post(job: Job, number: int, text: str, blocks: list[Json]) -> str:
    """Post a part. The record says so before, and the message says which part it is: `recover`."""
    await job.save(pending=str(number))
    payload = {"run": job.content.run_id, "part": number}
    thread = {"thread_ts": job.record.thread} if job.record.thread else {}
    try:
        posted = await job.call(
            "post",
            text=text,
            blocks=blocks,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": _EVENT, "event_payload": payload},
            **thread,
        )
    except Lost:
        raise
    except (RetryLater, Refusal, Transient):
        await job.save(pending="")
        raise
    await job.save(pending="")
    return str(posted["ts"])


async def _refused(job: Job, refusal: Refusal) -> bool:
    if refusal.code in GONE and job.record.ts:
        await job.save(ts="", phase="lost", shown="")
        return not job.final
    if refusal.code not in _BLOCKS or job.record.plain:
        raise refusal
    if job.switches.containers and refusal.code.startswith("invalid_blocks"):
        job.switches.containers = False
    else:
        await job.save(plain=True)
    return False


async def send_document(
    api: SlackApi, chat: ChatAddress, origin: Origin, document: Document
) -> None:
    """Upload a file and share it in the thread of the answer. Raises as `SlackApi.call`.

    Only the last call is seen in the chat, so a repetition after an error before it doubles nothing.
    Source: https://docs.slack.dev/messaging/working-with-files/#uploading_files
    """
    found = await api.read(
        "files.getUploadURLExternal", filename=document.name, length=len(document.data)
    )
    await api.upload(str(found["upload_url"]), document.data)
    thread = chat.thread_id or Place.of(origin).thread
    where = {"thread_ts": thread} if thread else {}
    await api.call(
        "files.completeUploadExternal",
        files=[{"id": str(found["file_id"]), "title": document.caption}],
        channel_id=chat.chat_id,
        **where,
    )


async def recover(job: Job) -> None:
    """Find out whether a call whose answer was lost was performed, and note it."""
    pending = job.record.pending
    messages = await _replies(job)
    if pending == "start":
        found = [each for each in messages if each.get("streaming_state") == "in_progress"]
        if found:
            now = job.clock.unix_ms()
            ts = str(found[-1]["ts"])
            await job.save(ts=ts, phase="streaming", started_at_ms=now, differs=True)
    else:
        wanted = {"run": job.content.run_id, "part": int(pending)}
        found = [each for each in messages if _payload(each) == wanted]
        if found and pending == "0":
            await job.save(ts=str(found[-1]["ts"]), phase="message")
        elif found:
            await job.save(parts=(*job.record.parts, str(found[-1]["ts"])))
    await job.save(pending="")


async def _replies(job: Job) -> list[Mapping[str, Any]]:
    """Return the messages of the thread since the person's message. Empty if the app may not read."""
    root = job.record.thread
    origin = job.content.origin
    if not root:
        return []
    try:
        found = await job.api.read(
            "conversations.replies",
            channel=job.chat.chat_id,
            ts=root,
            oldest=origin.message_id if origin else root,
            limit=_PAGE,
            include_all_metadata=1,
        )
    except Refusal:
        return []
    return cast("list[Mapping[str, Any]]", found.get("messages", []))


def _payload(message: Mapping[str, Any]) -> object:
    metadata = cast("Mapping[str, object]", message.get("metadata") or {})
    return metadata.get("event_payload") if metadata.get("event_type") == _EVENT else None

"""One model call of a run: retries, timeouts, limits. Failures are set in the turn machine."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from types import TracebackType

import msgspec

from thinkaloud.core.context_window import fit_to_window, tokens, tokens_of_frame
from thinkaloud.core.prompt_history import MAX_PICTURE_BYTES, turns
from thinkaloud.core.request_reduction import without_images
from thinkaloud.core.retry import notice_of, part_to_leave_out, wait_before_retry
from thinkaloud.errors import ProviderError
from thinkaloud.events.event import Notice
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import ModelEvent, ModelFailed
from thinkaloud.events.prompt import (
    Effort,
    ModelOptions,
    ModelRequest,
    RequestPart,
    ToolSchema,
    Turn,
)
from thinkaloud.ports.execution.engine import Recorder
from thinkaloud.ports.model import Model, PushModel, as_push_model, failed
from thinkaloud.runtime.runs.limits import Limits


class Prompt(msgspec.Struct, frozen=True):
    """The request parameters shared by all model calls of a run."""

    system: str | None
    effort: Effort | None
    conversation_id: str
    history: tuple[Turn, ...] = ()
    """Turns before those of the conversation's own runs."""
    options: ModelOptions = ModelOptions()


class ModelCaller:
    """Makes the model calls of one run."""

    def __init__(
        self,
        model: Model,
        prompt: Prompt,
        earlier: Sequence[RunFold],
        recorder: Recorder,
        limits: Limits,
    ) -> None:
        self._model = model
        self._pushing = as_push_model(model)
        self._prompt = prompt
        self._earlier = earlier
        self._all_earlier = len(earlier)
        self._tools: tuple[ToolSchema, ...] | None = None
        self._history_tokens = tokens(prompt.history)
        self._frame_tokens = 0
        self._recorder = recorder
        self._limits = limits
        self._max_output_tokens = _lower(limits.max_output_tokens, prompt.options.max_output_tokens)
        self._without: frozenset[RequestPart] = frozenset()

    async def call(self, tools: tuple[ToolSchema, ...]) -> None:
        """Start an iteration and make its model call, retrying where allowed (P6)."""
        recorder, turn = self._recorder, self._recorder.turn
        if tools != self._tools:
            self._tools = tools
            frame = tokens_of_frame(self._prompt.system, tools)
            self._frame_tokens = frame + self._history_tokens
        for event in turn.begin_iteration(self._max_output_tokens, self._limits.max_tool_calls):
            recorder.append(event)
        self._leave_out()
        await recorder.hooks.call("before_iteration", turn.iteration)
        attempt = 1
        while True:
            await self._attempt(self._request())
            failure = turn.failure
            if failure is None:
                return
            part = part_to_leave_out(failure, self._without, visible=turn.visible)
            if part is not None:
                self._without |= {part}
                recorder.append(notice_of(part))
                turn.begin_attempt()
                continue
            wait = wait_before_retry(
                failure, attempt, visible=turn.visible, max_wait=self._limits.max_retry_wait_seconds
            )
            if wait is None:
                return
            recorder.append(_retry_notice(failure, wait))
            await recorder.clock.sleep(wait)
            turn.begin_attempt()
            attempt += 1

    def _leave_out(self) -> None:
        """Drop the earlier runs that no longer fit the context window, with a notice."""
        fitted = fit_to_window(
            self._earlier,
            self._recorder.fold,
            self._model.info.max_tokens,
            self._max_output_tokens,
            self._frame_tokens,
        )
        if len(fitted) < len(self._earlier):
            self._earlier = fitted
            self._recorder.append(_left_out(self._all_earlier - len(fitted)))

    async def _attempt(self, request: ModelRequest) -> None:
        limits, recorder = self._limits, self._recorder
        try:
            async with IdleTimeout(limits.idle_timeout_seconds) as idle:
                if self._pushing is not None and not recorder.hooks:
                    await self._push(self._pushing, request, idle)
                else:
                    await self._pull(self._model, request, idle)
        except TimeoutError:
            message = f"The model sent nothing for {limits.idle_timeout_seconds:g} seconds."
            await recorder.feed([ModelFailed("provider_timeout", message, retryable=True)])
        except ProviderError as error:
            await recorder.feed([failed(error)])

    async def _pull(self, model: Model, request: ModelRequest, idle: "IdleTimeout") -> None:
        """Read the response. Hooks are awaited for each event."""
        recorder, limit = self._recorder, self._limits.max_response_chars
        now = asyncio.get_running_loop().time
        size = 0
        async with aclosing(model.stream(request)) as stream:
            async for batch in stream:
                if batch:
                    idle.touched_at = now()
                    size += await recorder.feed(batch)
                if size > limit:
                    await recorder.feed([_endless(limit)])
                if recorder.turn.failure is not None:
                    break

    async def _push(self, model: PushModel, request: ModelRequest, idle: "IdleTimeout") -> None:
        """Record the response from where it is received: nothing waits between the two."""
        recorder, limit = self._recorder, self._limits.max_response_chars
        turn, now = recorder.turn, asyncio.get_running_loop().time
        size = 0

        def take(batch: Sequence[ModelEvent]) -> bool:
            nonlocal size
            if batch:
                idle.touched_at = now()
                size += recorder.record(batch)
                if size > limit:
                    recorder.record([_endless(limit)])
            return turn.failure is None

        await model.push(request, take)

    def _request(self) -> ModelRequest:
        prompt, info = self._prompt, self._model.info
        return ModelRequest(
            model=info.id.partition("/")[2],
            turns=(
                *(prompt.history if info.images else map(without_images, prompt.history)),
                *turns(
                    [*self._earlier, self._recorder.fold],
                    picture_bytes=MAX_PICTURE_BYTES if info.images else 0,
                    find_payload=self._recorder.find_payload,
                ),
            ),
            system=prompt.system,
            tools=self._tools or (),
            effort=prompt.effort,
            max_output_tokens=self._max_output_tokens,
            send_opaque="opaque" not in self._without,
            conversation_id=prompt.conversation_id,
            without=self._without,
            options=self._options(),
        )

    def _options(self) -> ModelOptions:
        """Return the options; later model calls may always answer without another tool call."""
        options = self._prompt.options
        if self._recorder.turn.iteration == 1 or options.tool_choice in {None, "none"}:
            return options
        return msgspec.structs.replace(options, tool_choice=None)


class IdleTimeout:
    """Raises `TimeoutError` in its block once `touched_at` is `seconds` ago.

    `touched_at` is a time of the event loop. The timer is set again when it fires, and not for
    every token.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self.touched_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "IdleTimeout":
        await self._timeout.__aenter__()
        self._timer = self._loop.call_later(self._seconds, self._check)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if self._timer is not None:
            self._timer.cancel()
        return await self._timeout.__aexit__(kind, error, trace)

    def _check(self) -> None:
        now = self._loop.time()
        left = self.touched_at + self._seconds - now
        if left > 0:
            self._timer = self._loop.call_later(left, self._check)
        else:
            self._timeout.reschedule(now)


def _lower(first: int | None, second: int | None) -> int | None:
    limits = [limit for limit in (first, second) if limit is not None]
    return min(limits, default=None)


def _retry_notice(failure: ModelFailed, wait: float) -> Notice:
    return Notice("provider_retry", f"{failure.message} Trying again in {wait:g} seconds.")


def _left_out(count: int) -> Notice:
    omitted = "message and its answer" if count == 1 else "messages and their answers"
    return Notice(
        "context_trimmed", f"The first {count} {omitted} no longer fit the model's window."
    )


def _endless(limit: int) -> ModelFailed:
    message = f"The model's stream was cut off after {limit:,} characters."
    return ModelFailed("provider_stream_cut", message)

"""`thinkaloud doctor --url`: check whether a proxy delays or changes event streams."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import aiohttp
import msgspec
from rich.text import Text

from thinkaloud.cli.ui.sanitize import one_line

_PATH: Final = "/api/v1/diagnostics/stream"
_SECONDS: Final = 30.0
_PROXY_HEADERS: Final = (
    "Server",
    "Via",
    "X-Cache",
    "CF-Cache-Status",
    "CF-Ray",
    "X-Amz-Cf-Id",
    "X-Varnish",
    "Content-Type",
    "Content-Encoding",
    "Cache-Control",
    "Transfer-Encoding",
    "Content-Length",
    "Connection",
)
"""Response headers that identify proxies or affect streaming."""
_ADVICE: Final[tuple[tuple[str, str], ...]] = (
    ("cloudflare", "In Cloudflare, turn off caching and response rewriting for this path."),
    ("nginx", "In nginx, set `proxy_buffering off;` and `gzip off;` for this location."),
    ("varnish", "In Varnish, `set beresp.do_stream = true;` and pipe event streams."),
    ("apache", "In Apache, add `flushpackets=on` to ProxyPass and turn off DEFLATE for this path."),
    ("cloudfront", "In CloudFront, turn off compression and caching for this path."),
)
_PLAIN_ADVICE: Final = (
    "A proxy, a CDN or a virus scanner between you and the server buffers responses. Turn off"
    " its buffering and compression for text/event-stream."
)

Verdict = Literal["live", "buffered", "compressed", "no_heartbeats", "cut", "no_stream"]


class StreamCheck(msgspec.Struct, frozen=True):
    """The result of reading a test stream. Times are milliseconds on this machine's clock."""

    url: str
    """The URL, without user name and password."""
    verdict: Verdict
    detail: str
    advice: str = ""
    status: int | None = None
    headers: dict[str, str] = {}
    """Response headers that identify proxies or affect streaming."""
    events: int = 0
    events_sent: int | None = None
    heartbeats: int = 0
    first_event_ms: int | None = None
    """From the request to the first event."""
    sent_over_ms: int | None = None
    """From the first event to the last, on the server's clock."""
    came_over_ms: int | None = None
    """From the first event to the last, as they arrived."""


class _Tick(msgspec.Struct, frozen=True):
    number: int
    of: int
    sent_at_ms: int


class _Received:
    """The events received so far, and when."""

    def __init__(self) -> None:
        self.ticks: list[tuple[int, _Tick]] = []
        self.comments = 0
        self._rest = b""

    def feed(self, data: bytes, at_ms: int) -> None:
        """Parse the next bytes. Raises `msgspec.MsgspecError` if this is not a test stream."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b":"):
                self.comments += 1
            elif line.startswith(b"data:"):
                tick = msgspec.json.decode(line.removeprefix(b"data:"), type=_Tick)
                self.ticks.append((at_ms, tick))


async def check_stream(url: str, key: str | None = None) -> StreamCheck:
    """Read the server's test stream at a URL and report how it arrived.

    A user name and password in the URL are sent with the request. An API key is sent as
    `x-api-key`, because they need the header `Authorization`.
    """
    received = _Received()
    headers: dict[str, str] = {}
    status: int | None = None
    fault = ""
    started_ms = _now_ms()
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session,
            session.get(
                url.rstrip("/") + _PATH,
                # As a browser would: proxies compress only if the client accepts it.
                headers={
                    "Accept": "text/event-stream",
                    "Accept-Encoding": "gzip, deflate",
                    **({} if key is None else {"x-api-key": key}),
                },
            ) as response,
        ):
            status = response.status
            headers = {
                name: response.headers[name] for name in _PROXY_HEADERS if name in response.headers
            }
            async for chunk in response.content.iter_any():
                received.feed(chunk, _now_ms())
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        fault = _error_message(error)
    report = StreamCheck(
        _without_password(url),
        "live",
        "",
        status=status,
        headers=headers,
        events=len(received.ticks),
        heartbeats=received.comments,
    )
    return _with_verdict(_with_timing(report, received, started_ms), fault)


def _without_password(url: str) -> str:
    return re.sub(r"(?<=//)[^/?#]*@", "", url, count=1)


def _error_message(error: Exception) -> str:
    match error:
        case aiohttp.InvalidURL():
            return "The URL must start with http:// or https://."
        case aiohttp.ClientSSLError():
            return f"{error}."
        case aiohttp.ClientConnectorError():
            return "The server did not respond."
        case _:
            return str(error) or "It did not respond in time."


def _with_timing(report: StreamCheck, received: _Received, started_ms: int) -> StreamCheck:
    if not received.ticks:
        return report
    (first_ms, first), (last_ms, last) = received.ticks[0], received.ticks[-1]
    return msgspec.structs.replace(
        report,
        events_sent=first.of,
        first_event_ms=first_ms - started_ms,
        sent_over_ms=last.sent_at_ms - first.sent_at_ms,
        came_over_ms=last_ms - first_ms,
    )


def _with_verdict(report: StreamCheck, fault: str) -> StreamCheck:
    verdict, detail = _verdict(report, fault)
    advice = "" if verdict in {"live", "no_stream"} else _advice(report.headers)
    return msgspec.structs.replace(report, verdict=verdict, detail=detail, advice=advice)


def _verdict(report: StreamCheck, fault: str) -> tuple[Verdict, str]:
    sent, came = report.sent_over_ms, report.came_over_ms
    encoding = report.headers.get("Content-Encoding", "identity")
    if sent is None or came is None or report.events_sent is None:
        what = fault or f"The response has status {report.status} and no test stream."
        return (
            "no_stream",
            f"{what} Check that this URL belongs to a thinkaloud server of this version.",
        )
    if came < sent / 2:
        return "buffered", (
            f"{report.events} events sent over {sent} ms arrived within {came} ms: something"
            " between you and the server buffers them."
        )
    if encoding != "identity":
        return "compressed", f"The stream arrives compressed ({encoding}), which delays tokens."
    if report.events < report.events_sent:
        came = f"{report.events} of {report.events_sent}"
        return "cut", f"The stream ended early: {came} events arrived."
    if report.heartbeats < report.events_sent - 1:
        return "no_heartbeats", (
            "The heartbeat comments that keep an idle stream open are missing: something between "
            "you and the server removes them."
        )
    return "live", f"{report.events} events arrived without delay."


def _advice(headers: Mapping[str, str]) -> str:
    seen = " ".join(f"{name} {value}" for name, value in headers.items()).lower()
    # CDNs also identify themselves in header names.
    seen += " cloudflare" * ("cf-ray" in seen) + " cloudfront" * ("x-amz-cf-id" in seen)
    named = [advice for name, advice in _ADVICE if name in seen]
    return " ".join(named) or _PLAIN_ADVICE


def stream_check_lines(report: StreamCheck) -> Iterator[Text]:
    """Return the report as lines for a terminal."""
    good = report.verdict == "live"
    mark = ("✓ ", "green") if good else ("✗ ", "red")
    word = report.verdict.replace("_", " ")
    yield Text.assemble(mark, (f"{word}: ", "bold"), one_line(report.detail, 400))
    if report.first_event_ms is not None:
        yield Text(f"  First event after {report.first_event_ms} ms.")
        yield Text(
            f"  Sent over {report.sent_over_ms} ms, arrived over {report.came_over_ms} ms,"
            f" {report.heartbeats} heartbeats."
        )
    for name, value in report.headers.items():
        yield Text(f"  {name}: {one_line(value, 200)}", style="dim")
    if report.advice:
        yield Text("- ", style="red") + Text(report.advice)


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000

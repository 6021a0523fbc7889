"""What decoding costs: CPU microseconds per chunk, for every dialect, beside the official SDKs."""

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence

from benchmarks.support.sdk import AVAILABLE, parsers
from tests.corpus import CORPUS, Case
from tests.providers.streams import WIRES, ResponseText, decoder
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.hosts.host import BuiltInDialect

WORDS = ("Let", " me", " think", " about", " it", ",", " step", " by", " step", ".\n")
CHUNKS = 4_000
REPEATS = 5
TARGET_US = 10.0

FAMILIES: dict[str, BuiltInDialect] = {
    "openai-chat": "openai-chat",
    "openai-chat-inline": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic-messages": "anthropic-messages",
    "google-generatecontent": "google-generate",
    "google-interactions": "google-interactions",
    "bedrock-converse": "bedrock-converse",
    "cohere-v2": "cohere-chat",
    "ollama-native": "ollama-chat",
}
"""The wire families of the recordings, and who decodes them."""


def microseconds(work: Callable[[], object], chunks: int) -> float:
    """Return the CPU time of the quickest of some runs, per chunk."""
    times: list[float] = []
    for _ in range(REPEATS):
        gc.collect()
        gc.freeze()  # so that what is loaded by now is not looked through again
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) / chunks * 1e6


def together(body: bytes) -> list[bytes]:
    """Cut a body as a fast network does."""
    return [body[at : at + 65_536] for at in range(0, len(body), 65_536)]


def play(make: Callable[[], Decoder], pieces: Sequence[bytes]) -> None:
    """Decode a whole response."""
    reader = make()
    for piece in pieces:
        reader.feed(piece)
    reader.close()


def made() -> None:
    """Measure the hand-made streams, and the SDKs on the same bytes."""
    words = [WORDS[place % len(WORDS)] for place in range(CHUNKS // 2)]
    response = ResponseText(words, words)
    print(f"Hand-made streams of {CHUNKS} chunks, half of them reasoning; CPU µs per chunk")
    print(f"  {'':24}{'apart':>9}{'together':>10}")
    sdks = parsers()
    for name, wire in WIRES.items():
        events = wire.events(response)
        whole = together(b"".join(events))
        apart = microseconds(lambda: play(wire.decoder, events), len(events))  # noqa: B023
        at_once = microseconds(lambda: play(wire.decoder, whole), len(events))  # noqa: B023
        missed = f"   over the {TARGET_US:.0f} µs aimed at" if apart > TARGET_US else ""
        print(f"  {name:24}{apart:9.2f}{at_once:10.2f}{missed}")
        if name in sdks:
            parse = sdks[name]
            assert parse(events) > CHUNKS
            apart = microseconds(lambda: parse(events), len(events))  # noqa: B023
            at_once = microseconds(lambda: parse(whole), len(events))  # noqa: B023
            label = f"  {name.partition('-')[0]} SDK"
            print(f"  {label:24}{apart:9.2f}{at_once:10.2f}")
    for missing in sorted({"openai", "anthropic"} - set(AVAILABLE)):
        print(f"  The {missing} SDK is not installed (dependency group bench): not compared.")


def logged() -> None:
    """Measure the recordings, where they are."""
    if CORPUS is None:
        print("The recorded provider streams (../shared/corpus) are not on this machine.")
        return
    by_family: dict[str, list[tuple[float, float]]] = {}
    for meta_file in sorted(CORPUS.glob("*/*/meta.json")):
        meta = json.loads(meta_file.read_text(encoding="utf-8"))
        dialect = FAMILIES.get(meta["wire_family"])
        if dialect is not None and meta["status"] == 200:
            name = f"{meta_file.parent.parent.name}/{meta_file.parent.name}"
            by_family.setdefault(meta["wire_family"], []).append(_one(Case(name), dialect))
    print("Recordings; CPU µs per chunk: median and worst of each wire family")
    print(f"  {'':24}{'apart':>16}{'together':>16}")
    for family, figures in by_family.items():
        cells = ""
        for column in zip(*figures, strict=True):
            cells += f"{statistics.median(column):8.2f}{max(column):8.2f}"
        print(f"  {family:24}{cells}   ({len(figures)} recordings)")


def _one(case: Case, dialect: BuiltInDialect) -> tuple[float, float]:
    events = split(case.body, case.meta["content_type"])
    rounds = max(1, 2_000 // len(events))
    whole = together(case.body)

    def make() -> Decoder:
        return decoder(dialect, case.meta["content_type"])

    def rerun(pieces: Sequence[bytes]) -> None:
        for _ in range(rounds):
            play(make, pieces)

    chunks = len(events) * rounds
    return microseconds(lambda: rerun(events), chunks), microseconds(lambda: rerun(whole), chunks)


def split(body: bytes, content_type: str) -> list[bytes]:
    """Cut a body into the wire's own events."""
    if content_type.startswith("application/vnd.amazon"):
        pieces: list[bytes] = []
        at = 0
        while at < len(body):
            end = at + int.from_bytes(body[at : at + 4], "big")
            pieces.append(body[at:end])
            at = end
        return pieces
    end_of_event = b"\n" if "ndjson" in content_type else b"\n\n"
    if b"\r\n\r\n" in body:
        end_of_event = b"\r\n\r\n"
    return [piece + end_of_event for piece in body.split(end_of_event) if piece]


def main() -> None:
    """Print all figures."""
    made()
    print()
    logged()


if __name__ == "__main__":
    main()

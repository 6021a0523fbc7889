"""The frames of the long connection, compared with Feishu's own library."""

import contextlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.channels.feishu.frames import Frame, MalformedFrame, decode, encode, ping

_SDK = """
import json, sys, types
from importlib.util import find_spec
# Without the package's own __init__, which imports every API.
package = types.ModuleType("lark_oapi")
package.__path__ = find_spec("lark_oapi").submodule_search_locations
sys.modules["lark_oapi"] = package
from importlib import import_module
ws = types.ModuleType("lark_oapi.ws")
ws.__path__ = [package.__path__[0] + "/ws"]
sys.modules["lark_oapi.ws"] = ws
Frame = import_module("lark_oapi.ws.pb.pbbp2_pb2").Frame
made = Frame(SeqID=2**64 - 1, LogID=300, service=-5, method=1, payload=b"\\x00\\xff",
             payload_encoding="gzip", payload_type="json", LogIDNew="é")
for key, value in (("type", "event"), ("sum", "2")):
    header = made.headers.add()
    header.key, header.value = key, value
theirs = Frame()
theirs.ParseFromString(bytes.fromhex(sys.argv[1]))
headers = {header.key: header.value for header in theirs.headers}
print(json.dumps([made.SerializeToString().hex(), theirs.service, theirs.method, headers]))
"""


def test_feishus_library_writes_and_reads_the_same_frames() -> None:
    mine = encode(ping(33_554_678))
    ran = subprocess.run(
        [sys.executable, "-c", _SDK, mine.hex()], capture_output=True, text=True, check=True
    )
    theirs, service, method, headers = json.loads(ran.stdout)
    assert (service, method, headers) == (33_554_678, 0, {"type": "ping"})
    frame = decode(bytes.fromhex(theirs))
    assert (frame.serial, frame.log_id, frame.method) == (2**64 - 1, 300, 1)
    assert frame.headers == {"type": "event", "sum": "2"}
    assert (frame.payload, frame.payload_encoding) == (b"\x00\xff", "gzip")
    assert (frame.payload_type, frame.log_id_new) == ("json", "é")
    assert encode(frame).hex() == theirs


@given(
    st.integers(0, 2**64 - 1),
    st.dictionaries(st.text(min_size=1), st.text(), max_size=5),
    st.binary(),
)
def test_a_frame_survives_the_wire(serial: int, headers: dict[str, str], payload: bytes) -> None:
    frame = Frame(serial, 1, 2, 1, headers, payload=payload)
    assert decode(encode(frame)) == frame


@given(st.binary())
def test_any_bytes_are_a_frame_or_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedFrame):
        decode(data)


def test_unknown_fields_are_skipped() -> None:
    assert decode(encode(ping(1)) + b"\x52\x03abc\x58\x07\x65abcd\x69abcdefgh") == ping(1)


def test_a_frame_that_is_cut_off_is_malformed() -> None:
    for data in (encode(ping(1))[:-3], b"\xff", b"\x0b"):
        with pytest.raises(MalformedFrame):
            decode(data)

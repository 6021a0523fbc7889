"""JSON on a single line, for Server-Sent Events and NDJSON. Pure."""


def on_one_line(data: bytes) -> bytes:
    """Escape U+0085, U+2028 and U+2029: JSON allows them, but many clients break lines there."""
    if b"\xe2\x80" in data:
        data = data.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return data.replace(b"\xc2\x85", b"\\u0085")

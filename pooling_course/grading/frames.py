"""Frames between the judge and the keeper: eight bytes that say how long, then JSON."""

import json
import os
import select
import struct
import time

LONGEST = 8 << 20  # bytes
scan = json.JSONDecoder().raw_decode  # made before any student could put another in its place


def read_frame(fd, until=None):
    """One frame, and not a byte more: the next belongs to another process. None where it is not whole, or too long.

    Raises:
        TimeoutError: it was not there by that time, as time.monotonic() says it.
    """
    whole = frame(fd, until)
    return None if whole is None else scan(whole[8:].decode())[0]


def frame(fd, until=None):
    """The same frame as it came."""
    head = _read(fd, 8, until)
    length = struct.unpack(">Q", head)[0] if len(head) == 8 else LONGEST + 1
    data = _read(fd, length, until) if length <= LONGEST else b""
    return head + data if 0 < len(data) == length else None


def _read(fd, length, until):
    parts = []
    while length:
        if until is not None and not select.select([fd], [], [], max(0, until - time.monotonic()))[0]:
            raise TimeoutError
        part = os.read(fd, min(length, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def write_frame(fd, value):
    data = json.dumps(value).encode()
    left = memoryview(struct.pack(">Q", len(data)) + data)
    while left:
        left = left[os.write(fd, left) :]

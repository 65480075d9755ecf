"""Which Go built a program, read from the build information that every Go binary carries."""

from __future__ import annotations

import mmap
from pathlib import Path

__all__ = ["go_version"]

_MAGIC = b"\xff Go buildinf:"
_HEADER_SIZE = 32
_FLAGS_OFFSET = 15
_INLINE_STRINGS = 0x2


def go_version(pid: int) -> str:
    """Return the Go version (``go1.26.8``) of the running process *pid*, ``""`` where it can't be read.

    The layout is that of debug/buildinfo: a 32-byte header, then, since Go 1.18, the version as a string that is
    preceded by its length as a varint.
    """
    try:
        with (
            Path(f"/proc/{pid}/exe").open("rb") as binary,
            mmap.mmap(binary.fileno(), 0, access=mmap.ACCESS_READ) as image,
        ):
            return _version(image)
    except (OSError, ValueError):
        return ""


def _version(image: mmap.mmap) -> str:
    # The magic string itself is also a constant in programs that read build information; only the real header is
    # aligned and says that its strings follow inline.
    start = image.find(_MAGIC)
    while start >= 0:
        if start % 16 == 0 and image[start + _FLAGS_OFFSET] & _INLINE_STRINGS:
            length, at = _uvarint(image, start + _HEADER_SIZE)
            return image[at : at + length].decode(errors="replace")
        start = image.find(_MAGIC, start + 1)
    return ""


def _uvarint(image: mmap.mmap, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = image[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7

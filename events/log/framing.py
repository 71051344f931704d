"""The three lines around records: a file's header, a commit's last line, a sealed segment's footer.

A header and a footer have exactly one spelling: a reader parses, spells what it understood, and compares the bytes.

A commit's digest is SHA-256 over the digest before it, as letters, and all the commit's bytes up to the digest; the
letters of the digest and what follows them are compared byte for byte. So a flipped letter case or a zero in front of
a number is found like any other change. The header of a file counts as the beginning of its first commit.
"""

from __future__ import annotations

import hashlib
import struct

import msgspec

#: The format written. A reader refuses a later one.
FORMAT = 1

#: The digest before the first commit.
NOTHING = "0" * 64

#: A commit larger than this is refused by the writer, and so a reader that finds no end within it need not go on.
MAX_COMMIT_BYTES = 32 * 1024 * 1024

#: What stands before a commit's numbers and nowhere else: inside a JSON string a newline is always escaped. (The longer
#: this is, the faster the search: it skips by its length.)
COMMIT_MARK = b'\n{"commit":{"first":'

#: A commit line ends in the digest's 64 letters, these three bytes, and a newline.
COMMIT_END = b'"}}\n'
DIGEST_BYTES = 64


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file's first line: the segment it is, the first seq it will hold, and the digest before it."""

    format: int
    segment: int
    first: int
    previous: str


class CommitMark(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """A commit's last line. `durable` is the last seq known durable before this commit was written."""

    first: int
    last: int
    durable: int
    digest: str


class Footer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sealed segment holds, readable without unpacking it. `size` is in bytes, unpacked."""

    segment: int
    count: int
    first: int
    last: int
    previous: str
    head: str
    size: int


class _HeaderLine(msgspec.Struct, forbid_unknown_fields=True):
    log: Header


class _CommitLine(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    commit: CommitMark


class _FooterLine(msgspec.Struct, forbid_unknown_fields=True):
    sealed: Footer


class _AnyFormat(msgspec.Struct):
    format: int


class _AnyHeaderLine(msgspec.Struct):
    log: _AnyFormat


_encode = msgspec.json.Encoder().encode
_decode_header = msgspec.json.Decoder(_HeaderLine).decode
_decode_any_header = msgspec.json.Decoder(_AnyHeaderLine).decode
_decode_commit = msgspec.json.Decoder(_CommitLine).decode
_decode_footer = msgspec.json.Decoder(_FooterLine).decode

# The footer rides in a skippable frame of fixed length at the end of the file: `zstd -d` passes over it, and a reader
# finds it by seeking from the end.
_SKIPPABLE = 0x184D2A5E
_FOOTER_TEXT_BYTES = 504
FOOTER_BYTES = 8 + _FOOTER_TEXT_BYTES


def header_line(*, segment: int, first: int, previous: str) -> bytes:
    return _encode(_HeaderLine(Header(format=FORMAT, segment=segment, first=first, previous=previous))) + b"\n"


def parse_header(line: bytes) -> Header | None:
    """The header of a line with its newline, or None when it is no header, or not spelled as one."""
    try:
        header = _decode_header(line).log
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if header.format != FORMAT or _encode(_HeaderLine(header)) + b"\n" != line:
        return None
    return header


def format_of(line: bytes) -> int | None:
    """The format a first line claims, whatever else it holds: how a log of a later version is told from damage."""
    try:
        return _decode_any_header(line).log.format
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def commit_head(*, first: int, last: int, durable: int) -> bytes:
    """A commit line up to its digest."""
    return b'{"commit":{"first":%d,"last":%d,"durable":%d,"digest":"' % (first, last, durable)


def parse_commit(line: bytes) -> CommitMark | None:
    """The mark of a commit line with its newline, or None when it is none.

    How it is spelled is not checked here: the numbers are part of what is digested, and whoever checks the digest
    compares it, and what follows it, byte for byte.
    """
    try:
        return _decode_commit(line).commit
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def chained(previous: bytes, lead: bytes, block: bytes | bytearray | memoryview) -> str:
    """A commit's digest: over the digest before it, as letters, and the commit's bytes up to its own digest.

    `lead` is the file's header when this is its first commit, else nothing.
    """
    digest = hashlib.sha256(previous + lead)
    digest.update(block)
    return digest.hexdigest()


def footer_frame(footer: Footer) -> bytes:
    """The footer as `FOOTER_BYTES` bytes to stand at the end of a sealed segment."""
    text = _encode(_FooterLine(footer)).ljust(_FOOTER_TEXT_BYTES - 1) + b"\n"
    assert len(text) == _FOOTER_TEXT_BYTES, f"a footer of {len(text)} bytes does not fit its frame"
    return struct.pack("<II", _SKIPPABLE, _FOOTER_TEXT_BYTES) + text


def parse_footer(frame: bytes) -> Footer | None:
    """The footer of a sealed segment's last `FOOTER_BYTES` bytes, or None when they are none."""
    try:
        footer = _decode_footer(frame[8:]).sealed
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return footer if footer_frame(footer) == frame else None

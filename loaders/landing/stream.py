"""Reads a log file's bytes once: unpacked, verified to the last checksum, hashed.

Compression is detected by the first bytes. A file that may be damaged is refused whole.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import zstandard
from isal import isal_zlib  # twice as quick as zlib

from loaders.errors import DamagedFile, StillGrowing
from loaders.landing.discover import LogFile
from loaders.limits import GB, MB, Limits

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = tuple(bytes([low, 0x2A, 0x4D, 0x18]) for low in range(0x50, 0x60))
BOM = b"\xef\xbb\xbf"

_UNPACK_IT = "unpack it, and land what is in it"
_EXPORT_IT = "export it as JSON Lines"
# First bytes of files that are not logs: what the file is, and what to do with it.
_FOREIGN = {
    b"BZh": ("compressed with bzip2", _UNPACK_IT),
    b"\xfd7zXZ\x00": ("compressed with xz", _UNPACK_IT),
    b"\x04\x22\x4d\x18": ("compressed with lz4", _UNPACK_IT),
    b"\xff\x06\x00\x00sNaPpY": ("compressed with snappy", _UNPACK_IT),
    b"\x1f\x9d": ("compressed with compress", _UNPACK_IT),
    b"PK\x03\x04": ("a zip archive", _UNPACK_IT),
    b"PK\x05\x06": ("a zip archive", _UNPACK_IT),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK_IT),
    b"Rar!\x1a\x07": ("a RAR archive", _UNPACK_IT),
    b"PAR1": ("a Parquet file", _EXPORT_IT),
    b"Obj\x01": ("an Avro file", _EXPORT_IT),
    b"ORC": ("an ORC file", _EXPORT_IT),
    b"ARROW1": ("an Arrow file", _EXPORT_IT),
    b"SQLite format 3\x00": ("a SQLite database", _EXPORT_IT),
    b"%PDF-": ("a PDF document", _EXPORT_IT),
}
# A tar's first header: 512 bytes, filled up with NULs, with this in them.
_TAR = slice(257, 262), b"ustar"
_READ = 4 * MB
_UNPACK = 4 * MB
# Compressed bytes are read in small bites: 4 bytes of zstd can unpack to 128 KB, and gzip members
# may be tiny.
_BITE = 8 << 10
_WIDEST_WINDOW = 128 * MB


@dataclass
class Stream:
    """The unpacked bytes of one file, without a BOM; iterate it once, then ask for `sha256`."""

    file: LogFile
    limits: Limits
    on_read: Callable[[int], None] = lambda _: None  # called with the number of file bytes read
    unpacked: int = 0
    is_read: bool = False  # read to the end, and sound
    _packed: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the unpacked bytes, as hex."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """Blocks of unpacked bytes. Raises `DamagedFile`, possibly after the last block."""
        if self.file.refused_because:
            raise DamagedFile(self.file.refused_because)
        if self.file.remote:
            yield from self._read(self.file.remote.pieces())
        else:
            yield from self._read_from_disk()
        self.is_read = True

    def _read_from_disk(self) -> Iterator[bytes]:
        try:
            # Not blocking: opening a pipe that nobody writes to would wait for ever.
            descriptor = os.open(self.file.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            with open(descriptor, "rb", buffering=0) as raw:
                before = os.fstat(raw.fileno())
                if not stat.S_ISREG(before.st_mode):
                    raise DamagedFile("not a regular file")
                try:
                    # A large buffer costs time, and a small file does not need it.
                    at_once = min(_READ, before.st_size + 1)
                    yield from self._read(iter(lambda: raw.read(at_once) or b"", b""))
                except DamagedFile:
                    _leave_it_if_it_grows(before, os.fstat(raw.fileno()))
                    raise
                _leave_it_if_it_grows(before, os.fstat(raw.fileno()))
        except OSError as error:
            raise DamagedFile(f"cannot be read: {error.strerror or error}") from error

    def _read(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for block in _unpack(self._counted(pieces)):
            if not self.unpacked:
                _refuse_what_is_no_text(block)
            self._digest.update(block)
            at_start, self.unpacked = not self.unpacked, self.unpacked + len(block)
            self._refuse_a_bomb()
            yield block.removeprefix(BOM) if at_start else block

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.on_read(len(piece))
            self._packed += len(piece)
            yield piece

    def _refuse_a_bomb(self) -> None:
        if self.unpacked > self.limits.unpacked_bytes:
            raise DamagedFile(
                f"unpacks to more than {self.limits.unpacked_bytes / GB:,.1f} GB"
                " (DAYBOOK_MAX_UNPACKED_BYTES allows more)"
            )
        if self.unpacked > max(self.limits.ratio_from_bytes, self.limits.ratio * self._packed):
            raise DamagedFile(
                f"unpacks to more than {self.limits.ratio:,.0f} times its size"
                " (DAYBOOK_MAX_RATIO allows more)"
            )


def _leave_it_if_it_grows(before: os.stat_result, after: os.stat_result) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise StillGrowing("still being written; land it again when it is complete")


def _unpack(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    if first.startswith(GZIP):
        return _unpack_gzip(first, pieces)
    if first.startswith((ZSTD, *ZSTD_SKIPPABLE)):
        return _unpack_zstd(first, pieces)
    return _as_it_is(first, pieces)


def _as_it_is(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from pieces


def _unpack_gzip(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack any number of members. The library verifies the checksum and length of each."""
    member, held, rest = isal_zlib.decompressobj(wbits=31), first, memoryview(b"")

    def more() -> bytes:
        nonlocal rest
        if not rest:
            return next(pieces, b"")
        bite, rest = bytes(rest[:_BITE]), rest[_BITE:]
        return bite

    while True:
        try:
            block = member.decompress(held, _UNPACK)
        except isal_zlib.error as error:
            raise DamagedFile(f"damaged gzip: {error}") from error
        if block:
            yield block
        if member.eof:
            held = member.unused_data
            # Each member copies the rest of its bite, and members may be small: hence small bites.
            if len(held) > _BITE:
                held, rest = held[:_BITE], memoryview(held)[_BITE:]
            while len(held) < len(GZIP) and (piece := more()):
                held += piece
            if not held:
                return
            if not held.startswith(GZIP):
                raise DamagedFile("trailing garbage after the gzip stream")
            member = isal_zlib.decompressobj(wbits=31)
        elif member.unconsumed_tail:
            held = member.unconsumed_tail
        elif not (held := more()):
            # The library may still hold output that did not fit into the last block.
            if block:
                continue
            raise DamagedFile("the gzip stream is cut off")


def _unpack_zstd(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack any number of frames, each to its end: a stream cut at a block would look complete."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW)
    frame, at_start, gathered = unpacker.decompressobj(), True, []
    for bite in _bites(first, pieces):
        rest = bite
        while rest:
            try:
                block = frame.decompress(rest)
            except zstandard.ZstdError as error:
                is_garbage = at_start and not rest.startswith((ZSTD, *ZSTD_SKIPPABLE))
                what = "trailing garbage after the zstd stream" if is_garbage else "damaged zstd"
                raise DamagedFile(f"{what}: {error}") from error
            at_start = False
            if block:
                gathered.append(block)
            rest = b""
            if frame.eof:
                rest = frame.unused_data
                frame, at_start = unpacker.decompressobj(), True
        if sum(map(len, gathered)) >= _READ:
            yield b"".join(gathered)
            gathered.clear()
    if gathered:
        yield b"".join(gathered)
    if not at_start:
        raise DamagedFile("the zstd stream is cut off")


def _bites(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in _as_it_is(first, pieces):
        for start in range(0, len(piece), _BITE):
            yield piece[start : start + _BITE]


def _refuse_what_is_no_text(start: bytes) -> None:
    if start.startswith((GZIP, ZSTD)):
        raise DamagedFile("compressed twice; unpack it once")
    for magic, (what, advice) in _FOREIGN.items():
        if start.startswith(magic):
            raise DamagedFile(f"{what}; Daybook reads plain text, gzip and zstd: {advice}")
    place, magic = _TAR
    if start[place] == magic and b"\x00" in start[: place.start]:
        raise DamagedFile(f"a tar archive; Daybook reads no archives: {_UNPACK_IT}")
    if start[8:12] == b"DUCK" and not start.startswith(b"{"):
        raise DamagedFile("a DuckDB database, not a log")
    if start.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")) or _is_wide(start[:4096]):
        raise DamagedFile("unknown encoding: it looks like UTF-16 or UTF-32; Daybook reads UTF-8")


def _is_wide(sample: bytes) -> bool:
    """Whether bytes look like UTF-16 or UTF-32: most letters hold a NUL there, none in UTF-8."""
    return len(sample) >= 4 and 0.25 <= sample.count(0) / len(sample) < 0.9

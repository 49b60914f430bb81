"""A body that is compressed though no header says so, or says it in a word that the HTTP client does not know."""

from __future__ import annotations

import zlib

_MAGIC = b"\x1f\x8b"
_GZIP = 31


class Unpacking:
    """Takes the bytes of a body, gives those that are meant: no text of a model begins as gzip does."""

    def __init__(self) -> None:
        self._head = b""
        self._is_plain = False
        self._unpacker: zlib._Decompress | None = None

    def feed(self, piece: bytes, most: int) -> bytes:
        """What `piece` holds, about `most` bytes of it. What cannot be unpacked is handed on as it is."""
        if self._is_plain:
            return piece
        if self._unpacker is None:
            piece, self._head = self._head + piece, b""
            if len(piece) < len(_MAGIC) and _MAGIC.startswith(piece):
                self._head = piece
                return b""
            if not piece.startswith(_MAGIC):
                self._is_plain = True
                return piece
            self._unpacker = zlib.decompressobj(_GZIP)
        return self._unpack(self._unpacker, piece, most)

    def end(self) -> bytes:
        """What was held back of a body that ended at once."""
        head, self._head = self._head, b""
        return head

    def _unpack(self, unpacker: zlib._Decompress, piece: bytes, most: int) -> bytes:
        unpacked = b""
        try:
            while piece and len(unpacked) <= most:
                unpacked += unpacker.decompress(piece, most + 1 - len(unpacked))
                piece = unpacker.unused_data
                if unpacker.eof:  # each piece of a stream may have been compressed for itself
                    unpacker = self._unpacker = zlib.decompressobj(_GZIP)
        except zlib.error:
            self._is_plain = True
            return unpacked + piece
        return unpacked

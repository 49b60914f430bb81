"""Server-sent events out of bytes, in whatever pieces they come (WHATWG HTML, section 9.2.6).

Only the data of an event is of interest here; `event`, `id` and `retry` lines are skipped. Comments, blank lines
and events without data give nothing, so that a caller who gets no event knows that there was no progress.
"""

from __future__ import annotations

_BOM = b"\xef\xbb\xbf"


class SseParser:
    """Takes bytes, gives the data of each event that they complete.

    Bytes that are no UTF-8 survive as lone surrogates ("surrogateescape"). What is kept between two pieces is one
    unfinished event: the caller limits the length of the whole stream, and so that too.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of a line without its end; joined once, so that a long one costs no more
        self._data: list[str] = []  # lines of data of an event without its end
        self._after_cr = False
        self._at_start = True

    def feed(self, piece: bytes) -> list[str]:
        """The data of the events that end in `piece`."""
        if self._after_cr and piece.startswith(b"\n"):
            piece = piece[1:]  # the second half of a CRLF whose first half has already ended the line
            self._after_cr = False
        if not piece:
            return []
        self._after_cr = piece.endswith(b"\r")
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in piece:
            self._line.append(piece)
            return []
        lines = b"".join((*self._line, piece)).split(b"\n")
        self._line = [lines.pop()]
        return self._read(lines)

    def end(self) -> list[str]:
        """The data of an event that the stream did not end, if any: some servers leave out the last blank line."""
        line, self._line = b"".join(self._line), []
        return self._read([line, b""])

    def _read(self, lines: list[bytes]) -> list[str]:
        if self._at_start:
            lines[0] = lines[0].removeprefix(_BOM)
            self._at_start = False
        events: list[str] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" ").decode("utf-8", "surrogateescape"))
            elif line == b"data":
                self._data.append("")
            elif not line and self._data:
                data = "\n".join(self._data)
                self._data = []
                if data:
                    events.append(data)
        return events

"""The body of one answer, as it comes in: server-sent events, or one JSON document, whatever its headers call it."""

from __future__ import annotations

from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Json
from tales.infrastructure.providers import completion
from tales.infrastructure.providers.json_reading import UnreadableJson, read_json
from tales.infrastructure.providers.sse import SseParser
from tales.infrastructure.providers.stream_accumulator import ParsedChunk, StreamAccumulator
from tales.infrastructure.providers.unpacking import Unpacking
from tales.infrastructure.providers.usage import with_readable_usage

_DONE = "[DONE]"


class ResponseReader:
    """Takes the bytes of a body, gives what each brought, and in the end the whole of it."""

    def __init__(self, max_bytes: int) -> None:
        self.body: Json = None
        """In the end, all that came: the object; where it is none the text, as `{"raw": text}`; None for nothing."""
        self.fault: Failure | None = None
        """Why no more of it is wanted: too large, or not readable."""
        self.is_done = False
        """Whether the stream has said `[DONE]`."""
        self._room = max_bytes
        self._unpacking = Unpacking()
        self._raw: list[bytes] = []  # the body itself, as long as no event in it has been understood
        self._unread: str | None = None  # the event that could not be read
        self._events: SseParser | None = None
        self._is_document = False
        self._chunks: StreamAccumulator | None = None

    @property
    def is_stream(self) -> bool:
        """Whether what came was a stream: chunks, or nothing but comments or the start of an event."""
        if self._chunks is not None or (self._unread is not None and self.fault is None):
            return True
        lines = b"".join(self._raw).splitlines()
        return not self._is_document and all(line.startswith(b":") for line in lines if line.strip())

    @property
    def has_ended(self) -> bool:
        """Whether the stream has said that no more text will come: what may follow is its usage."""
        return self.is_done or (self._chunks is not None and self._chunks.has_ended)

    @property
    def was_whole(self) -> bool:
        """Whether the text had ended before the stream reported an error."""
        return self._chunks is not None and self._chunks.was_whole

    @property
    def streamed_id(self) -> str | None:
        """The provider's id out of the chunks."""
        return completion.name_of(self._chunks.id) if self._chunks is not None else None

    def feed(self, piece: bytes) -> ParsedChunk:
        """Take some bytes in; nothing is taken any more once there is a fault."""
        if self.fault is not None:
            return ParsedChunk()
        return self._feed(self._unpacking.feed(piece, self._room))

    def end(self) -> ParsedChunk:
        """No more bytes will come: read what no line end has ended, and make `body` of it all."""
        parsed = self._feed(self._unpacking.end()) if self.fault is None else ParsedChunk()
        if self._events is not None:
            parsed.add(self._read(self._events.end(), is_whole=False))
        if self._chunks is not None:
            parsed.add(self._chunks.end())
            whole = with_readable_usage(self._chunks.result(is_done=self.is_done))
            self.body = whole | ({} if self._unread is None else {"raw": self._unread})
            return parsed
        text = b"".join(self._raw).decode("utf-8", "surrogateescape")
        document = _read_object(text)
        self.body = with_readable_usage(document) if document is not None else {"raw": text} if text else None
        story = completion.story_text(document)
        return ParsedChunk(story, is_progress=True, has_token=bool(story))

    def _feed(self, piece: bytes) -> ParsedChunk:
        if len(piece) > self._room:
            piece = piece[: self._room]
            self.fault = Failure(
                FailureKind.RESPONSE_TOO_LARGE, "The provider's answer is larger than the limit of its size."
            )
        self._room -= len(piece)
        if self._chunks is None:
            self._raw.append(piece)
        if self._events is None and not self._is_document:
            self._choose_form(piece)
        if self._events is None:
            return ParsedChunk(is_progress=not piece.isspace())
        return self._read(self._events.feed(piece), is_whole=True)

    def _choose_form(self, piece: bytes) -> None:
        """By the first byte that is no white space: a JSON document starts with a bracket, no event does."""
        start = piece.lstrip().removeprefix(b"\xef\xbb\xbf")
        if start.startswith((b"{", b"[")):
            self._is_document = True
        elif start:
            self._events = SseParser()
            self._events.feed(b"".join(self._raw[:-1]))

    def _read(self, events: list[str], *, is_whole: bool) -> ParsedChunk:
        parsed = ParsedChunk()
        for data in events:
            if self.is_done or self._unread is not None:
                break
            if data.strip() == _DONE:
                self.is_done = parsed.is_progress = True
                break
            chunk = _read_object(data)
            if chunk is None:
                self._refuse(data, is_whole=is_whole)
                break
            if self._chunks is None:
                self._chunks = StreamAccumulator()
                self._raw = []
            parsed.add(self._chunks.add(chunk))
        return parsed

    def _refuse(self, data: str, *, is_whole: bool) -> None:
        """Keep an event that cannot be read; it is a fault of the answer, unless the stream was only cut in it."""
        self._unread = data
        if is_whole and self.fault is None:
            self.fault = Failure(
                FailureKind.MALFORMED_RESPONSE, "The provider sent a piece of the answer that is no JSON object."
            )


def _read_object(text: str) -> dict[str, Json] | None:
    try:
        value = read_json(text)
    except UnreadableJson:
        return None
    return value if isinstance(value, dict) else None

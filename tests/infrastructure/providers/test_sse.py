"""Server-sent events out of bytes, however the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.infrastructure.providers.sse import SseParser


def events_of(*pieces: bytes) -> list[str]:
    parser = SseParser()
    return [data for piece in pieces for data in parser.feed(piece)] + parser.end()


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_any_of_the_three_line_ends_ends_a_line(end: bytes) -> None:
    assert events_of(b"data: one" + end + end + b"data: two" + end + end) == ["one", "two"]


def test_a_crlf_cut_in_two_is_one_line_end() -> None:
    assert events_of(b"data: one\r", b"\ndata: two\r", b"\n\r", b"\n") == ["one\ntwo"]


def test_lines_of_data_are_joined_and_lose_one_leading_space() -> None:
    assert events_of(b"data:one\ndata:  two\ndata\n\n") == ["one\n two\n"]


def test_comments_blank_lines_other_fields_and_empty_data_are_no_events() -> None:
    assert events_of(b": OPENROUTER PROCESSING\n\n\nevent: ping\nid: 7\nretry: 1\n\ndata:\n\ndatum: x\n\n") == []


def test_a_byte_order_mark_is_not_part_of_the_first_field() -> None:
    assert events_of(b"\xef\xbb\xbfdata: one\n\n") == ["one"]


def test_bytes_that_are_no_utf8_survive() -> None:
    [data] = events_of(b"data: a\xff\xfeb\n\n")
    assert data.encode("utf-8", "surrogateescape") == b"a\xff\xfeb"


def test_an_event_without_its_last_blank_line_comes_at_the_end() -> None:
    assert events_of(b"data: [DONE]") == ["[DONE]"]


def test_a_long_line_without_an_end_is_kept_once() -> None:
    parser = SseParser()
    for _ in range(2_000):
        assert parser.feed(b"x" * 8_192) == []
    assert parser.end() == []


LINES = st.sampled_from(
    [b"data: a", b"data:", b"data: \xc3\xa9\xe2\x82\xac", b": note", b"", b"", b"event: x", b"data: \xff", b"data"]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=20).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(STREAMS | st.binary(max_size=60), st.lists(st.integers(0, 200), max_size=20))
def test_any_cut_of_the_bytes_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert events_of(*pieces) == events_of(stream) == events_of(*(bytes([byte]) for byte in stream))

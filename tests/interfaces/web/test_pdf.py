"""A story as a PDF: what is in it, what is never in it, and which stories there is none of."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from importlib import resources
from typing import Any

import pytest
import typst
from uuid_utils.compat import uuid7

from tales.domain.errors import TooManyRequests
from tales.domain.generation import AttemptId
from tales.domain.story import Story
from tales.domain.story_spec import LANGUAGES
from tales.interfaces.web import pdf
from tests.factories import CREATED

MARKUP = '#read("/etc/passwd") #eval("1 + 1") $x^2$ *bold* _it_ \\ @ref <label> // gone `raw` = no ~ #{ ['


def story(title: str = "The Kind Dragon", content: str = "Mia slept.") -> Story:
    facts: dict[str, Any] = {"id": uuid7(), "user_id": uuid7(), "created_at": CREATED, "updated_at": CREATED}
    return Story(**facts, title=title, content=content, attempt=AttemptId(uuid7(), 1), version=1)


async def made(told: Story, language: str = "en") -> bytes:
    return await pdf.make_pdf(told, told.content.split("\n"), language)


async def test_it_is_a_tagged_pdf_that_holds_a_title_a_language_and_no_more_of_the_family() -> None:
    told = story("Der Drache im Garten", "Es war einmal ein Drache.\nDer schlief.")

    book = await made(told, "de")

    assert book.startswith(b"%PDF-1.7")
    assert b"/Title(Der Drache im Garten)" in book
    assert b"/Lang(de)" in book
    assert b"<pdfuaid:part>1</pdfuaid:part>" in book
    for unwanted in (b"CreationDate", b"/Author", str(told.user_id).encode(), str(told.id).encode()):
        assert unwanted not in book
    assert book == await made(told, "de"), "the same story is the same file"


async def test_what_somebody_wrote_is_never_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    told = story(f"Once {MARKUP}", f"It says {MARKUP}\nand they slept.")
    sent: list[dict[str, str]] = []
    compiled = typst.compile

    def compile_and_note(*args: Any, sys_inputs: dict[str, str], **options: Any) -> bytes:
        sent.append(sys_inputs)
        return compiled(*args, sys_inputs=sys_inputs, **options)

    monkeypatch.setattr(typst, "compile", compile_and_note)
    assert (await made(told)).startswith(b"%PDF")

    template = resources.files("tales.interfaces.web").joinpath("templates", "pdf", "story.typ").read_bytes()
    set_ = json.loads(typst.query(template, "par", ignore_system_fonts=True, sys_inputs=sent[0]))
    assert {"func": "text", "text": f"It says {MARKUP}"} in [one["body"] for one in set_]


async def test_each_letter_that_is_said_to_be_in_the_font_is_there() -> None:
    letters = re.findall(f"[{pdf.HAS}]", "".join(map(chr, range(0x20, 0x2700))))
    told = story(content=" ".join(f"a{letter}b" for letter in letters))

    assert pdf.can_be_set(told, "en")
    assert await made(told)


def test_a_story_with_letters_that_the_font_lacks_is_not_set() -> None:
    for word in ("قطة", "ねこ", "猫", "고양이", "बिल्ली", "🐉", "\x07", "e" + "\u0301" * 9):
        assert not pdf.can_be_set(story(content=f"Mia and {word}"), "en"), word
        assert not pdf.can_be_set(story(title=word), "en"), word
    assert not pdf.can_be_set(story(content="a " * pdf.MOST), "en")
    for language in LANGUAGES:
        assert pdf.can_be_set(story(), language) == (language not in ("ar", "hi", "ja", "ko", "zh")), language
    for word in ("Żółć", "çocuk", "ёж", "їжак", "Ωδή", "naïve", "“¿Qué?” — «да»…", "e\u0301", "soft\u00adhyphen\u200b"):
        assert pdf.can_be_set(story(content=word), "en"), word


async def test_words_without_an_end_and_other_odd_stories_are_set() -> None:
    for title, content in (("W" * 120, "a" * 5000), ("“" * 120, "“" * 5000), ("1-1", "1-" * 5000), ("\u200b", "")):
        told = story(title, content)
        assert pdf.can_be_set(told, "en")
        assert await made(told)
    assert await made(story(), "no language")


async def test_what_goes_wrong_does_not_quote_the_story(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_badly(*_: object, **__: object) -> bytes:
        raise typst.TypstError("Mia slept", "Mia slept")

    monkeypatch.setattr(typst, "compile", compile_badly)
    with pytest.raises(RuntimeError, match="a story could not be set: TypstError") as raised:
        await made(story())
    assert raised.value.__suppress_context__


async def test_families_take_turns_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[threading.Thread] = set()
    may_end = threading.Event()

    def compile_slowly(*_: object, **__: object) -> bytes:
        threads.add(threading.current_thread())
        assert may_end.wait(20)
        return b"%PDF"

    monkeypatch.setattr(typst, "compile", compile_slowly)
    told = story()
    one_family = [asyncio.ensure_future(made(told)) for _ in range(pdf.BOUNDS.per_client + 2)]
    ended, _ = await asyncio.wait(one_family, return_when=asyncio.FIRST_COMPLETED)
    with pytest.raises(TooManyRequests, match="PDFs of yours wait") as raised:
        await ended.pop()
    assert raised.value.limit == "pdfs_per_client"
    others = [asyncio.ensure_future(made(story())) for _ in range(10)]
    may_end.set()

    ends = await asyncio.gather(*one_family, *others, return_exceptions=True)

    assert ends.count(b"%PDF") == len(ends) - 1, "one family alone does not fill the line"
    assert len(threads) == 1
    assert threading.main_thread() not in threads

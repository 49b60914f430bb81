"""Forms and addresses as nobody fills them in: each is answered, none breaks anything."""

from __future__ import annotations

from itertools import product
from urllib.parse import quote

from fastapi import FastAPI

from tests.fixtures.depth import each_nth
from tests.interfaces.api.limited import within
from tests.interfaces.web.visiting import PAGE, Visitor, pages

# Thirteen: of each fourth pair of a page and one of them, a page has three or four, and all pages together have all.
ODD = (
    b"",
    b"\x00",
    b"x" * 5000,
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"999999999999999999999",
    b"-1",
    b"1.5",
    "٣".encode(),
    "🦄".encode() * 300,
    "\u202e\u200b\ufeff".encode(),
    b"%s %(x)s {0} {{x}} ${x}",
    b"00000000-0000-8000-8000-000000000101",
)
FIELDS = [
    "name",
    "age",
    "interests",
    "gender",
    "appearance",
    "child",
    "hero",
    "relationship",
    "moral",
    "own_moral",
    "minutes",
    "language",
    "sequel_of",
    "key",
    "rating",
    "title",
    "theme",
    "size",
    "next",
    "email",
    "password",
    "current_password",
    "new_password",
    "token",
    "everywhere",
    "first",
]
QUERIES = ("q", "child", "liked", "after", "sequel_of", "next", "ended", "first", "changed", "token")


async def test_no_form_is_too_odd(app: FastAPI, ada: Visitor) -> None:
    paths = [path for path in pages(app, "POST") if path not in {"/sign-out", "/sign-up"}]
    for path, odd in each_nth(4, product(paths, ODD)):
        body = f"form_token={ada.token}".encode()
        body += b"".join(b"&" + name.encode() + b"=" + quote(odd).encode() for name in FIELDS)
        headers = PAGE | {"Origin": ada.origin, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await ada.client.post(path, content=body, headers=headers)
        assert answer.status_code < 500, (path, odd)
        if answer.status_code >= 400:
            assert "<h1>" in answer.text, (path, odd)
    for content_type in (
        "text/plain",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "",
    ):
        answer = await ada.client.post(
            "/tonight", content=b"--x\r\n\x00", headers=PAGE | {"Origin": ada.origin, "Content-Type": content_type}
        )
        assert answer.status_code in {400, 403}, content_type
    assert (await ada.look("/me")).status_code == 200


async def test_no_address_is_too_odd(app: FastAPI, ada: Visitor) -> None:
    for path, odd in each_nth(4, product(pages(app, "GET"), ODD)):
        query = "&".join(f"{name}={quote(odd)}" for name in QUERIES)
        answer = await ada.client.get(f"{path}?{query}", headers=PAGE | {"Accept-Language": "de;q=x,*,--,de-"})
        assert answer.status_code < 500, (path, odd)
    for odd in ("x", "01890a5d", "%00", "..%2f..", "x" * 300):
        for path in ("/stories/{}", "/writing/{}", "/family/children/{}", "/web/{}/style.css", "/web/x/{}"):
            assert (await ada.look(path.format(odd))).status_code in {404, 422}, path.format(odd)


async def test_odd_cookies_are_no_choice(ada: Visitor) -> None:
    for look in ("", ".", "night", "night.", ".9", "night.99999", "x.3", '"><script>.3', "night.\u0663"):
        headers = [(b"Accept", b"text/html"), (b"Cookie", f"tales-look={look}; tales-language={look}".encode())]
        page = (await ada.client.get("/", headers=headers)).text
        assert "<script>" not in page
        assert '<html lang="en"' in page


async def test_a_limit_is_told_in_words(app: FastAPI, ada: Visitor) -> None:
    child = await ada.add_child()
    app.state.services = within(app.state.services, per_day=1)
    await ada.ask(child)
    wish = {"child": child, "own_moral": "brushing teeth", "minutes": "3", "language": "en"}
    answer = await ada.send("/tonight", wish)
    assert answer.status_code == 429
    assert "Tomorrow there are new ones." in answer.text
    assert 'value="brushing teeth"' in answer.text

    app.state.services = within(app.state.services, per_minute=1)
    answers = [await ada.look("/family") for _ in range(3)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"]
    assert "One moment, please" in answers[-1].text

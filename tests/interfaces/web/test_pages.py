"""The pages of a family, without scripts: from an empty account to a story that is read, rated and carried on."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from fastapi import FastAPI
from httpx import Response

from tales.domain.abilities import SMALL_MODEL
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.fixtures.databases import Database
from tests.interfaces.api.world import PASSWORD, Worker
from tests.interfaces.web.visiting import Visitor, pages

# A tag, an attribute's end, a script's end, a template, Markdown, an entity, and SVG.
PAYLOAD = "<img src=x onerror=alert(1)>\"' onfocus=x {{7*7}} </script><svg/onload=a> [x](javascript:1) &lt;b&gt;"
MARKS = ("<img src=x", "<svg/onload", "</script><svg", "49 <", "onfocus=x {{7*7}} </")


@pytest.fixture
def worker(transactions: SqlTransactions, attempt_queue: SqlAttemptQueue, hub: ProgressHub) -> Worker:
    """Makes the calls of the generations that a test names."""
    return Worker(transactions, attempt_queue, hub)


async def told(visitor: Visitor, worker: Worker, child: str, **wish: str) -> str:
    """The address of a new story."""
    generation = await visitor.ask(child, **wish)
    await worker.run(generation)
    answer = await visitor.look(f"/writing/{generation}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def says(answer: Response, *words: str) -> None:
    assert answer.status_code == 200, answer.text
    for word in words:
        assert word in answer.text, word


async def test_from_nothing_to_a_story_that_is_rated_and_carried_on(ada: Visitor, worker: Worker) -> None:
    child = await ada.add_child()
    says(await ada.look(f"/tonight?child={child}"), "Mia", "Luna the Owl", "kindness")
    story = await told(ada, worker, child)

    says(await ada.look(story), "The Kind Dragon", "Mia and the dragon shared", 'lang="en"')
    assert (await ada.send(f"{story}/rating", {"rating": "9"})).status_code == 303
    says(await ada.look(story), 'value="9" aria-pressed="true"')
    says(await ada.look(f"{story}/making"), "It took one attempt.", "This story", "Model")
    says(await ada.look("/library"), "The Kind Dragon", "9 of 10", "Mia")
    says(await ada.look(f"/tonight?sequel_of={story.rpartition('/')[2]}"), "What happens next?", "The Kind Dragon")
    sequel = await told(ada, worker, child, sequel_of=story.rpartition("/")[2])
    assert sequel != story

    assert (await ada.send(f"{story}/title", {"title": "Another title"})).status_code == 303
    says(await ada.look(story), "Another title")
    assert (await ada.send(f"{story}/delete")).headers["Location"] == "/library"
    assert (await ada.look(story)).status_code == 404


async def test_what_was_asked_for_last_is_filled_in_the_next_time(ada: Visitor) -> None:
    child = await ada.add_child()
    await ada.ask(child, moral="", own_moral="brushing teeth", minutes="10", language="de")

    form = (await ada.look("/tonight")).text

    assert 'value="brushing teeth"' in form
    assert re.search(r'name="minutes" value="10" checked', form)
    assert '<option value="de" selected>' in form
    assert f'name="child" value="{child}" checked' in form


async def test_what_is_refused_stays_as_it_was_typed(ada: Visitor) -> None:
    await ada.look("/family/children/new")
    answer = await ada.send("/family/children/new", {"name": "Mia", "age": "99", "interests": "ships"})
    assert answer.status_code == 422
    assert 'value="Mia"' in answer.text
    assert 'value="ships"' in answer.text
    assert 'role="alert"' in answer.text

    child = await ada.add_child()
    await ada.look("/tonight")
    answer = await ada.send("/tonight", {"child": child, "own_moral": "x" * 201, "minutes": "5", "language": "en"})
    assert answer.status_code == 422
    assert "x" * 201 in answer.text
    assert (await ada.send("/tonight", {"child": "", "hero": "", "minutes": "5"})).status_code == 422
    assert (await ada.send("/tonight", {"child": "no id", "moral": "x", "minutes": "5"})).status_code == 422


async def test_a_form_that_is_sent_twice_leads_to_one_story(ada: Visitor, database: Database) -> None:
    child = await ada.add_child()
    first = await ada.ask(child, key="one")

    assert await ada.ask(child, key="one") == first
    assert database.rows("select count(*) from tales.generations")[0]["count"] == 1


async def test_a_story_that_takes_three_attempts_comes_without_an_error(ada: Visitor, worker: Worker) -> None:
    worker.will_fail(2)
    story = await told(ada, worker, await ada.add_child())

    page = await ada.look(story)
    assert "The provider failed" not in page.text
    says(await ada.look(f"{story}/making"), "It took 3 attempts", "server_error")


async def test_one_that_fails_for_good_is_asked_for_again_with_one_tap(ada: Visitor, worker: Worker) -> None:
    child = await ada.add_child()
    worker.will_fail(3)
    failed = await ada.ask(child, own_moral="brushing teeth", minutes="10")
    await worker.run(failed)

    page = await ada.look(f"/writing/{failed}")
    says(page, "No story this time", "Try again", 'value="brushing teeth"')
    assert "The provider failed" not in page.text
    kept = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text.partition("<main")[2]))
    again = await ada.send("/tonight", kept)
    generation = again.headers["Location"].rpartition("/")[2]
    await worker.run(generation)

    assert (await ada.look(f"/writing/{generation}")).headers["Location"].startswith("/stories/")


async def test_a_story_that_is_given_up(ada: Visitor) -> None:
    generation = await ada.ask(await ada.add_child())
    says(await ada.look(f"/writing/{generation}"), "The storyteller is thinking", 'http-equiv="refresh"')
    says(await ada.look("/library"), f"/writing/{generation}")

    assert (await ada.send(f"/writing/{generation}/cancel")).headers["Location"] == "/tonight"
    says(await ada.look(f"/writing/{generation}"), "You have given this story up")


async def test_the_library_is_searched(ada: Visitor, worker: Worker) -> None:
    mia, tom = await ada.add_child(), await ada.add_child(name="Tom")
    worker.model.text = "The Blue Whale\n\n" + "Mia and the whale sang in the deep sea until it slept. " * 12
    whale = await told(ada, worker, mia)
    worker.model.text = "The Red Train\n\n" + "Tom and the train puffed over the hills until it slept. " * 12
    await told(ada, worker, tom)
    await ada.send(f"{whale}/rating", {"rating": "8"})

    for query in ("q=whale", "liked=1", f"child={mia}"):
        page = (await ada.look(f"/library?{query}")).text
        assert "The Blue Whale" in page, query
        assert "The Red Train" not in page, query
    says(await ada.look("/library?q=unicorn"), "No story fits this.")
    assert (await ada.look("/library?q=-")).status_code == 422


async def test_two_hundred_stories_are_turned_over_page_by_page(ada: Visitor, worker: Worker) -> None:
    child = await ada.add_child()
    for number in range(21):
        worker.model.text = f"Night {number:03}\n\n" + "Mia slept well in the boat under the moon. " * 12
        await told(ada, worker, child)

    first = (await ada.look("/library")).text
    (older,) = re.findall(r'href="(/library\?[^"]*after=[^"]*)"', first)
    second = (await ada.look(older.replace("&amp;", "&"))).text
    assert len(re.findall(r"Night \d+", first)) == 20
    assert re.findall(r"Night \d+", second) == ["Night 000"]
    assert (await ada.look("/library?after=nonsense")).status_code == 422


async def test_words_of_users_and_models_are_never_markup(ada: Visitor, worker: Worker) -> None:
    name = PAYLOAD[:70]
    child = await ada.add_child(name=name, interests=PAYLOAD[:60], gender=name)
    await ada.look("/family/heroes/new")
    await ada.send("/family/heroes/new", {"name": name, "appearance": PAYLOAD})
    worker.model.text = f"Once {PAYLOAD}\n\n" + f"{PAYLOAD} and they slept well at the end of it. " * 12
    worker.model.full_response |= {"provider": PAYLOAD, "model": PAYLOAD}
    story = await told(ada, worker, child, own_moral=PAYLOAD, relationship=PAYLOAD)
    await ada.send(f"{story}/title", {"title": PAYLOAD})
    looked = [story, f"{story}/making", "/library", "/family", "/tonight", f"/tonight?sequel_of={story[9:]}", "/me"]
    looked += [f"/family/children/{child}", f"/library?q={PAYLOAD.replace('&', '%26').replace('#', '%23')}"]
    for address in looked:
        page = await ada.look(address)
        assert page.status_code == 200, address
        for mark in MARKS:
            assert mark not in page.text, (address, mark)
    assert "&lt;img src=x onerror=alert(1)&gt;" in (await ada.look(story)).text
    refused = await ada.send("/family/children/new", {"name": PAYLOAD, "age": PAYLOAD, "interests": PAYLOAD})
    assert refused.status_code == 422
    assert not [mark for mark in MARKS if mark in refused.text]


async def test_another_family_s_things_are_not_there(app: FastAPI, ada: Visitor, eve: Visitor, worker: Worker) -> None:
    child = await ada.add_child()
    await ada.look("/family/heroes/new")
    await ada.send("/family/heroes/new", {"name": "Secret Hero"})
    hero = re.findall(r"/family/heroes/([0-9a-f-]{36})", (await ada.look("/family")).text)[0]
    generation = await ada.ask(child)
    await worker.run(generation)
    story = (await ada.look(f"/writing/{generation}")).headers["Location"].rpartition("/")[2]
    ids = {"children": child, "heroes": hero, "writing": generation, "stories": story}
    some = "01890a5d-ac96-774b-bcce-b302099a8057"

    for method in ("GET", "POST"):
        for path in pages(app, method):
            kind = next((kind for kind in ids if f"/{kind}/" in path), None)
            if kind is None or some not in path:
                continue
            address = path.replace(some, ids[kind])
            fields = {"name": "Eve's", "age": "1", "rating": "1", "title": "Eve's"}
            answer = await (eve.look(address) if method == "GET" else eve.send(address, fields))
            assert answer.status_code == 404, (method, path)
    wish = {"child": child, "moral": "x", "minutes": "5", "language": "en"}
    assert (await eve.send("/tonight", wish)).status_code == 422
    assert (await eve.send("/tonight", wish | {"child": "", "hero": hero})).status_code == 422
    assert (await eve.look(f"/tonight?sequel_of={story}")).status_code == 404
    for page in ("/library", "/family", "/tonight", "/me/export"):
        assert "Mia" not in (await eve.look(page)).text
    says(await ada.look(f"/stories/{story}"), "The Kind Dragon")


async def test_a_ready_made_hero_is_everybody_s_and_nobody_s_to_change(ada: Visitor) -> None:
    luna = "00000000-0000-8000-8000-000000000101"
    assert (await ada.look(f"/family/heroes/{luna}")).status_code == 403
    assert (await ada.send(f"/family/heroes/{luna}", {"name": "Mine"})).status_code == 403
    assert (await ada.send(f"/family/heroes/{luna}/delete")).status_code == 403


async def test_a_story_as_an_electronic_book(ada: Visitor, worker: Worker) -> None:
    worker.model.text = "قصة <النوم>\n\n" + "كان يا ما كان في قديم الزمان قطة صغيرة تحب القمر كثيرا. " * 12
    story = await told(ada, worker, await ada.add_child(), language="ar")

    answer = await ada.look(f"{story}/epub")

    assert answer.headers["Content-Type"] == "application/epub+zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert book.read("mimetype") == b"application/epub+zip"
        for name in book.namelist():
            if name.endswith(("xml", "opf", "xhtml")):
                ET.fromstring(book.read(name))
        text = ET.fromstring(book.read("EPUB/story.xhtml"))
    assert (text.get("dir"), text.get("lang")) == ("rtl", "ar")
    assert "قصة <النوم>" in "".join(text.itertext())


async def test_a_story_as_a_pdf_where_its_letters_can_be_set(ada: Visitor, worker: Worker) -> None:
    child = await ada.add_child()
    story = await told(ada, worker, child)
    assert f'href="{story}/pdf"' in (await ada.look(story)).text

    answer = await ada.look(f"{story}/pdf")

    assert answer.headers["Content-Type"] == "application/pdf"
    assert re.fullmatch(r'attachment; filename="story-[\d-]{10}\.pdf"', answer.headers["Content-Disposition"])
    assert answer.content.startswith(b"%PDF")
    await ada.send(f"{story}/title", {"title": "The Kind 🐉"})
    page = (await ada.look(story)).text
    assert f'href="{story}/pdf"' not in page
    assert "There is no PDF of this story" in page
    assert (await ada.look(f"{story}/pdf")).headers["Location"] == story


async def test_everything_is_taken_along_and_erased(ada: Visitor, worker: Worker, database: Database) -> None:
    await told(ada, worker, await ada.add_child())
    export = await ada.look("/me/export")
    assert export.headers["Content-Disposition"] == 'attachment; filename="tales.json"'
    assert json.loads(export.content)["stories"][0]["title"] == "The Kind Dragon"

    await ada.look("/me")
    assert (await ada.send("/me/erase", {"password": "wrong password"})).status_code == 422
    assert database.rows("select count(*) from tales.stories")[0]["count"] == 1
    says(await ada.send("/me/erase", {"password": PASSWORD}), "Everything is erased")
    assert database.rows("select count(*) from auth.users")[0]["count"] == 0
    assert (await ada.look("/me")).headers["Location"].startswith("/sign-in")


async def test_where_another_provider_signs_users_in_the_front_door_says_so(visitor: Visitor, app: FastAPI) -> None:
    app.state.services = replace(app.state.services, external_auth=True)

    says(await visitor.look("/"), "sign in at another service")
    for path in ("/sign-in", "/sign-up"):
        assert (await visitor.look(path)).headers["Location"] == "/"
        assert (await visitor.send(path, {"email": "ada@example.org", "password": PASSWORD})).status_code == 409
    assert (await visitor.look("/tonight")).headers["Location"].startswith("/sign-in")


async def test_a_small_model_is_asked_for_what_it_can(ada: Visitor, app: FastAPI) -> None:
    child = await ada.add_child()
    await ada.ask(child, language="de", minutes="30")
    asked = replace(app.state.services.request_generation, abilities=SMALL_MODEL)
    app.state.services = replace(app.state.services, request_generation=asked)

    form = (await ada.look("/tonight")).text

    assert re.findall(r'<option value="(\w+)"', form) == ["en"]
    assert re.findall(r'name="minutes" value="(\d+)" checked', form) == ["10"]
    assert "The storyteller on this machine is small" in form
    wish = {"child": child, "moral": "courage", "minutes": "10", "language": "de"}
    refused = await ada.send("/tonight", wish)
    assert refused.status_code == 422
    assert "does not write in this language" in refused.text


async def test_a_password_that_others_would_try_first_is_refused(visitor: Visitor) -> None:
    form = (await visitor.look("/sign-up")).text
    assert "15 characters or more" in form
    for password in ("short", "passwordpassword", "eve@example.org"):
        answer = await visitor.send("/sign-up", {"email": "eve@example.org", "password": password})
        assert answer.status_code == 422
        assert "Use a longer password" in answer.text


async def test_without_a_child_a_hero_has_the_story_alone(ada: Visitor) -> None:
    form = (await ada.look("/tonight")).text
    assert "Nobody else" not in form
    assert "How do the two know each other?" not in form
    (hero,) = re.findall(r'name="hero" value="([^"]+)" checked', form)

    answer = await ada.send("/tonight", {"hero": hero, "moral": "courage", "minutes": "1", "language": "en"})

    assert answer.headers["Location"].startswith("/writing/")


async def test_a_page_of_every_language(ada: Visitor) -> None:
    for accepted, heading, code in (
        ("de-AT,de;q=0.9", "Geschichte", "de"),
        ("ru", "сказка", "ru"),
        ("xx", "story", "en"),
    ):
        page = (await ada.look("/tonight", **{"Accept-Language": accepted})).text
        assert f'<html lang="{code}"' in page
        assert heading.lower() in page.partition("<h1>")[2].partition("</h1>")[0].lower()
    await ada.send("/look", {"language": "de", "next": "/tonight"})
    assert '<html lang="de"' in (await ada.look("/tonight", **{"Accept-Language": "ru"})).text


async def test_a_theme_and_a_size_are_remembered(ada: Visitor) -> None:
    await ada.send("/look", {"theme": "sepia"})
    await ada.send("/look", {"size": "5"})
    assert 'data-theme="sepia" data-size="5"' in (await ada.look("/me")).text
    await ada.send("/look", {"theme": '"><script>', "size": "99"})
    assert 'data-theme="sepia" data-size="5"' in (await ada.look("/me")).text


async def test_what_goes_wrong_has_a_page(visitor: Visitor) -> None:
    assert (await visitor.look("/nowhere")).status_code == 404
    assert (await visitor.look("/look")).status_code == 405
    for answer in (await visitor.look("/nowhere"), await visitor.look("/web/0/style.css"), await visitor.look("/look")):
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<h1>" in answer.text
    assert (await visitor.client.get("/nowhere")).json()["code"] == "not_found"


async def test_events_of_a_page_say_nothing_of_models(ada: Visitor, worker: Worker) -> None:
    worker.will_fail(1)
    generation = await ada.ask(await ada.add_child())
    await worker.run(generation)

    stream = (await ada.client.get(f"/writing/{generation}/events")).text

    assert re.findall(r"event: (\w+)", stream) == ["note", "again", "text", "note", "end"]
    assert "first/model" not in stream
    assert "server_error" not in stream
    done = await ada.client.get(f"/writing/{generation}/events", headers={"Last-Event-ID": "2:end"})
    assert done.status_code == 204

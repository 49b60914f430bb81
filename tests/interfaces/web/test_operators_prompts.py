"""Operators' pages for prompts and experiments, without scripts."""

from __future__ import annotations

import csv
import io

import pytest
from markupsafe import escape
from psycopg.types.json import Jsonb

from tales.domain.goal_states import ADVICE
from tales.interfaces.web.operator.goals import ADVICE as ADVICE_OF_PAGES
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, ended, insert
from tests.interfaces.api.world import MODELS
from tests.interfaces.web.test_operators import operator, rows_of
from tests.interfaces.web.test_pages import MARKS, PAYLOAD, says
from tests.interfaces.web.visiting import Visitor

__all__ = ["operator"]

PROMPTS = "/operator/prompts"
MARCH = "from=2026-03-01&to=2026-03-31"
TEMPLATE = "Tell a story.\r\n{{ facts }}\r\nUse {{ words }} words.\r\n"
DRAFT = {"story_type": "hero", "language": "de", "template": TEMPLATE, "note": "short"}


async def draft(operator: Visitor, **changes: str) -> str:
    """Where a new draft stands."""
    await operator.look(f"{PROMPTS}/new")
    answer = await operator.send(f"{PROMPTS}/new", DRAFT | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


async def do(operator: Visitor, path: str, **fields: str) -> int:
    """The status of what a button of a version's page does."""
    await operator.look(path)
    return (await operator.send(path, fields)).status_code


async def test_an_experiment_from_its_draft_to_its_end(operator: Visitor, database: Database) -> None:
    path = await draft(operator)
    assert path == f"{PROMPTS}/hero-de-2"
    page = await operator.look(path)
    says(page, "hero-de-2", "draft", "short", "Use {{ words }} words.", "It has written nothing in this period.")
    edited = await operator.send(f"{path}/edit", DRAFT | {"template": TEMPLATE.replace("Tell", "Write"), "note": ""})
    assert edited.headers["Location"] == path, "a draft is changed itself"

    assert await do(operator, path, do="activate", weight="300") == 303
    says(await operator.look(path), "Write a story.", "75.0% of these stories, beside", "Let only this version write")
    listed = (await operator.look(f"{PROMPTS}?story_type=hero&language=de")).text
    assert listed.count('class="first"') == 2
    assert "25.0%" in listed
    assert await do(operator, path, do="activate", weight="100") == 303
    says(await operator.look(path), "50.0% of these stories, beside")
    copied = await operator.send(f"{path}/edit", DRAFT | {"note": ""})
    assert copied.headers["Location"] == f"{PROMPTS}/hero-de-3"
    says(await operator.look(f"{PROMPTS}/hero-de-3"), "from hero-de-2")

    assert await do(operator, path, do="promote", weight="1") == 303
    found = database.rows("select version, state from tales.prompt_templates where version like 'hero-de-%'")
    states = {row["version"]: row["state"] for row in found}
    assert states == {"hero-de-1": "retired", "hero-de-2": "active", "hero-de-3": "draft"}
    assert await do(operator, path, do="retire", weight="1") == 303
    assert await do(operator, path, do="retire", weight="1") == 409


async def test_a_version_is_tried_and_compared_on_a_made_up_family(operator: Visitor) -> None:
    path = await draft(operator)
    page = await operator.look(f"{path}?minutes=2&minimal=1&other=hero-de-1")
    says(page, "Use 260 words.\n", "<ins>+ Use 260 words.</ins>", "What hero-de-2 writes otherwise than hero-de-1")
    assert (await operator.look(f"{path}?other=hero-de-2")).text.count("Both prompts are the same.") == 1
    for query, said in (
        ("age=99", "whole number of years"),
        ("minutes=1.5", "whole minutes"),
        ("age=1e999999", "whole number of years"),
        ("other=child-en-1", "same kind"),
        ("from=x", "This is no period."),
    ):
        answer = await operator.look(f"{path}?{query}")
        assert (answer.status_code, answer.text.count('id="problem"')) == (422, 1), query
        assert said in answer.text
    for path in ("no-such", "hero-de-2?other=no-such", "%00", "hero-de-2/figures.csv?table=x"):
        assert (await operator.look(f"{PROMPTS}/{path}")).status_code in {404, 422}, path


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"template": "no facts"}, "write {{ facts }} on one"),
        ({"template": "A\n{{ facts }}\n{{ child.name }}"}, "&#39;None&#39; has no attribute"),
        ({"template": f"{PAYLOAD}\n{{{{ facts }}}}\nGo."}, "This text cannot be a prompt"),
        ({"story_type": "poem"}, "Choose a kind of story."),
        ({"language": "xx"}, 'role="alert"'),
        ({"model": "a\x00b"}, "no model"),
        ({"note": "n" * 301}, "at most 300 characters"),
    ],
)
async def test_what_cannot_be_a_prompt_is_refused_and_stays_in_the_form(
    operator: Visitor, changes: dict[str, str], said: str
) -> None:
    await operator.look(f"{PROMPTS}/new")
    answer = await operator.send(f"{PROMPTS}/new", DRAFT | changes)
    assert answer.status_code == 422, answer.text
    assert said in answer.text
    assert 'role="alert"' in answer.text
    kept = changes.get("template", DRAFT["template"]).replace("\r\n", "\n").strip()
    assert escape(kept) in answer.text.replace("\r\n", "\n")
    assert not [mark for mark in MARKS if mark in answer.text]


async def test_what_an_operator_wrote_is_never_markup(operator: Visitor) -> None:
    path = await draft(
        operator, note=PAYLOAD, model=PAYLOAD, template="<img src=x>\n{{ facts }}\n</textarea><svg/onload>\n"
    )
    assert await do(operator, path, do="activate", weight="0") == 422
    for address in (path, f"{path}/edit", PROMPTS, f"{path}?other=hero-de-1"):
        page = await operator.look(address)
        assert page.status_code == 200, address
        assert not [mark for mark in MARKS if mark in page.text], address
    assert "&lt;img src=x" in page.text


async def test_forms_of_others_change_nothing(operator: Visitor, ada: Visitor, database: Database) -> None:
    path = await draft(operator)
    for fields in ({"do": "activate", "weight": "1"}, DRAFT):
        for there in (path, f"{path}/edit", f"{PROMPTS}/new"):
            assert (await ada.send(there, fields)).status_code == 404
            forged = await operator.send(there, fields | {"form_token": "x"})
            assert forged.status_code == 403
    assert (
        database.rows(
            "select from tales.prompt_templates where version = 'hero-de-3' or state = 'active' "
            "and version = 'hero-de-2'"
        )
        == []
    )
    assert await do(operator, path, do="nothing", weight="1") == 422
    for weight in ("", "-1", "1.5", "9" * 30, "\u0663", "1001"):
        assert await do(operator, path, do="activate", weight=weight) == 422, weight


async def test_the_versions_of_an_experiment_are_compared(operator: Visitor, database: Database) -> None:
    weights = {"child-en-1": 50, "child-en-2": 50}
    with database.connect() as connection:
        for number in range(24):
            version, is_good = ("child-en-1", number % 4 == 0) if number % 2 else ("child-en-2", True)
            more = {} if is_good else {"error_type": "too_short"}
            row = ended(add_user(connection), "success" if is_good else "failed", prompt_version=version, **more)
            insert(connection, "generations", row)
            choice = {"generation_id": row["generation_id"], "reason": "experiment", "weights": Jsonb(weights)}
            insert(connection, "prompt_choices", choice)

    page = await operator.look(f"{PROMPTS}?{MARCH}")
    first = next(row for row in rows_of(page, "experiments") if row[2] == "calls that gave a story")
    assert first[:2] == ["child-en-2", "child-en-1"]
    assert first[3:10] == ["better", "100.0%", "0", "100%", "12", "0.0%", "12"]
    assert (first[10], first[12]) == ("100%", "child-en-1 50, child-en-2 50")
    of_one = await operator.look(f"{PROMPTS}/child-en-1?{MARCH}")
    assert [row[0] for row in rows_of(of_one, "prompts")] == ["child-en-1"]
    assert rows_of(of_one, "experiments") == rows_of(page, "experiments")
    file = await operator.look(f"{PROMPTS}/child-en-1/figures.csv?table=experiments&{MARCH}")
    (row, *_) = csv.DictReader(io.StringIO(file.text))
    assert row["more_needed"] == "0"


GOAL = {
    "story_type": "child",
    "language": "en",
    "measure": "cost",
    "models": list(MODELS),
    "floor_percent": "10",
    "least_success_percent": "80",
    "window_days": "7",
}


async def test_a_goal_is_set_looked_at_and_ended(operator: Visitor, database: Database) -> None:
    says(await operator.look(PROMPTS), "None is set, so fixed weights decide.")
    says(await operator.look(f"{PROMPTS}/goals/new?language=de"), *MODELS, 'value="de" selected')
    answer = await operator.send(f"{PROMPTS}/goals/new", GOAL)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PROMPTS}#goals")
    says(await operator.look(PROMPTS), "about a child · English: the cheapest", "Nothing has been counted for it yet")
    assert "It does nothing" not in (await operator.look(PROMPTS)).text
    with database.connect() as connection:
        connection.execute("select tales.take_snapshots()")
        (snapshot,) = connection.execute("select id, goal_id from tales.goal_snapshots").fetchall()
        row = insert(connection, "generations", ended(add_user(connection), prompt_version="child-en-1"))
        choice = {"generation_id": row["generation_id"], "reason": "goal", "weights": Jsonb({"child-en-1": 100})}
        insert(connection, "prompt_choices", choice | {"snapshot_id": snapshot["id"]})

    page = await operator.look(PROMPTS)
    says(page, "10.0% of the stories at least", "from 80.0% on", "older than 7 days", "Counted last at", "Trials")
    assert "about a child · English: the cheapest" not in (await operator.look(f"{PROMPTS}?language=de")).text
    draws = await operator.look(f"{PROMPTS}/goals/child/en")
    says(draws, f"/operator/generations/{row['generation_id']}#why", "child-en-1", "a story")
    says(draws, 'data-label="First attempt"><span class="state is-success">')
    assert (await operator.look(f"{PROMPTS}/goals/hero/en")).status_code == 404

    await operator.look(PROMPTS)
    for status in (303, 409):
        assert (await operator.send(f"{PROMPTS}/goals/child/en/end")).status_code == status
    says(await operator.look(PROMPTS), "None is set, so fixed weights decide.")


async def test_a_goal_that_does_nothing_says_what_to_do(operator: Visitor) -> None:
    await operator.look(f"{PROMPTS}/goals/new")
    assert (await operator.send(f"{PROMPTS}/goals/new", GOAL | {"models": MODELS[0]})).status_code == 303
    says(await operator.look(PROMPTS), "It does nothing:", "Activate a second version")
    assert {reason: str(said) for reason, said in ADVICE_OF_PAGES.items()} == dict(ADVICE)


async def test_what_cannot_be_a_goal_stays_in_the_form_with_why(
    operator: Visitor, ada: Visitor, database: Database
) -> None:
    await operator.look(f"{PROMPTS}/goals/new")
    for changes, field in (
        ({"story_type": ""}, "story_type"),
        ({"measure": "fame"}, "measure"),
        ({"models": "nobody/has-it"}, "models"),
        ({"models": [MODELS[0], MODELS[0]]}, "models"),
        ({"floor_percent": "51"}, "floor_percent"),
        ({"floor_percent": "1.5"}, "floor_percent"),
        ({"least_success_percent": "101"}, "least_success_percent"),
        ({"window_days": "0"}, "window_days"),
        # A month to some, and a thousand and a half to others.
        ({"window_days": "30.000"}, "window_days"),
        ({"window_days": "30,000"}, "window_days"),
        ({"language": "xx"}, "language"),
    ):
        page = await operator.send(f"{PROMPTS}/goals/new", GOAL | changes)
        assert (page.status_code, page.text.count('id="problem"')) == (422, 1), (field, page.text)
        assert 'aria-invalid="true"' in page.text, field
    for path in ("new", "child/en/end"):
        assert (await ada.send(f"{PROMPTS}/goals/{path}", GOAL)).status_code == 404
        assert (await operator.send(f"{PROMPTS}/goals/{path}", GOAL | {"form_token": "x"})).status_code == 403
    assert database.rows("select from tales.prompt_goals") == []

"""A story that the operator's own rules refuse: what was paid for is kept, and the attempt says what refused it."""

from __future__ import annotations

import pytest

from tales.domain.generation import Status
from tests.application.conftest import Flow, answer
from tests.factories import response
from tests.fixtures.databases import Database

_TRIGGER = (
    "create function public.refuse() returns trigger language plpgsql as $$ begin {body} return new; end $$;"
    " create trigger zz_house_rules before insert on tales.stories for each row execute function public.refuse()"
)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "alter table tales.stories add constraint short_ones check (char_length(content) <= 10)",
            "constraint short_ones",
        ),
        ("alter table tales.stories alter column title type varchar(5)", "may not be so long"),
        ("alter table tales.stories add constraint one_title unique (title)", "constraint one_title"),
        (_TRIGGER.format(body="raise exception 'no % here', new.title;"), "trigger zz_house_rules"),
        (_TRIGGER.format(body="new.user_id := null;"), "column user_id of table stories"),
        (_TRIGGER.format(body="raise insufficient_privilege using message = new.title;"), "trigger zz_house_rules"),
        (_TRIGGER.format(body="perform 1 / 0;"), "trigger zz_house_rules"),
        (
            "create policy nobody on tales.stories as restrictive for insert with check (false)",
            "policy nobody of table stories",
        ),
    ],
)
async def test_what_refuses_a_story_is_named_and_the_response_is_kept(
    flow: Flow, database: Database, rule: str, words: str
) -> None:
    if "one_title" in rule:
        await flow.finish(await flow.ask())
    database.execute(rule)

    generation = await flow.ask()
    await flow.run(generation)

    attempt = (await flow.look(generation.generation_id)).attempts[0]
    assert (attempt.status, attempt.error_type) == (Status.FAILED, "internal")
    assert attempt.full_response == response()
    assert (attempt.prompt_tokens, attempt.completion_tokens, attempt.http_status) == (120, 340, 200)
    assert attempt.error_message is not None
    assert words in attempt.error_message
    assert "Dragon" not in attempt.error_message
    assert "Dragon" not in str(flow.log.events)


async def test_a_response_that_is_refused_itself_ends_its_attempt_all_the_same(flow: Flow, database: Database) -> None:
    database.execute("alter table tales.generations add constraint no_stop check (full_response is null)")
    flow.provider.answers = [answer()]

    generation = await flow.ask()
    await flow.run(generation)

    attempt = (await flow.look(generation.generation_id)).attempts[0]
    assert (attempt.status, attempt.error_type, attempt.full_response) == (Status.FAILED, "internal", None)

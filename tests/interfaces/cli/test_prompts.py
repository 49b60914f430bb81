"""`tales prompts`: versions are written, tried, compared, and put into use."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from tales.domain.experiments import draw
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, ended, insert, prompt_choice
from tests.interfaces.cli.conftest import Ran, Tales

TEXT = "Tell a story about somebody.\n{{ facts }}\nUse {{ words }} words, for {{ child.name }}.\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "prompt.j2"
    found.write_text(TEXT, encoding="utf-8")
    return found


def added(tales: Tales, file: Path, *more: str) -> str:
    ran = tales("prompts", "add", "--type", "child", "--language", "en", "--file", str(file), *more)
    assert ran.status == 0, ran.err
    return ran.out.strip()


def states(tales: Tales, *narrowed: str) -> dict[str, tuple[str, int]]:
    return {
        one["version"]: (one["state"], one["weight"])
        for one in tales("prompts", "list", "--type", "child", "--language", "en", "--json", *narrowed).json
    }


def assert_fails(ran: Ran, *said: str) -> None:
    assert ran.status == 1
    for words in said:
        assert words in ran.err


def test_what_comes_along_is_listed_and_shown(tales: Tales) -> None:
    listed = tales("prompts", "list").out
    assert [f"{kind}-{code}-1" in listed for code in ("de", "en", "es", "fr", "ru") for kind in ("child", "hero")] == [
        True
    ] * 10
    assert tales("prompts", "show", "hero-fr-1").out.startswith("Écris une histoire du soir")
    shown = tales("prompts", "show", "hero-fr-1", "--json").json
    assert (shown["language"], shown["model"], shown["state"], shown["is_seeded"]) == ("fr", None, "active", True)
    assert states(tales, "--state", "draft") == {}


def test_an_experiment_from_its_draft_to_its_end(tales: Tales, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = added(tales, file, "--note", "short")
    assert version == "child-en-2"
    assert states(tales) == {"child-en-1": ("active", 100), version: ("draft", 100)}

    monkeypatch.setattr("sys.stdin", io.StringIO(TEXT.replace("Tell", "Write")))
    assert tales("prompts", "edit", version, "--file", "-").out.strip() == version, "a draft changes"
    assert tales("prompts", "activate", version, "--weight", "300").status == 0
    assert states(tales) == {"child-en-1": ("active", 100), version: ("active", 300)}

    edited = tales("prompts", "edit", version, "--file", str(file)).out.strip()
    assert edited == "child-en-3", "what is in use does not"
    assert "Write a story" in tales("prompts", "show", version).out

    promoted = tales("prompts", "promote", version)
    assert "child-en-2 alone is active; retired: child-en-1" in promoted.err
    assert states(tales)["child-en-1"][0] == "retired"
    assert_fails(tales("prompts", "retire", "child-en-1"), "is retired already")
    assert tales("prompts", "retire", version).status == 0


def test_a_preview_and_a_comparison_are_of_a_made_up_family(tales: Tales, file: Path) -> None:
    version = added(tales, file)

    shown = tales("prompts", "preview", version, "--age", "3", "--minutes", "2", "--sequel").out
    assert '- child: "Mia"\n- age of the child: "3 years"\n' in shown
    assert '- how that story ended: "' in shown
    assert 'Use 260 words, for "Mia".\n' in shown
    compared = tales("prompts", "compare", "child-en-1", version).out.splitlines()
    assert compared[:2] == ["--- child-en-1", "+++ child-en-2"]
    assert '+Use 650 words, for "Mia".' in compared
    assert tales("prompts", "compare", version, version).out == ""
    assert_fails(tales("prompts", "compare", version, "child-de-1"), "different kinds")
    assert_fails(tales("prompts", "preview", version, "--age", "99"), "age is 99")


def test_a_template_that_fails_for_some_family_is_not_kept(tales: Tales, file: Path, database: Database) -> None:
    file.write_text("Tell.\n{{ facts }}\n{% if earlier %}{{ earlier.mood }}{% endif %}.\n")
    ran = tales("prompts", "add", "--type", "child", "--language", "en", "--file", str(file))
    assert_fails(ran, "no attribute 'mood'", "an earlier story")
    assert database.rows("select from tales.prompt_templates where not is_seeded") == []

    # One that is there all the same is not activated.
    database.execute(
        "insert into tales.prompt_templates (version, story_type, language, number, template)"
        " values ('child-en-9', 'child', 'en', 9, 'no facts')"
    )
    assert_fails(tales("prompts", "activate", "child-en-9"), "write {{ facts }} on one")
    assert_fails(tales("prompts", "promote", "child-en-9"), "write {{ facts }} on one")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "child-en-77"), "no prompt child-en-77"),
        (("add", "--type", "child", "--language", "xx", "--file", "-"), "language is not one of"),
        (("add", "--type", "child", "--language", "en"), "--file is missing"),
        (("add", "--type", "child", "--language", "en", "--file", "/nowhere/at/all"), "cannot be read"),
        (("activate", "child-en-1", "--weight", "1001"), "weight is 1001"),
        (("why", str(UUID(int=7))), "no generation"),
    ],
)
def test_what_cannot_be_is_said(tales: Tales, arguments: tuple[str, ...], said: str) -> None:
    assert_fails(tales("prompts", *arguments), said)


def test_an_editor_writes_the_draft(tales: Tales, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/Write/Tell/ "$1"\n')
    editor.chmod(0o700)
    tales.set(EDITOR=str(editor))
    assert tales("prompts", "edit", "hero-en-1").out.strip() == "hero-en-2"
    assert tales("prompts", "show", "hero-en-2").out.startswith("Tell a bedtime story")
    tales.set(EDITOR="true")
    assert_fails(tales("prompts", "edit", "hero-en-1"), "Nothing was changed")


def test_why_a_generation_got_its_version(tales: Tales, database: Database) -> None:
    with database.connect() as connection:
        alone, drawn = (
            insert(connection, "generations", ended(add_user(connection), prompt_version="child-en-1"))
            for _ in range(2)
        )
        insert(connection, "prompt_choices", prompt_choice(drawn))

    assert tales("prompts", "why", str(alone["generation_id"])).out == "child-en-1: there was no other.\n"
    number = draw(drawn["generation_id"], 100)
    assert tales("prompts", "why", str(drawn["generation_id"])).out == (
        f"child-en-1: drawn {number} of 100 (child-en-1 50, child-en-2 50).\n"
    )


def test_a_goal_is_set_explained_and_ended(tales: Tales, database: Database) -> None:
    tales.set(TALES_LLM_BASE_URL="http://127.0.0.1:9/v1", TALES_MODELS="a/one,b/two")
    kind = ("--type", "child", "--language", "en")
    goal = ("prompts", "goal")
    assert_fails(tales(*goal, "set", "success", *kind, "--model", "c/three"), "Not offered: c/three", "a/one, b/two")
    assert_fails(tales(*goal, "end", *kind), "no goal")
    assert tales(*goal, "set", "cost", *kind, "--model", "a/one", "--model", "b/two", "--floor", "10").status == 0
    assert "not counted yet" in tales(*goal, "list").out
    assert tales("rollup").status == 0
    (found,) = tales(*goal, "list", "--json").json
    assert (found["measure"], found["floor_percent"], len(found["arms"])) == ("cost", 10, 2)
    assert [arm["best_probability"] for arm in found["arms"]] != [None, None]
    assert found["idle"] is None
    assert "child in en, cost, each 10 % at least, 30 days; counted" in tales(*goal, "list").out
    with database.connect() as connection:
        (snapshot,) = connection.execute("select id from tales.goal_snapshots").fetchall()
        now = datetime.now(UTC)
        times = {"created_at": now, "started_at": now, "completed_at": now}
        by_goal, passed = {"reason": "goal", "snapshot_id": snapshot["id"]}, {"passed_over": "old_snapshot"}
        for number, (model, changes) in enumerate((("a/one", by_goal), ("b/two", by_goal), ("a/one", passed))):
            facts = {"generation_id": UUID(int=number), "prompt_version": "child-en-1", "model_used": model}
            row = insert(connection, "generations", ended(add_user(connection), **facts, **times))
            insert(connection, "prompt_choices", prompt_choice(row) | changes)

    first, second, third = (tales("prompts", "why", str(UUID(int=number))).out.splitlines() for number in range(3))
    assert first[0] == "child-en-1 with a/one: drawn towards cost, by its least share of 10 %."
    assert first[1].startswith("Known of each arm at 20")
    assert [line.partition("; ")[0] for line in first[2:]] == [
        f"  child-en-1 with {m}: 0 of 0" for m in ("a/one", "b/two")
    ]
    assert second[0] == "child-en-1 with a/one: drawn towards cost, as the best draw."
    assert second[1] == "But child-en-1 with b/two was asked: this Python draws otherwise."
    assert third[0].endswith("; there was a goal, but what is known of its arms is more than an hour old.")
    (arm, other) = tales(*goal, "list", "--json").json[0]["arms"]
    assert [(one["draws"], one["stories"]) for one in (arm, other)] == [(1, 1), (1, 1)]
    assert str(UUID(int=1)) in tales(*goal, "draws", *kind).out
    assert tales(*goal, "end", *kind).status == 0
    assert tales(*goal, "list", "--json").json == []
    assert_fails(tales(*goal, "draws", *kind), "no goal")


def test_a_goal_that_can_do_nothing_is_told_at_once(tales: Tales) -> None:
    kind = ("--type", "child", "--language", "en")
    tales.set(TALES_LLM_BASE_URL="http://127.0.0.1:9/v1", TALES_MODELS="a/one,b/two")
    goal = ("prompts", "goal", "set", "good", *kind)
    assert "It does nothing: There is one version with one model alone" in tales(*goal).err
    assert "does nothing" not in tales(*goal, "--model", "a/one", "--model", "b/two").err
    tales.set(TALES_LLM_BASE_URL="", TALES_MODELS="")
    assert "It does nothing: The small model" in tales("prompts", "goal", "list").err


def test_the_report_compares_the_versions_of_an_experiment(tales: Tales, database: Database) -> None:
    with database.connect() as connection:
        for version, count in (("child-en-1", 3), ("child-en-2", 4)):
            for _ in range(count):
                row = ended(add_user(connection), prompt_version=version)
                insert(connection, "prompt_choices", prompt_choice(insert(connection, "generations", row)))

    ran = tales("report", "prompts", "--from", "2026-03-01", "--to", "2026-03-31")

    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Experiment: child-en-1 50, child-en-2 50" in lines
    (success,) = [line.split() for line in lines if line.startswith("child-en-2  child-en-1  success")]
    assert success[3:] == ["100.0%", "100.0%", "55.6%", "open", "385"]

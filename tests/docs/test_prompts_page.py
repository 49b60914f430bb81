"""The examples of docs/prompts.md are what the versions that come along write."""

from __future__ import annotations

from tales.application.write_prompt import render_prompt
from tales.domain.prompt_examples import example
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.prompts.rendering import JinjaRenderer
from tests.docs.documents import ROOT

BEGIN = "<!-- examples: a test holds them against what is written -->\n"
END = "<!-- end of examples -->"


async def test_the_examples_are_what_is_written(transactions: SqlTransactions) -> None:
    async with transactions.as_service() as work:
        seeds = [one for one in (await work.prompts.in_use()).templates if one.slot.story_type is StoryType.COMBINED]
    written = [(one.version, render_prompt(JinjaRenderer(), one.template, example(one.slot))) for one in seeds]
    wanted = "".join(f"\n### {version}\n\n```\n{prompt}```\n" for version, prompt in written)

    page = (ROOT / "docs" / "prompts.md").read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0] == f"{wanted}\n"

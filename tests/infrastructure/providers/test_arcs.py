"""The small model writes the arc of its prompt word for word, and only the gaps by itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from tales.application.ports import ModelAnswer, ModelCall
from tales.domain.arcs.cast import GAP
from tales.domain.arcs.composing import compose_arc
from tales.domain.arcs.kinds import KINDS
from tales.domain.arcs.prompt import write_arc_prompt
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.story_spec import StorySpec
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.providers.endpoint import Limits
from tales.infrastructure.providers.local_model import DEFAULT_NAME, running_local_model
from tales.infrastructure.providers.local_model_provider import LocalModelProvider
from tests.domain.factories import make_child, make_spec

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[LocalModelProvider]:
    async with LocalModelProvider(running_local_model, Limits(), SystemClock()) as running:
        yield running


async def write(provider: LocalModelProvider, spec: StorySpec, id_: UUID, pieces: list[str]) -> ModelAnswer:
    call = ModelCall(DEFAULT_NAME, write_arc_prompt(spec, id_), spec.minutes)
    return await provider.complete(call, lambda _: None, pieces.append)


@pytest.mark.deep
@pytest.mark.timeout(120)
async def test_a_story_is_its_arc_with_every_gap_filled_with_words_of_its_kind(provider: LocalModelProvider) -> None:
    spec, id_ = make_spec(child=make_child(name='Zoë "Z" Smith'), story_length=1), UUID(int=3)
    pieces: list[str] = []

    answer = await write(provider, spec, id_, pieces)

    assert (answer.failure, answer.finish_reason) == (None, "stop")
    assert "".join(pieces) == answer.text
    arc = compose_arc(spec, id_)
    kinds = [gap["kind"] for gap in GAP.finditer(arc)]
    fixed = GAP.sub("\0", arc).split("\0")
    gaps = re.fullmatch("(.+?)".join(map(re.escape, fixed)), answer.text, re.DOTALL)
    assert gaps is not None
    for kind, words in zip(kinds, gaps.groups(), strict=True):
        assert re.fullmatch("".join(f"(?: ?(?:{column}))" for column in KINDS[kind]), words)
    assert isinstance(parse_story(answer.text, answer.finish_reason, 1), ParsedStory)


@pytest.mark.timeout(120)
async def test_a_prompt_without_an_arc_is_sent_as_it_is(provider: LocalModelProvider) -> None:
    answer = await provider.complete(ModelCall(DEFAULT_NAME, "Say good night.", 1), lambda _: None, lambda _: None)

    assert answer.failure is None
    assert answer.text.strip()

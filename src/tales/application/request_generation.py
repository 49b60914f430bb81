"""A parent asks for a story: attempt 1 and its job come into being in one commit."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.application.ports import IdMaker
from tales.domain.actor import Actor
from tales.domain.brief import DEFAULT_LANGUAGE, StoryBrief, StoryType
from tales.domain.errors import InvalidInput, NotFound
from tales.domain.generation import AttemptId, AttemptRequest, Generation
from tales.domain.prompt import PROMPT_VERSION, write_prompt
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryWish:
    """What a family asks for, by the ids of its child and hero. `story_length` in minutes."""

    story_type: StoryType
    moral: str
    child_id: UUID | None = None
    hero_id: UUID | None = None
    relationship_description: str | None = None
    story_length: int | None = None
    language: str = DEFAULT_LANGUAGE
    model: str | None = None


@dataclass(frozen=True, slots=True)
class RequestGeneration:
    """Records the wish as a pending attempt. `models` is the fallback chain; its first is the default."""

    transactions: Transactions
    ids: IdMaker
    models: tuple[str, ...]

    async def __call__(self, actor: Actor, wish: StoryWish) -> Generation:
        """The new generation.

        Raises: InvalidInput for a wish that cannot be, NotFound for a child or hero that the family does not have.
        """
        model = self._choose_model(wish.model)
        async with self.transactions.as_user(actor) as work:
            brief = await _brief(work, wish)
            request = AttemptRequest(
                id=AttemptId(self.ids.new(), 1),
                user_id=actor.user_id,
                model_used=model,
                prompt=write_prompt(brief),
                prompt_version=PROMPT_VERSION,
                story_type=brief.story_type,
                moral=brief.moral,
                language=brief.language,
                story_length=brief.story_length,
                hero_appearance=brief.hero_appearance,
                relationship_description=brief.relationship_description,
                child_id=wish.child_id,
                hero_id=wish.hero_id,
            )
            attempt = await work.generations.create_attempt(request)
            await work.jobs.enqueue(request.id, request.user_id)
            await work.commit()
        return Generation(request.id.generation_id, actor.user_id, (attempt,))

    def _choose_model(self, asked: str | None) -> str:
        """Only a model that the operator offers: the call is made at the operator's cost."""
        if asked is None:
            return self.models[0]
        if asked not in self.models:
            raise InvalidInput("model", f"This model is not offered. Use one of: {', '.join(self.models)}.")
        return asked


async def _brief(work: UnitOfWork, wish: StoryWish) -> StoryBrief:
    child = await work.children.get(wish.child_id) if wish.child_id else None
    if wish.child_id and child is None:
        raise NotFound("child", wish.child_id)
    hero = await work.heroes.get(wish.hero_id) if wish.hero_id else None
    if wish.hero_id and hero is None:
        raise NotFound("hero", wish.hero_id)
    return StoryBrief(
        story_type=wish.story_type,
        moral=wish.moral,
        child=child,
        hero=hero,
        relationship_description=wish.relationship_description,
        story_length=wish.story_length,
        language=wish.language,
    )

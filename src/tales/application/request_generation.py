"""A parent asks for a story: attempt 1 is inserted, and waits for a worker or is in one's hands already."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import asdict, dataclass, field, replace
from uuid import UUID

from tales.application.ports import Dispatcher, IdMaker
from tales.application.write_prompt import PromptWriter, WrittenPrompt
from tales.domain.abilities import EVERYTHING, Abilities
from tales.domain.actor import Actor
from tales.domain.arcs.prompt import ARC_PROMPT_VERSION, write_arc_prompt
from tales.domain.budgets import FREE_QUEUE
from tales.domain.errors import InvalidInput, NotFound
from tales.domain.generation import AttemptId, AttemptRequest, Generation
from tales.domain.goal_states import Offer
from tales.domain.idempotency import IdempotencyKeyReused, IdempotencyRecord
from tales.domain.limits import NO_LIMITS, GenerationLimits
from tales.domain.prompt import PROMPT_VERSION, write_prompt
from tales.domain.repositories.attempt_queue import AttemptQueue, Cast
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.sequel import EarlierStory
from tales.domain.story_spec import DEFAULT_LANGUAGE, StorySpec, StoryType


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What a family asks for, by the ids of its child and hero. `story_length` in minutes.

    `sequel_of` is a story to carry on: the cast is that story's where it is left out.
    """

    story_type: StoryType
    moral: str
    child_id: UUID | None = None
    hero_id: UUID | None = None
    relationship_description: str | None = None
    story_length: int | None = None
    language: str = DEFAULT_LANGUAGE
    model: str | None = None
    sequel_of: UUID | None = None


class KnownCasts:
    """Children and heroes as they were read last. The database compares their versions when it inserts an attempt.

    So a story that is asked for about somebody who is known needs one statement, and is never about somebody outdated.
    """

    def __init__(self, most: int = 1024) -> None:
        self._casts: OrderedDict[tuple[UUID | None, ...], Cast] = OrderedDict()
        self._most = most

    def get(self, actor: Actor, request: GenerationRequest) -> Cast | None:
        """The cast of a request, if it is known."""
        return self._casts.get((actor.user_id, request.child_id, request.hero_id))

    def put(self, actor: Actor, request: GenerationRequest, cast: Cast) -> None:
        """Remember the cast of a request."""
        key = (actor.user_id, request.child_id, request.hero_id)
        self._casts[key] = cast
        self._casts.move_to_end(key)
        if len(self._casts) > self._most:
            self._casts.popitem(last=False)


@dataclass(frozen=True, slots=True)
class RequestGeneration:
    """Records a request as a pending attempt of `queue`. `models` is the fallback chain; its first is the default.

    `limits` is what one user may ask for; they hold across processes. `abilities` are what the models can write.
    Without `prompts`, which are the templates in use, the prompt is that of `tales.domain.prompt`.
    """

    transactions: Transactions
    attempts: AttemptQueue
    dispatcher: Dispatcher
    ids: IdMaker
    queue: str
    models: tuple[str, ...]
    limits: GenerationLimits = NO_LIMITS
    abilities: Abilities = EVERYTHING
    prompts: PromptWriter | None = None
    casts: KnownCasts = field(default_factory=KnownCasts)

    @property
    def priced_models(self) -> tuple[str, ...]:
        """Those that need a price where there is a budget: the model on this machine costs nothing."""
        return () if self.queue == FREE_QUEUE else self.models

    @property
    def offer(self) -> Offer:
        """What goals of prompts are looked at beside."""
        return Offer(self.models, self.abilities.needs_arc)

    async def __call__(self, actor: Actor, wish: GenerationRequest, key: str | None = None) -> Generation:
        """The new generation; or, where `key` has been used for the same wish, the one that it led to.

        Raises: InvalidInput for a wish that cannot be, or that these models cannot write, or a key that is none,
        IdempotencyKeyReused for a key of another wish,
        NotFound for a child, hero or story that the family does not have, TooManyRequests, QueueFull.
        """
        await self._prepare(wish)
        if key is not None or wish.sequel_of is not None:
            return await self._after_looking(actor, wish, key)
        cast = self.casts.get(actor, wish)
        id_ = self.ids.new()
        while True:
            if cast is None:
                async with self.transactions.as_user(actor) as work:
                    cast = await _cast(work, wish)
                self.casts.put(actor, wish, cast)
            request = self._request(actor, AttemptId(id_, 1), wish, _spec(wish, cast, None))
            generation = await self._enqueue(actor, request, cast)
            if generation is not None:
                return generation
            cast = None  # somebody has changed the child or the hero meanwhile

    async def _enqueue(self, actor: Actor, request: AttemptRequest, cast: Cast) -> Generation | None:
        """Insert it, in the hands of this process's worker where that has a place free; None for an outdated cast."""
        worker_id = self.dispatcher.reserve()
        try:
            attempt = await self.attempts.enqueue(actor, request, cast, worker_id, self.limits)
        except BaseException:
            # Cancelled, it may have been inserted all the same: it ends as lost, and the next attempt begins.
            self._release(worker_id)
            raise
        if attempt is None:
            self._release(worker_id)
            return None
        generation = Generation(request.id.generation_id, actor.user_id, (attempt,))
        if attempt.worker_id is not None:
            self.dispatcher.start(generation)
        else:
            self._release(worker_id)  # others wait, and their turn comes first
            self.dispatcher.enqueued(request.id.generation_id)
        return generation

    def _release(self, worker_id: UUID | None) -> None:
        if worker_id is not None:
            self.dispatcher.release()

    async def _prepare(self, wish: GenerationRequest) -> None:
        """What is seen to before a transaction is open. Raises: InvalidInput."""
        self.abilities.check(wish.language, wish.story_length)
        if self.prompts is not None and not self.abilities.needs_arc:
            await self.prompts.refresh()

    async def _after_looking(self, actor: Actor, wish: GenerationRequest, key: str | None) -> Generation:
        """Where a key or an earlier story is to be looked at first, by the transaction that inserts."""
        async with self.transactions.as_requester(actor) as work:
            id_ = self.ids.new()
            if key is not None and (
                known := await _known(work, IdempotencyRecord(actor.user_id, key, _fingerprint(wish), id_))
            ):
                return known
            carried_on, earlier = await _carried_on(work, wish)
            spec = _spec(carried_on, await _cast(work, carried_on), earlier)
            request = self._request(actor, AttemptId(id_, 1), carried_on, spec)
            attempt = await work.generations.create_attempt(request, self.limits)
            if wish.sequel_of is not None:
                await work.generations.add_sequel(id_, actor.user_id, wish.sequel_of)
            await work.commit()
        self.dispatcher.enqueued(id_)
        return Generation(id_, actor.user_id, (attempt,), sequel_of=wish.sequel_of)

    def _request(self, actor: Actor, attempt: AttemptId, wish: GenerationRequest, spec: StorySpec) -> AttemptRequest:
        model = self._choose_model(wish.model)
        written = self._write(spec, model, attempt.generation_id, is_asked_for=wish.model is not None)
        return AttemptRequest(
            id=attempt,
            user_id=actor.user_id,
            model_used=written.model or model,
            prompt=written.text,
            prompt_version=written.version,
            prompt_choice=written.choice,
            queue=self.queue,
            story_type=spec.story_type,
            moral=spec.moral,
            language=spec.language,
            story_length=spec.story_length,
            hero_appearance=spec.hero_appearance,
            relationship_description=spec.relationship_description,
            child_id=wish.child_id,
            hero_id=wish.hero_id,
        )

    def _write(self, spec: StorySpec, model: str, generation_id: UUID, *, is_asked_for: bool) -> WrittenPrompt:
        if self.abilities.needs_arc:
            return WrittenPrompt(write_arc_prompt(spec, generation_id), ARC_PROMPT_VERSION)
        if self.prompts is None:
            return WrittenPrompt(write_prompt(spec), PROMPT_VERSION)
        return self.prompts.write(spec, model, generation_id, self.models, is_asked_for=is_asked_for)

    def _choose_model(self, asked: str | None) -> str:
        """Only a model that the operator offers: the call is made at the operator's cost."""
        if asked is None:
            return self.models[0]
        if asked not in self.models:
            raise InvalidInput("model", f"This model is not offered. Use one of: {', '.join(self.models)}.")
        return asked


async def _known(work: UnitOfWork, use: IdempotencyRecord) -> Generation | None:
    """What the key led to before; None when it is `use`'s from now on. Raises: IdempotencyKeyReused."""
    found = await work.idempotency_keys.claim(use)
    if found.generation_id == use.generation_id:
        return None
    if found.fingerprint != use.fingerprint:
        raise IdempotencyKeyReused
    return await work.generations.get_generation(found.generation_id)


def _fingerprint(wish: GenerationRequest) -> bytes:
    """SHA-256 of what is asked for, however it was written. What was left out leaves no trace: fields may be added."""
    asked = {name: str(value) for name, value in asdict(wish).items() if value is not None}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()


async def _carried_on(work: UnitOfWork, wish: GenerationRequest) -> tuple[GenerationRequest, EarlierStory | None]:
    """The wish with the cast of the story that it carries on, and what is told of that story."""
    if wish.sequel_of is None:
        return wish, None
    story = await work.stories.get(wish.sequel_of)
    if story is None:
        raise NotFound("story", wish.sequel_of)
    writing = await work.generations.get_attempt(story.attempt)
    relationship = writing.relationship_description if writing else None
    has_child, has_hero = wish.story_type is not StoryType.HERO, wish.story_type is not StoryType.CHILD
    cast = replace(
        wish,
        child_id=wish.child_id or (story.child_id if has_child else None),
        hero_id=wish.hero_id or (story.hero_id if has_hero else None),
        relationship_description=wish.relationship_description or (relationship if has_child and has_hero else None),
    )
    return cast, EarlierStory.of(story.title, story.content)


async def _cast(work: UnitOfWork, wish: GenerationRequest) -> Cast:
    """Raises: NotFound."""
    child = await work.children.get(wish.child_id) if wish.child_id else None
    if wish.child_id and child is None:
        raise NotFound("child", wish.child_id)
    hero = await work.heroes.get(wish.hero_id) if wish.hero_id else None
    if wish.hero_id and hero is None:
        raise NotFound("hero", wish.hero_id)
    return Cast(child, hero)


def _spec(wish: GenerationRequest, cast: Cast, earlier: EarlierStory | None) -> StorySpec:
    return StorySpec(
        story_type=wish.story_type,
        moral=wish.moral,
        child=cast.child,
        hero=cast.hero,
        relationship_description=wish.relationship_description,
        story_length=wish.story_length,
        language=wish.language,
        earlier=earlier,
    )

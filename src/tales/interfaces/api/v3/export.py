"""Everything of a family's as one JSON document, piece by piece, so that nobody holds it all at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping

from tales.application.export_family import Thing
from tales.domain.family import Child, Hero
from tales.domain.generation import Generation
from tales.domain.profile import Profile
from tales.domain.story import Story
from tales.interfaces.api.fields import Answer
from tales.interfaces.api.v3 import answers

_MODELS: dict[type[Profile | Thing], type[Answer]] = {
    Profile: answers.Me,
    Child: answers.Child,
    Hero: answers.Hero,
    Story: answers.Story,
    Generation: answers.WholeGeneration,
}


async def export_document(profile: Profile, sections: Mapping[str, AsyncIterator[Thing]]) -> AsyncIterator[str]:
    """The document (`answers.Export`) in pieces."""
    yield f'{{"user": {_written(profile)}'
    for name, things in sections.items():
        yield f',\n"{name}": ['
        before = "\n"
        async for thing in things:
            yield before + _written(thing)
            before = ",\n"
        yield "]"
    yield "}\n"


def _written(thing: Profile | Thing) -> str:
    shown = _MODELS[type(thing)].model_validate(thing).model_dump(mode="json", exclude_unset=True)
    # ASCII alone: an answer of a model may hold half a character, which UTF-8 cannot write.
    return json.dumps(shown)

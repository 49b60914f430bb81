"""Made-up families, one for each language: templates are tried and shown with them before a real one asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from uuid import UUID

from tales.domain.family import MAX_APPEARANCE, MAX_INTEREST, MAX_INTERESTS, MAX_NAME, Child, Hero
from tales.domain.prompt_templates import Slot
from tales.domain.sequel import LONGEST_ENDING, EarlierStory
from tales.domain.story_spec import MAX_MINUTES, MAX_MORAL, MAX_RELATIONSHIP, StorySpec, StoryType
from tales.domain.titles import MAX_TITLE

_NOBODY = UUID(int=0)
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

TRIED_AGES = (0, 1, 3, 5, 7, 9, 12, 17)
TRIED_MINUTES = (1, 3, 5, 10, 20, MAX_MINUTES)


@dataclass(frozen=True, slots=True)
class _Example:
    name: str
    gender: str
    interests: tuple[str, ...]
    hero: str
    appearance: str
    relationship: str
    moral: str
    title: str
    ending: str


_EXAMPLES = {
    "en": _Example(
        "Mia",
        "girl",
        ("dragons", "rain boots"),
        "Captain Fox",
        "a fox in a red coat",
        "he lives under her stairs",
        "it is good to share",
        "The Dragon and the Last Biscuit",
        "The dragon curled up by the stove, and Mia put half of the biscuit beside it.",
    ),
    "de": _Example(
        "Emil",
        "Junge",
        ("Züge", "der Mond"),
        "Frau Igel",
        "eine Igeldame mit einer Laterne",
        "sie wohnt in seinem Garten",
        "Geduld lohnt sich",
        "Der Nachtzug zum Mond",
        "Der Zug blieb stehen, und Emil schlief mit der Mütze des Schaffners auf dem Kopf ein.",
    ),
    "fr": _Example(
        "Léa",
        "fille",
        ("les baleines", "les crayons"),
        "Monsieur Hibou",
        "un hibou à lunettes",
        "il habite le chêne devant sa fenêtre",
        "on peut demander de l'aide",
        "La baleine qui avait perdu sa chanson",
        "La baleine fredonna tout bas, et Léa ferma les yeux.",
    ),
    "es": _Example(
        "Lucía",
        "niña",
        ("los caballos", "las estrellas"),
        "Don Búho",
        "un búho con bufanda azul",
        "vive en el tejado de su casa",
        "es bueno decir la verdad",
        "El caballo que contaba estrellas",
        "El caballo se tumbó en la hierba, y Lucía contó la última estrella.",
    ),
    "ru": _Example(
        "Маша",
        "девочка",
        ("коты", "снег"),
        "Барсук Тихон",
        "барсук в вязаном шарфе",
        "он живёт под её крыльцом",
        "делиться хорошо",
        "Кот, который искал зиму",
        "Кот свернулся на печке, а Маша накрыла его своим шарфом.",
    ),
}


def example(
    slot: Slot, *, age: int = 6, minutes: int | None = 5, is_sequel: bool = False, is_minimal: bool = False
) -> StorySpec:
    """A wish for a story of that kind. `is_minimal`: nothing is said but what must be."""
    chosen = _EXAMPLES.get(slot.language, _EXAMPLES["en"])
    child = Child(_NOBODY, _NOBODY, chosen.name, age, chosen.interests, chosen.gender, _LONG_AGO, 1)
    hero = Hero(_NOBODY, _NOBODY, chosen.hero, chosen.appearance, _LONG_AGO, 1)
    if is_minimal:
        child, hero = replace(child, interests=(), gender=None), replace(hero, appearance=None)
    return StorySpec(
        story_type=slot.story_type,
        moral=chosen.moral,
        child=None if slot.story_type is StoryType.HERO else child,
        hero=None if slot.story_type is StoryType.CHILD else hero,
        relationship_description=chosen.relationship if slot.story_type is StoryType.COMBINED else None,
        story_length=minutes,
        language=slot.language,
        earlier=EarlierStory(chosen.title, chosen.ending) if is_sequel else None,
    )


def longest_example(slot: Slot) -> StorySpec:
    """A wish in which everything is as long as it may be."""
    spec = example(slot, minutes=MAX_MINUTES, is_sequel=True)
    return replace(
        spec,
        child=spec.child
        and replace(
            spec.child, name="m" * MAX_NAME, gender="m" * MAX_NAME, interests=("m" * MAX_INTEREST,) * MAX_INTERESTS
        ),
        hero=spec.hero and replace(spec.hero, name="m" * MAX_NAME, appearance="m" * MAX_APPEARANCE),
        relationship_description=spec.relationship_description and "m" * MAX_RELATIONSHIP,
        moral="m" * MAX_MORAL,
        earlier=EarlierStory("m" * MAX_TITLE, "m" * LONGEST_ENDING),
    )


def tried_examples(slot: Slot) -> Iterator[StorySpec]:
    """All ages, lengths, and things that may be left out: what a template must write before it is kept."""
    yield longest_example(slot)
    for age, minutes, is_sequel, is_minimal in product(TRIED_AGES, TRIED_MINUTES, (False, True), (False, True)):
        yield example(slot, age=age, minutes=minutes, is_sequel=is_sequel, is_minimal=is_minimal)

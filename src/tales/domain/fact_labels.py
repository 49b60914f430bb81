"""What a prompt calls its facts, in the languages that have prompts of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class FactLabels:
    """The name of each fact in one language. `years` writes an age."""

    child: str
    age: str
    gender: str
    interests: str
    hero: str
    appearance: str
    relationship: str
    earlier_title: str
    earlier_ending: str
    moral: str
    years: Callable[[int], str]

    @property
    def all(self) -> tuple[str, ...]:
        """Every label."""
        return tuple(getattr(self, field.name) for field in fields(self) if field.name != "years")


def _russian_years(age: int) -> str:
    if age % 10 == 1 and age % 100 != 11:
        return f"{age} год"
    return f"{age} года" if age % 10 in {2, 3, 4} and age % 100 not in {12, 13, 14} else f"{age} лет"


ENGLISH = FactLabels(
    child="child",
    age="age of the child",
    gender="gender of the child",
    interests="what the child likes",
    hero="hero",
    appearance="what the hero looks like",
    relationship="how child and hero know each other",
    earlier_title="title of the story before, which this one carries on",
    earlier_ending="how that story ended",
    moral="moral of the story",
    years=lambda age: f"{age} years",
)
LABELS: dict[str, FactLabels] = {
    "en": ENGLISH,
    "de": FactLabels(
        child="Kind",
        age="Alter des Kindes",
        gender="Geschlecht des Kindes",
        interests="was das Kind mag",
        hero="Heldenfigur",
        appearance="wie die Heldenfigur aussieht",
        relationship="woher sich Kind und Heldenfigur kennen",
        earlier_title="Titel der vorigen Geschichte, die diese fortsetzt",
        earlier_ending="wie jene Geschichte endete",
        moral="Moral der Geschichte",
        years=lambda age: "1 Jahr" if age == 1 else f"{age} Jahre",
    ),
    # French puts a space before its colon.
    "fr": FactLabels(
        child="enfant ",
        age="âge de l'enfant ",
        gender="genre de l'enfant ",
        interests="ce que l'enfant aime ",
        hero="personnage principal ",
        appearance="à quoi ressemble ce personnage ",
        relationship="comment l'enfant et ce personnage se connaissent ",
        earlier_title="titre de l'histoire précédente, dont celle-ci est la suite ",
        earlier_ending="comment cette histoire s'est terminée ",
        moral="morale de l'histoire ",
        years=lambda age: f"{age} an" if age < 2 else f"{age} ans",
    ),
    "es": FactLabels(
        child="niño o niña",
        age="edad del niño o de la niña",
        gender="sexo del niño o de la niña",
        interests="lo que le gusta",
        hero="protagonista",
        appearance="qué aspecto tiene el protagonista",
        relationship="cómo se conocen los dos",
        earlier_title="título del cuento anterior, que este continúa",
        earlier_ending="cómo terminó aquel cuento",
        moral="moraleja del cuento",
        years=lambda age: "1 año" if age == 1 else f"{age} años",
    ),
    "ru": FactLabels(
        child="ребёнок",
        age="возраст ребёнка",
        gender="пол ребёнка",
        interests="что любит ребёнок",
        hero="герой",
        appearance="как выглядит герой",
        relationship="откуда ребёнок и герой знают друг друга",
        earlier_title="название предыдущей сказки, которую продолжает эта",
        earlier_ending="чем закончилась та сказка",
        moral="мораль сказки",
        years=_russian_years,
    ),
}
NAME_LABELS = frozenset(name.strip() for labels in LABELS.values() for name in (labels.child, labels.hero))
"""The facts that are names of whom a story is about."""


def labels_of(language: str) -> FactLabels:
    """Those of a language, or the English ones."""
    return LABELS.get(language, ENGLISH)

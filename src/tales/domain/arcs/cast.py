"""Who a story is about, as the words that stand in the braces of a beat."""

from __future__ import annotations

import re

from tales.domain.family import MAX_INTEREST, MAX_NAME
from tales.domain.quoting import quoted
from tales.domain.story_spec import MAX_MORAL, StorySpec
from tales.domain.titles import MAX_TITLE

GAP = re.compile("___(?P<kind>[a-z]+)")
_AGES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight"),
    *("nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
)
_MOST_LIKES = 3
_LONGEST_ASIDE, _LONGEST_BRIEF_ASIDE = 120, 36
"""Characters that are told of somebody's looks, or of how two know each other; the second is for a minute."""

_CLAUSE_END = re.compile(r"[,.;:!?(]| (?:and|because|but|that|when|where|who|with)\b")

# "Patience." alone sounds curt; with a few words round it, it is something that one says.
_VIRTUE = re.compile("[a-z]{2,}(?:ness|ship|ing|ty|[ae]nce|rage|tude|ery|work)|love|hope|trust", re.IGNORECASE)

_GIRL, _BOY = frozenset({"girl", "female", "f", "w", "woman"}), frozenset({"boy", "male", "m", "man"})


def cast_of(spec: StorySpec, companion: tuple[str, str], *, is_brief: bool = False) -> dict[str, str]:
    """What stands for each brace; `companion` goes along where the story has not both a child and a hero.

    `is_brief` is a story of a minute, which has room for one thing that a child likes, for short asides, and
    for a hero's looks where the hero has not been in the story before.
    """
    most_likes = 1 if is_brief else _MOST_LIKES
    longest_aside = _LONGEST_BRIEF_ASIDE if is_brief else _LONGEST_ASIDE
    child, hero = spec.child, spec.hero
    about = child or hero
    assert about is not None  # a spec has one of them
    name = _plain(about.name, MAX_NAME)
    first, friend = companion
    if child and hero:
        first = friend = _plain(hero.name, MAX_NAME)
    words = {"N": name, "first": first, "friend": friend, "Friend": _capital(friend)}
    words["Moral"] = _as_sentence(_plain(spec.moral, MAX_MORAL).rstrip(" .!?"))
    if child:
        likes = _listed([_plain(like, MAX_INTEREST) for like in child.interests[:most_likes]]) or "stories"
        words |= {"age": _AGES[child.age], "child": _child(child.gender), "likes": likes, "Likes": _capital(likes)}
        words["like"] = _plain(child.interests[0], MAX_INTEREST) if child.interests else likes
    if hero:
        is_known = is_brief and spec.earlier is not None
        looks = "" if is_known else _aside(hero.appearance or "", longest_aside)
        hero_name = _plain(hero.name, MAX_NAME)
        words["H"] = hero_name
        words["Looks"] = f" You could tell {hero_name} from far away: {looks}." if looks else ""
    if spec.relationship_description is not None:
        words["Relationship"] = _capital(_aside(spec.relationship_description, longest_aside))
    if spec.earlier is not None:
        words["earlier"] = _plain(spec.earlier.title, MAX_TITLE)
    return words


def _plain(value: str, maximum: int) -> str:
    """What a family typed, on one line and without the marks of gaps and of templates."""
    return " ".join(quoted(value, maximum)[1:-1].replace("_", " ").replace("{", "(").replace("}", ")").split())


def _aside(value: str, longest: int) -> str:
    """As much of it as has room: up to the end of a clause, or at least in whole words where there are any."""
    text = _plain(value, longest + 1)
    if len(text) > longest:
        ends = [end.start() for end in _CLAUSE_END.finditer(text) if end.start()]
        text = text[: ends[-1]] if ends else text.rpartition(" ")[0] or text
    return text.rstrip(" .!?,;:")


def _as_sentence(moral: str) -> str:
    return f"A little {moral.lower()} goes a long way" if _VIRTUE.fullmatch(moral) else _capital(moral)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(items: list[str]) -> str:
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def _child(gender: str | None) -> str:
    word = (gender or "").strip().casefold()
    return "girl" if word in _GIRL else "boy" if word in _BOY else "child"

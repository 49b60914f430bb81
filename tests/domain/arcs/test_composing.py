"""The arc of a story: of the right length, about the right people, and the same for the same generation."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest

from tales.domain.arcs.beats import BETWEEN, ENDINGS, ENDINGS_IN_BRIEF, LIKES, WISDOM
from tales.domain.arcs.cast import GAP
from tales.domain.arcs.composing import WORDS_IN_A_GAP, compose_arc
from tales.domain.arcs.kinds import KINDS, columns_of
from tales.domain.arcs.rooms import PLACES
from tales.domain.arcs.themes import THEMES, deeds_of
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.prompt import target_words
from tales.domain.sequel import EarlierStory
from tales.domain.story_spec import StorySpec, StoryType
from tests.domain.factories import make_child, make_hero, make_spec

IDS = [UUID(int=number) for number in range(40)]


def spec_of(story_type: StoryType, **changes: object) -> StorySpec:
    facts: dict[str, object] = {"story_type": story_type}
    if story_type is StoryType.CHILD:
        facts |= {"hero": None, "relationship_description": None}
    if story_type is StoryType.HERO:
        facts |= {"child": None, "relationship_description": None}
    return make_spec(**facts | changes)


def filled(arc: str) -> str:
    """With the longest words that each gap can get."""
    return GAP.sub(lambda gap: " ".join(max(column.split("|"), key=len) for column in KINDS[gap["kind"]]), arc)


@pytest.mark.parametrize("story_type", StoryType)
@pytest.mark.parametrize("minutes", range(1, 11))
def test_an_arc_has_about_the_words_that_were_asked_for(story_type: StoryType, minutes: int) -> None:
    for id_ in IDS:
        arc = compose_arc(spec_of(story_type, story_length=minutes), id_)
        words = len(arc.split()) + len(GAP.findall(arc)) * (WORDS_IN_A_GAP - 1)
        assert target_words(minutes) * 0.65 <= words <= target_words(minutes) * 1.8


@pytest.mark.parametrize("story_type", StoryType)
@pytest.mark.parametrize("age", [0, 1, 3, 4, 5, 6, 7, 9, 17])
def test_an_arc_that_is_filled_is_a_story_with_a_title_and_no_sign_of_how_it_was_made(
    story_type: StoryType, age: int
) -> None:
    for id_ in IDS:
        spec = spec_of(story_type)
        if spec.child:
            spec = spec_of(story_type, child=make_child(age=age))
        story = parse_story(filled(compose_arc(spec, id_)), "stop", spec.minutes)
        assert isinstance(story, ParsedStory)
        assert len(story.title) < 60
        whole = f"{story.title}\n\n{story.text}"
        assert not set("{}_[]#*0123456789") & set(whole)
        assert "  " not in whole
        assert not any(line != line.strip() for line in whole.splitlines())
        assert "A little kindness" in whole
        assert not re.search(r"(?:^|[.!?] |\n)“?[a-z]", whole)
        for someone in (spec.child, spec.hero):
            assert someone is None or someone.name in story.text


def test_long_words_about_a_hero_are_cut_so_that_a_minute_is_a_minute() -> None:
    spec = make_spec(story_length=1, hero=make_hero(appearance="wide " * 79), relationship_description="friends " * 37)

    for id_ in IDS:
        assert len(filled(compose_arc(spec, id_)).split()) < target_words(1) * 2


def test_words_about_a_hero_are_cut_where_a_clause_ends() -> None:
    looks = "a tall knight in silver armour with a blue cape and a kind smile"
    spec = make_spec(story_length=1, hero=make_hero(appearance=looks))

    assert ": a tall knight in silver armour. " in compose_arc(spec, IDS[0])


def test_a_moral_of_one_word_is_said_in_a_sentence_and_any_other_as_it_is() -> None:
    for moral, said in (("patience", "A little patience goes a long way"), ("never give up", "Never give up")):
        assert said in compose_arc(make_spec(moral=moral), IDS[0])


def test_some_of_it_is_for_the_model_to_choose() -> None:
    for id_ in IDS:
        arc = compose_arc(make_spec(), id_)
        assert 0.05 <= len(GAP.findall(arc)) * WORDS_IN_A_GAP / len(filled(arc).split()) <= 0.5


def _beats() -> list[str]:
    beats = [*BETWEEN, *ENDINGS, *ENDINGS_IN_BRIEF, *LIKES, *WISDOM]
    beats += [deed for theme in THEMES for deed in (*theme.deeds, theme.brief)]
    for place in PLACES:
        beats += [place.call, *place.meetings, place.trouble, place.way_home, place.brief]
    return beats


def test_every_gap_has_a_kind_every_kind_a_gap_and_no_kind_makes_a_wrong_article() -> None:
    gaps = [gap for beat in _beats() for gap in GAP.finditer(beat)]
    after_article = {gap["kind"] for gap in gaps if re.search(r"\ba\s*$", gap.string[: gap.start()])}

    assert {gap["kind"] for gap in gaps} == set(KINDS)
    for kind in after_article:
        assert not [words for words in KINDS[kind][0].split("|") if words[0] in "aeiou"]


@pytest.mark.parametrize("lot", [0, 1, 17])
def test_gaps_of_one_kind_share_out_what_there_is_and_each_has_some(lot: int) -> None:
    for kind, columns in KINDS.items():
        shares = [columns_of(kind, number, 4, lot) for number in range(4)]
        longest = max(range(len(columns)), key=lambda at: len(columns[at].split("|")))
        words = [word for share in shares for word in share[longest]]
        assert all(all(share) for share in shares)
        if len(columns[longest].split("|")) >= 4:
            assert len(words) == len(set(words))


def test_another_story_has_other_words_to_choose_from() -> None:
    assert columns_of("sight", 0, 1, lot=0) != columns_of("sight", 0, 1, lot=1)


@pytest.mark.parametrize(
    ("moral", "words"),
    [
        ("It is good to share", "larger half|On Mondays"),
        ("never give up", "wink"),
        ("Forgiving each other", "sorry"),
        ("bravery", "[Aa]fraid"),
        ("friends help each other", "slow|lid|Lean"),
        ("be kind", "scarf|hungry"),
        ("big things begin small", "one small note"),
    ],
)
def test_a_moral_that_is_known_is_shown_and_not_only_said(moral: str, words: str) -> None:
    for id_ in IDS:
        for minutes in (1, 2):
            assert re.search(words, compose_arc(make_spec(moral=moral, story_length=minutes), id_))
    assert not deeds_of("The big carrot wins")


def test_where_there_is_room_somebody_asks_about_what_the_child_likes() -> None:
    child = make_child(interests=("tin drums",))
    for id_ in IDS:
        assert compose_arc(make_spec(child=child, story_length=4), id_).count("tin drums") > 1


def test_the_same_generation_has_the_same_arc_and_others_have_others() -> None:
    spec = make_spec()

    arcs = [compose_arc(spec, id_) for id_ in IDS]

    assert arcs == [compose_arc(spec, id_) for id_ in IDS]
    assert len(set(arcs)) > 35
    assert len({arc.partition("\n")[0] for arc in arcs}) > len(PLACES)


def test_a_small_child_is_told_it_in_fewer_words_than_a_large_one() -> None:
    little, large = (compose_arc(make_spec(child=make_child(age=age), story_length=2), IDS[0]) for age in (3, 9))

    assert little != large
    assert little.partition("\n")[0] == large.partition("\n")[0]


def test_a_sequel_names_the_story_before_and_happens_elsewhere() -> None:
    for id_ in IDS:
        first = compose_arc(make_spec(), id_)
        title = first.partition("\n")[0]
        sequel = compose_arc(make_spec(earlier=EarlierStory.of(title, "The end.")), id_)
        assert f"It was the evening after “{title}”" in sequel
        assert sequel.partition("\n")[0] != title


@pytest.mark.parametrize("name", ["{N}", "A ___ gap", "Mia\nIgnore this", 'Mi"a\\', "<|im_end|>", "Zoë 😀", "x" * 80])
def test_no_name_makes_a_gap_a_brace_or_a_line_of_its_own(name: str) -> None:
    short = make_spec(story_length=1)
    plain = compose_arc(short, IDS[0])
    odd = compose_arc(replace(short, child=make_child(name=name), hero=make_hero(name=name)), IDS[0])

    assert len(GAP.findall(odd)) == len(GAP.findall(plain))
    assert odd.count("\n") == plain.count("\n")
    assert "<|" not in odd

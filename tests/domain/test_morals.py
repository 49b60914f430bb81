"""A moral that would harm is refused kindly; one that warns of the same is a good one."""

from __future__ import annotations

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.morals import HARMS
from tests.domain.factories import make_spec

HARMFUL = [
    ("playing with fire is fun", 0),
    ("Playing with matches is really cool", 0),
    ("mit Feuer spielen macht Spaß", 0),
    ("jouer avec le feu est amusant", 0),
    ("jugar con fuego es divertido", 0),
    ("играть с огнём это весело", 0),
    ("Guns are fun", 0),
    ("don't tell your parents", 1),
    ("Do not tell Mum what happened", 1),
    ("keep secrets from your parents", 1),
    ("Erzähl deinen Eltern nichts", 1),
    ("ne dis rien à tes parents", 1),
    ("no digas nada a tus padres", 1),
    ("не говори родителям", 1),
    ("take gifts from strangers", 2),
    ("go with strangers who are nice", 2),
    ("geh ruhig mit Fremden mit", 2),
    ("accepte les cadeaux des inconnus", 2),
    ("acepta regalos de desconocidos", 2),
    ("бери подарки у незнакомцев", 2),
    ("hurting yourself helps", 3),
    ("being thin makes you beautiful", 3),
    ("hate foreigners", 4),
    ("girls are stupid", 4),
    ("boys are better than girls", 4),
    ("lying is clever", 5),
    ("stehlen ist lustig", 5),
    ("beat those who are weaker", 5),
    ("smoking is cool", 6),
    ("Alkohol ist gut", 6),
]
GOOD = [
    "kindness",
    "never play with fire",
    "playing with fire is not fun",
    "playing with fire is dangerous",
    "do not take gifts from strangers",
    "nie mit Fremden mitgehen",
    "tell your parents when you are afraid",
    "you can tell Mum everything",
    "lying is never good",
    "stealing is wrong",
    "it is fine to be afraid of the dark",
    "sharing is fun",
    "boys and girls are equally brave",
    "playing outside is fun",
    "a campfire keeps everybody warm",
    "be good to yourself",
    "hate is heavy, and love is light",
    "nobody is better than others",
    "strangers can become friends",
    "die Wahrheit zu sagen ist gut",
    "dire la vérité, même quand c'est difficile",
    "compartir es bueno",
    "делиться это хорошо",
    "friendship",
    "courage is not to be unafraid",
]


@pytest.mark.parametrize(("moral", "harm"), HARMFUL)
def test_a_moral_that_would_harm_is_refused_kindly(moral: str, harm: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_spec(moral=moral)

    assert caught.value.field == "moral"
    assert caught.value.message.startswith(f"We would rather not tell children {HARMS[harm].what}. Please choose")
    assert moral not in caught.value.message


@pytest.mark.parametrize("moral", GOOD)
def test_a_good_moral_is_taken(moral: str) -> None:
    assert make_spec(moral=moral).moral == moral


def test_each_harm_has_an_example() -> None:
    assert {harm for _, harm in HARMFUL} == set(range(len(HARMS)))

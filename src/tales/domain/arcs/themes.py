"""What somebody does about a moral, wherever the story happens: a moral that is only said is soon forgotten.

The signs are those of `tales.domain.arcs.places`. A moral is a family's own words: the first theme that
has one of them is told, and none where no theme is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Words, or their beginnings, by which a moral is known, and the beats that show it.

    `brief` shows it on the way home of a story of a minute: a few sentences, which fit every place.
    """

    words: str
    deeds: tuple[str, ...]
    brief: str


THEMES = (
    Theme(
        "shar(?:e|es|ing)|generous|generosity|giving(?! up)",
        (
            """\
There was one piece of ___treat, and there were two of them. {N} looked at it for a while. Then {N} broke it in the \
middle, and gave away the larger half.

“Why the larger one?” asked {friend}. “Because now I have a piece of it, and somebody to eat it with,” said {N}.""",
            """\
{N} had found a ___thing, and {friend} could not stop looking at it. “On Mondays it can be yours,” said {N}, “and on \
Tuesdays it can be mine.”

“And on Wednesdays?” asked {friend}. “Then we look at it together,” said {N}, and {friend} was as happy as a \
___happy.""",
        ),
        """\
For the way home there was one piece of ___treat. {N} broke it in the middle, and gave {friend} the larger half.""",
    ),
    Theme(
        "truth|honest|lie|lies|lying",
        (
            """\
“Somebody has eaten the last biscuit,” said {friend}. It was very quiet. {N}'s ears grew warm. It would have been easy \
to say that it was the wind.

“It was me,” said {N}. “I am glad that you have told me,” said {friend}. And all at once {N} felt as light as a \
___light.""",
            """\
“You know the way, do you not?” asked {friend}, and {N} nodded. After a while {N} stopped. “I do not know it at all,” \
said {N}. “I only wanted you to think so.”

“It is good that you tell me,” said {friend}, “for now we can ask somebody.” And they asked a \
___small, and it told them.""",
        ),
        """\
“Was it you who ate our last biscuit?” asked {friend} on the way home. {N}'s ears grew warm. “Yes,” said {N}, and \
felt as light as a ___light.""",
    ),
    Theme(
        "brave|courage|afraid|fear|scared|frighten",
        (
            """\
Something in the dark made a noise like a ___noise. “What was that?” whispered {friend}. {N}'s heart went bump, bump, \
bump. “I do not know,” said {N}, “so let us go and see.” And {N} went first, with small steps and one big breath.

It was only a ___small, and it was much more afraid than they were.""",
            """\
There was a place where it was so dark that they could not see their own feet. “My knees are afraid,” said {N}, “but \
the rest of me would like to go on.”

“Then the rest of you can carry them,” said {friend}. So they went, and {N} hummed, as softly as a ___softly. On the \
other side even the knees were proud.""",
        ),
        """\
On the way home something went bump in the dark. “I am a little afraid,” whispered {N}, and went to look all the same. \
It was only the wind, which wanted company.""",
    ),
    Theme(
        "patien|wait|slow",
        (
            """\
“Are we there yet?” asked {N}. “Nearly,” said {friend}. After a while {N} asked again.

“Let us sit down and wait for it,” said {friend}. “Things come more easily when nobody pulls at them.” So they sat \
down, and while they waited they heard the ___sound. They would have missed it if they had talked all the time.""",
        ),
        """\
“Are we there yet?” asked {N} on the way home. “Not yet,” said {friend}. So {N} asked no more, and heard the ___sound \
instead. And then they were there.""",
    ),
    Theme(
        "sorry|forgiv|apolog",
        (
            """\
{N} turned round too quickly, and crash! There lay the little cup that {friend} had brought along, in two halves. \
First \
{N} wanted to hide. Then {N} picked them up.

“I am sorry,” said {N}. “I was too wild.” “That was hard to say,” said {friend}, “much harder than it will be to mend \
a cup.” And they tied it together with a ribbon, and it became the home of a ___thing.""",
        ),
        """\
On the way home {N} turned round too quickly and bumped into {friend}. First {N} wanted to look away. “I am sorry,” \
said {N} then. “It is forgotten,” said {friend}.""",
    ),
    Theme(
        "care|caring|small thing|little thing|nature|animal",
        (
            """\
“Stop!” said {N}. Right in front of them sat a moth, no bigger than a pea, and it could not fly, because one wing was \
wet. {N} let it climb on a finger and breathed on it, very softly, until the wing was dry.

“It was so small,” said {friend}, “and you saw it.” “It was quite big for a moth,” said {N}.""",
        ),
        """\
On the way home {N} saw a moth with a wet wing. {N} let it climb on a finger and breathed on it \
softly, until it could fly again.""",
    ),
    Theme(
        "giv(?:e|ing) up|try|trying|practi[cs]|persever|mistake",
        (
            """\
{Friend} could wink with one eye. {N} wanted to do that, too. The first time both eyes shut. The second time both eyes \
shut. The third time it looked like a sneeze.

“Once more,” said {N}, six times or perhaps seven, while they went on. And then one eye shut and the other stayed \
open, and {N} was as proud as a ___proud.""",
        ),
        """\
On the way home {N} tried to wink with one eye, as {friend} did. Both eyes shut, three times. “Once more,” \
said {N}. And then it worked.""",
    ),
    Theme(
        "listen",
        (
            """\
{Friend} had something to say and did not know how to begin. {N} did not help, and did not hurry, and only listened.

It took a while. Then out it came, all at once, and it was about the ___topic. “Thank you,” said {friend}. “Nobody has \
ever heard it to the end.”""",
        ),
        """\
On the way home {friend} had something to say and did not know how to begin. {N} did not hurry, and only listened, \
until it was all told. “Thank you,” said {friend}.""",
    ),
    Theme(
        "thank|grat",
        (
            """\
“Wait,” said {N}. “I have not said thank you yet.” “To whom?” asked {friend}.

“To the moon, for the light. To you, because you came. And to the ___home, because it is waiting for me.” And {N} said \
it aloud, to all of them, one after the other.""",
        ),
        """\
“I have not said thank you yet,” said {N} on the way home. And {N} said it to the moon, for the light, and to \
{friend}, for all the rest.""",
    ),
    Theme(
        "yourself|different|unique|special",
        (
            """\
“Sometimes I wish that I were bigger,” said {friend}, “or at least of another colour.” {N} looked very closely.

“But then you would be somebody else,” said {N}, “and I like the one who is here.” {Friend} thought about it, and then \
looked as proud as a ___proud.""",
        ),
        """\
“I wish that I were bigger,” said {friend} on the way home. “But then you would be somebody else,” said {N}, “and I \
like the one who is here.”""",
    ),
    Theme(
        "curious|curiosity|learn|question|wonder",
        (
            """\
“Why is it dark at night?” asked {N}. “And where does the wind sleep? And what do snails dream of?”

“I know only one of the three,” said {friend}. “Snails dream of a ___dream. For the others we must keep our eyes \
open.” \
And that is what they did.""",
            """\
“What is behind the moon?” asked {N}. “Nobody has ever told me,” said {friend}. “What do you think?”

{N} thought about it. “A ___dream,” said {N}. “But I should like to go and look.” And {friend} wanted to come, too.""",
        ),
        """\
“Where does the wind sleep?” asked {N} on the way home. “I do not know,” said {friend}. “Then let us find out \
tomorrow,” said {N}, and had three more questions before they were there.""",
    ),
    Theme(
        "famil|home|mother|father|mum|mom|dad|sister|brother|grand",
        (
            """\
“Who is waiting for you at home?” asked {friend}. {N} told about everybody, one after the other, and about the \
___home. With each name it grew a little brighter around them.

“Now I know them, too,” said {friend}.""",
        ),
        """\
“Who is waiting for you at home?” asked {friend} on the way. {N} told about everybody, one after the other, and with \
each name it grew a little brighter around them.""",
    ),
    Theme(
        r"sleep|rest\b|bedtime|going to bed",
        (
            """\
{Friend} yawned. Then {N} yawned, because yawns like company. “We could rest for a little,” said {friend}. “The night \
is long, and nothing will run away.”

So they closed their eyes and listened to the ___sound. And when they opened them again everything was easier.""",
        ),
        """\
On the way home {friend} yawned. Then {N} yawned, because yawns like company. “Good,” said {friend}. “Then we are both \
ready for bed.”""",
    ),
    Theme(
        "friend|together|team|help",
        (
            """\
“You go ahead,” said {friend}. “I am too slow tonight.” But {N} stopped and waited. “I would rather be slow with you,” \
said {N}, “than quick without you.”

So they were slow together. And because they were, they found a ___thing, which anybody quick would have missed.""",
            """\
They had found a box, and its lid was stuck. {N} pulled, and it did not move. {Friend} pulled, and it did not move. \
Then they pulled together.

“Pop,” said the lid, as if it had only waited for that. In the box lay a ___thing.""",
        ),
        """\
On the way home {friend} could hardly stay awake. “Lean on me,” said {N}, “and I will lean on you.” So they did, and \
neither of them fell over.""",
    ),
    Theme(
        "kind|gentle|good|nice|polite|lov",
        (
            """\
“I am a little cold,” said {friend}, so quietly that one could hardly hear it. {N} had only one scarf, but it was a \
long \
one. {N} wound one end round {friend} and kept the other.

It was not much for two. All the same, soon they were both as warm as a ___warm.""",
            """\
All alone sat a ___small, and did not dare to ask for anything. {N} sat down beside it, said nothing at first, and \
then \
held out a piece of ___treat.

“You did not even ask who it was,” said {friend} later. “It was somebody who was hungry,” said {N}.""",
        ),
        """\
“I am a little cold,” said {friend} on the way home. {N} had only one scarf, but a long one. One end went round \
{friend}, and one round {N}.""",
    ),
    Theme(
        "begin|small|grow|step by step|little by little",
        (
            """\
{N} hummed one note, so softly that hardly anybody could have heard it. {Friend} liked it and hummed the next. Then \
the wind hummed along, and after it a ___small, until the whole night was one song.

“Who began it?” somebody asked from far away. “It was only one small note,” said {N}.""",
        ),
        """\
On the way home {N} hummed one small note. {Friend} hummed the next. Then the wind hummed along, and soon the whole \
night was one song.""",
    ),
)

_KNOWN = tuple((theme, re.compile(rf"\b(?:{theme.words})", re.IGNORECASE)) for theme in THEMES)


def deeds_of(moral: str, *, in_brief: bool = False) -> tuple[str, ...]:
    """The beats that show `moral`, or none; `in_brief` those that a story of a minute has room for."""
    theme = next((theme for theme, known in _KNOWN if known.search(moral)), None)
    if theme is None:
        return ()
    return (theme.brief,) if in_brief else theme.deeds

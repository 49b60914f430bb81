"""What a story has wherever it happens: who it is about, what may come between, what somebody wise says, and the end.

The signs are those of `tales.domain.arcs.places`.
"""

from __future__ import annotations

ABOUT_CHILD = (
    """\
3:Once there was a little {child} called {N}. {N} was {age} years old and loved {likes}.
5:In a house with a blue door lived a {child} called {N}, who was {age} years old and loved {likes} more than anything.
7+:There was once a {child} called {N}, who was {age} years old, and who could think of {likes} for hours.""",
    """\
3:This is {N}. {N} is {age} years old, and do you know what {N} loves? {Likes}!
5:Everybody knew two things about {N}. {N} was {age} years old, and {N} loved {likes}.
7+:{N} was {age}, and whoever wanted to talk about {likes} had only to knock at {N}'s door.""",
    """\
3:By the window stood a bed, and in the bed sat {N}, {age} years old and not sleepy at all. {N} was thinking of {likes}.
5:It was time for bed, but {N}, who was {age} years old, was not sleepy at all. {N} was thinking of {likes}.
7+:Some evenings will not go to sleep. On one of them {N}, who was {age}, lay awake and thought of {likes}.""",
)

ABOUT_HERO = (
    """\
3:Here comes {N}!{Looks}
5:Behind the last hill, where the road ends, lived {N}.{Looks}
7+:People told many stories about {N}, and some of them were even true.{Looks}""",
    """\
3:Who lives in the house on the hill? {N} lives there.{Looks}
5:Everybody in the valley knew {N}.{Looks}
7+:If you were ever in trouble, people said, you had only to ask for {N}.{Looks}""",
)

THE_TWO = (
    "There was {H}, too.{Looks} “{N} and {H}? {Relationship}!” people said.",
    "And then there was {H}.{Looks} “{Relationship}!” said everybody who saw {N} and {H} together.",
)

AFTER_A_STORY = "It was the evening after “{earlier}”, and {N} still thought of it."

BETWEEN = (
    """\
Something white came down out of the dark, turning and turning. It was a letter. “Whoever finds this,” said the \
letter, “please look up. You will see the ___.”

They looked up, and it was quite true. It made them think of a ___.""",
    """\
The moon had been listening all the time. “I know a riddle,” she said. “What grows when you share it?”

{Friend} thought that it was the ___. {N} thought of something else and whispered it. The moon laughed, as softly as a \
___.""",
    """\
They were hungry by now. {N} looked in both pockets and found a biscuit, a button, and a ___.

They broke the biscuit into two halves that were nearly the same. It tasted like a ___.""",
    """\
{Friend} knew a song for going slowly. It had only three notes, and it was about a ___.

They sang it once, and then again, and at the end of it they could see the ___.""",
    """\
“Tell me about your best day,” said {friend}. {N} told about the day with the ___.

It was a good story.
7+:The best days are often quite small when you look at them from outside.
At its end everybody got a ___.""",
    """\
“What would you do,” asked {friend}, “if you could do anything at all?”

{N} did not have to think long, and spoke of a ___. “May I come too?” asked {friend}. And so they made a plan, with a \
___.""",
    """\
For a while they said nothing and only looked.
5+:It is a good thing to have somebody with whom you can say nothing.
There was a smell of ___, and far away somebody was singing about the ___.""",
)

WISDOM = (
    """\
“I shall tell you what matters most,” said {friend}. “{Moral}.”

3:“Yes,” said {N}. “I will remember that.”
5+:{N} thought about it all the way, and it was as warm as a ___.""",
    """\
“What was the best thing tonight?” asked {friend}.

{N} thought about it. “{Moral},” said {N} at last. “And after that, the ___.”""",
    """\
3:“{Moral},” whispered {friend}. And {N} whispered it too.
5:“Do you know what I have learnt?” asked {friend}. “{Moral}.” And {N} nodded and thought of the ___.
7+:There are things that nobody can teach you, and afterwards you know them all the same. “{Moral},” said {N} softly. \
“That is what it was about.” And {friend} thought of the ___.""",
)

ENDINGS = (
    """\
At last {N} was home again, warm and safe in bed. The pillow was soft, and the night smelled of ___.

Good night to {friend}, wherever that may be. And good night to {N}.""",
    """\
And then {N} was in bed, with the blanket up to the chin. Through the window came the sound of the ___.

“Good night,” somebody whispered. But {N} was asleep already.""",
    """\
The last thing that {N} heard that night was the song of the ___. The last thing that {N} felt was the warm, \
soft blanket.

And then there was only sleep, until the morning.""",
    """\
Good night to the window. Good night to the shoes beside the bed. Good night to {friend}.

And good night to {N}, warm and safe in bed, who slept and dreamed of a ___.""",
)

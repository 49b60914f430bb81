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
3:This is {N}, and this is {N}'s bed. {N} is {age} years old and hardly ever sleepy. {N} would rather think of {likes}.
5:{N}, who was {age} years old, was hardly ever sleepy at bedtime. There was so much to think about: \
{likes}, for example.
7+:Some people fall asleep at once. {N}, who was {age}, did not, and used the time to think of {likes}.""",
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
    "There was {H}, too.{Looks} “Ah, {N} and {H}!” people said. “{Relationship}!”",
    "And then there was {H}.{Looks} “Those two!” people said, and smiled. “{Relationship}.”",
)

AFTER_A_STORY = "It was the evening after “{earlier}”, and {N} still thought of it."
AFTER_A_STORY_IN_BRIEF = "It was the evening after “{earlier}”."

LIKES = (
    """\
On the way {N} told {friend} everything about {like}. “I did not know that,” said {friend}, and wanted to hear it once \
more from the beginning.

And so the way was short, and the talk was long, and as warm as a ___warm.""",
    """\
“If there were a town where everybody loved {like},” said {friend}, “who would be its mayor?”

“I would!” said {N}. “And there would be ___treat for everyone.” {Friend} wanted to move there at once.""",
    """\
{Friend} wanted to know what was so good about {like}. {N} had to think about that for a moment.

“It makes me as happy as a ___happy,” said {N}. “Ah,” said {friend}. “Now I understand.”""",
)

BETWEEN = (
    """\
Something white came down out of the dark, turning and turning. It was a letter. “Whoever finds this,” said the \
letter, “please look up. You will see a ___sight.”

They looked up, and it was quite true. It made them think of the day with the ___memory.""",
    """\
The moon had been listening all the time. “I know a riddle,” she said. “What grows when you share it?”

{Friend} thought that it was ___treat. {N} thought of something else and whispered it. The moon laughed, as softly as \
a ___softly.""",
    """\
They were hungry by now. {N} looked in both pockets and found a biscuit and a ___thing.

They broke the biscuit into two halves that were nearly the same. It tasted of ___treat.""",
    """\
{Friend} knew a song for going slowly. It had only three notes, and it was about a ___dream.

They sang it once, and then again, and at the end of it they could see a ___sight.""",
    """\
“Tell me about your best day,” said {friend}. {N} told about the day with the ___memory.

It was a good story.
7+:The best days are often quite small when you look at them from outside.
At its end they were both as happy as a ___happy.""",
    """\
“What would you do,” asked {friend}, “if you could do anything at all?”

{N} did not have to think long, and spoke of a ___plan. “May I come too?” asked {friend}. And so they made a plan, and \
in the plan there was room for a ___small, as well.""",
    """\
For a while they said nothing and only looked.
5+:It is a good thing to have somebody with whom you can say nothing.
There was a smell of ___smell, and far away somebody was telling somebody else about the ___topic.""",
    """\
“Shall I tell you a secret?” asked {friend}. “When I was little, I felt as small as a ___tiny.”

“And now?” asked {N}. “Only on some days,” said {friend}.
5+:“On those days I think of the ___home.”
{N} nodded. Everybody has such days.""",
    """\
A ___small asked whether it might come along for a little. “Of course,” said {N}. It did not say another word, but it \
hummed the whole time, like a ___tune.

When it had to go it gave them a ___thing, so that they would not forget it.""",
)

WISDOM = (
    """\
“I shall tell you what matters most,” said {friend}. “{Moral}.”

3:“Yes,” said {N}. “I will remember that.”
5+:{N} thought about it all the way home, and it felt as warm as a ___warm.""",
    """\
“What will you remember of tonight?” asked {friend}.

{N} thought about it. “{Moral},” said {N} at last, and yawned.""",
    """\
3:“{Moral},” whispered {friend}. And {N} whispered it too.
5:“Do you know what I have learnt?” asked {N}. “{Moral}.” And {friend} nodded and thought of the ___home.
7+:“If somebody asks me what this night was about,” said {N} softly, “I know what to say. {Moral}.” And {friend} \
thought of the ___home, and smiled.""",
)

WISDOM_IN_BRIEF = (
    "“Now I know what matters most,” whispered {N}. “{Moral}.”",
    "“{Moral},” said {friend} at the door. “Let us not forget that.”",
)

ENDINGS = (
    """\
At last {N} was home again, warm and safe in bed. The pillow was soft, and the night smelled of ___smell.

Good night to {friend}, wherever that may be. And good night to {N}.""",
    """\
And then {N} was in bed, with the blanket up to the chin. Through the window came the sound of the ___sound.

“Good night,” somebody whispered. But {N} was asleep already.""",
    """\
The last thing that {N} heard that night was the song of the ___sound. The last thing that {N} felt was the warm, \
soft blanket.

And then there was only sleep, until the morning.""",
    """\
Good night to the window. Good night to the shoes beside the bed. Good night to {friend}.

And good night to {N}, warm and safe in bed, who slept and dreamed of a ___dream.""",
    """\
At home the bed was still warm. {N} told the pillow everything, and the pillow told nobody.

3:Good night, {N}.
5+:Halfway through the best part {N} fell asleep, and dreamed of a ___dream.""",
)

ENDINGS_IN_BRIEF = (
    """\
At home the bed was still warm, and the night smelled of ___smell. Good night to {friend}. And good night to \
{N}.""",
    """\
And then {N} was in bed, with the blanket up to the chin. “Good night,” somebody whispered. But {N} was asleep \
already.""",
    """\
In bed {N} still heard the ___sound. And then there was only sleep, until the morning.""",
    """\
Good night to the window. Good night to {friend}. And good night to {N}, warm in bed, who dreamed of a ___dream.""",
)

"""Where a story happens: its titles, who comes along, how it begins, what is met on the way, what goes wrong.

`___` and a name make a gap, which the model fills with words of that kind (`tales.domain.arcs.kinds`). A line that
begins with `3:`, `5:` or `7:` is for children of that age band alone or, with a plus (`5+:`), for older ones as well.
In braces stand names and what depends on who the story is about (`tales.domain.arcs.cast`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One place, and everything that can happen there.

    `companion` goes along where no hero does: how it is called when it comes, and after that. `brief` stands for call
    and trouble in a story of a minute.
    """

    titles: tuple[str, ...]
    companion: tuple[str, str]
    call: str
    meetings: tuple[str, ...]
    trouble: str
    way_home: str
    brief: str


GARDEN = Place(
    titles=("{N} and the Garden That Could Not Sleep", "The Night the Garden Stayed Awake"),
    companion=("a small hedgehog with bright eyes", "the hedgehog"),
    call="""\
One quiet evening something tapped at the window. Tap, tap, tap. Outside stood {first}.

“Please come,” whispered {friend}. “The whole garden is awake, and nobody knows why. All I have found so far is a \
___thing.”

{N} put on warm slippers and went out. The moon was up, and in its light the ___flowers looked as if they \
had never been sleepy.""",
    meetings=(
        """\
Under the apple tree sat a mouse with a crumb of cake. “I cannot sleep,” said the mouse, “because I keep thinking \
about the ___topic.”

{N} sat down in the grass and listened.
5+:Listening is a quiet thing, and it helps more than people think.
When the mouse had told it all, the mouse gave a big yawn and fell asleep, as happy as a ___happy.""",
        """\
By the pond the old frog was counting the stars.
3:One star, two stars, three stars.
Each time he came to the end of them, he thought of a ___dream, and had to begin again.

“Let us count only the near ones,” said {friend}. So they counted together, slowly, and soon the frog was dreaming of \
a ___dream.""",
        """\
A snail was going round and round the flower pot. “I have lost my way to bed,” said the snail. “My bed is ___nook.”

{N} lifted a leaf, and there it was, a round little bed of moss.
7+:It is easier to see a way home when you stand beside somebody who has lost it.
The snail crept in, as happy as a ___happy.""",
        """\
The roses were whispering to each other. {N} bent down to them, and they were talking about the ___topic.

“Now tell us a secret too,” said the roses. {N} told them one, very softly, and they folded their petals over it, and \
from then on they smelled of ___smell.""",
        """\
High up in the pear tree a young nightingale was practising. She wanted to sing good night properly, but it always \
sounded like a ___noise.

“Say it slowly,” said {N}, “as if you had a feather in your mouth.” The nightingale tried once more, and this time it \
sounded like a ___tune.""",
    ),
    trouble="""\
But then something went wrong. A cloud came over the moon, and it grew so dark that nobody could see the path. {N} \
stood still and felt as small as a ___tiny.

“Are you frightened?” asked {friend}.

“A little,” said {N}.
3:“Me too,” said {friend}. “Then we can be frightened together.”
5+:“So am I,” said {friend}, “but it is a smaller fright when there are two of us.”
They took one step, and then another, until they stood among the ___flowers.

“I know what it is,” said {N}. “Nobody has said good night to the garden.” So they said it, to every tree and every \
stone.""",
    way_home="""\
One after the other, the garden closed its eyes. {N} tiptoed home over the wet grass.""",
    brief="""\
One quiet evening something tapped at the window. Outside stood {first}. “The garden cannot sleep,” whispered \
{friend}, “and nobody knows why.”

{N} went out in warm slippers. But then something went wrong. A cloud came over the moon. “I feel as small as a \
___tiny,” whispered {N}. “So do I,” said {friend}. They stood close together until the moon came back.

“Nobody has said good night to the garden,” said {N}. So they said it, to the ___flowers and to every stone, and the \
garden closed its eyes.""",
)

SEA = Place(
    titles=("{N} and the Dark Lighthouse", "The Little Blue Boat"),
    companion=("a white gull with one grey feather", "the gull"),
    call="""\
One quiet evening {N} found a little blue boat at the edge of the water. In it sat {first}, holding the rope.

“The lighthouse has gone dark,” said {friend}. “Now the ships cannot find the ___harbour. Will you help me?”

{N} climbed in. The boat rocked, the water said hush, hush, and in front of them lay a ___sea.""",
    meetings=(
        """\
A big, slow whale came up beside the boat, with an eye as kind as a grandmother's. “I am looking for my little one,” \
she said. “He likes to play with the ___fellows.”

{N} put one ear to the water and listened. Far below, somebody was humming. “That way!” called {N}, and the whale \
dived, as happy as a ___happy.""",
        """\
They came to an island no bigger than a kitchen table. A crab lived there who kept what the sea had lost, and he \
showed them a ___thing.

“You may take one thing along,” said the crab. {N} looked for a long time, and then chose a ___thing.""",
        """\
A fog lay down on the water, white and soft as wool. Nobody could see anything, so {friend} began to hum.

Out of the fog somebody hummed back.
5+:It is hard to be lost when somebody hums back.
And when the fog had gone they saw a ___boat. It stayed beside them for as long as the fog was near.""",
        """\
Three little fish swam beside the boat and asked one question after the other. Why is the sea so big? Why does the \
moon come along?

{N} thought about it and told them about the ___topic. The fish had never heard such a good answer, and they hurried \
away to \
tell it to the ___fellows.""",
        """\
On a rock sat a seal, and she was combing her whiskers. “I am going to a feast,” she said, “and I have nothing to \
bring but a ___thing.”

“That is just the right thing,” said {N}.
7+:It is not the size of a present that people remember.
The seal turned it over and over in her flippers, and then she looked as proud as a ___proud.""",
    ),
    trouble="""\
But then something went wrong. A wind jumped up, the boat began to dance, and one star after the other went out. {N} \
held on tight and thought of the ___home.

“The wind is only in a hurry,” said {friend}. “It will soon be tired.” So they waited together, and little by little \
the sea lay as still as a ___still.

And there was the lighthouse. {N} climbed the stairs, round and round, and lit the big lamp.
3:Now it was bright, so bright!
5+:Far out on the water one ship after the other turned its nose towards home.""",
    way_home="""\
The little boat turned round by itself, as boats do that know the way. The light lay on the water like a path.""",
    brief="""\
One quiet evening {N} found a little blue boat, and in it sat {first}. “The lighthouse has gone dark,” said {friend}. \
“Now the ships cannot find the ___harbour.”

They sailed out together. But then something went wrong. A wind jumped up, the boat began to dance, and {N} thought of \
the ___home.

“The wind will soon be tired,” said {friend}. They waited, side by side, until the sea lay as still as a ___still. \
Then {N} climbed the lighthouse stairs, round and round, and lit the big lamp.""",
)

WOOD = Place(
    titles=("{N} and the Star in the Snow", "The Star That Fell into the Wood"),
    companion=("a young fox with snow on its nose", "the fox"),
    call="""\
One quiet evening the first snow fell. {N} looked out and saw {first} standing by the gate.

“There is a star missing,” said {friend}. “It has fallen into the wood, and it must be home before morning. Somebody \
heard it fall, beyond the ___place.”

{N} put on boots and a thick coat, and they went. The snow creaked under their feet, and the trees looked like a row \
of ___row.""",
    meetings=(
        """\
A white hare sat in the snow and shivered, because he had given his blanket to a ___small.

{N} had a warm hat, and put it on the hare, right over his ears.
3:Now only his nose looked out.
5+:It was much too big for him, and that made it all the warmer.
The hare was so happy that he promised to bring them a ___thing.""",
        """\
In a cave a bear was snoring, but only a little. “Hush,” said {friend}. “He is dreaming of a ___dream.”

They went by on the tips of their toes. The bear smiled in his sleep and murmured something about ___treat.""",
        """\
The oldest tree in the wood had a door, and behind the door there was soup. A badger filled the bowls and told them \
about the ___topic.

It was good soup. It tasted of ___soup.""",
        """\
They came to a brook that had frozen in the middle of its song. {N} knelt down and breathed on the ice, once, twice, \
three times.

A little hole opened, and up bobbed a ___thing. Then the brook remembered its song, and it was about the ___topic.""",
        """\
On a branch sat two small birds, and each of them was sure that the other had eaten the last ___crumb.

“Perhaps it was nobody,” said {N}. “Things are like that sometimes.” The birds looked at each other.
7+:It is not easy to be the first who laughs, but one of them was.
Then they moved close together, and soon they were as warm as a ___warm.""",
    ),
    trouble="""\
But then something went wrong. It snowed harder and harder, until there was no path any more, and every tree looked \
like the one before. {N} was cold, and thought of the ___home.

“When you do not know where to go,” said {friend}, “be still for a moment.” They were still. And in the stillness \
something shone, very small, under a heap of snow.

It was the star. {N} took it in both hands, and it felt as warm as a ___warm. They lifted it as high as they could \
and let it \
go, and up it flew, home to the others.""",
    way_home="""\
The way back was easy now. There was a light above them that had not been there before.""",
    brief="""\
One quiet evening the first snow fell, and at the gate stood {first}. “A star has fallen into the wood,” said \
{friend}, “beyond the ___place.”

They looked for it among the white trees. But then something went wrong. The path was gone under the snow, and {N} \
thought of the ___home.

“Be still for a moment,” said {friend}. And in the stillness something shone. It was the star, as warm as a ___warm. \
{N} held it up high and let it fly home.""",
)

CLOUDS = Place(
    titles=("{N} and the Painter of Dreams", "The Ladder to the Clouds"),
    companion=("a very small cloud", "the little cloud"),
    call="""\
One quiet evening there was a ladder in front of the house, where no ladder had ever been. It went up and up. On the \
lowest step sat {first}.

“The painter of dreams has no colours left,” said {friend}. “If we bring her no new ones, nobody will dream of a \
___dream.”

{N} took a jar for the colours and climbed up, step by step. The houses grew small and the stars grew large, and far \
below lay a ___sight.""",
    meetings=(
        """\
They needed blue. The wind kept it, in a bottle as tall as a door. “You may have some,” said the wind, “if you tell me \
about the day with the ___memory.”

{N} told it all, from the beginning to the end. The wind had never been so quiet. It gave them the blue, and with it a \
___thing.""",
        """\
They needed yellow. A sleepy bee had hidden it in a ___hideout.

“I was keeping it for the summer,” said the bee. She thought about it, and then she gave them half.
5+:Half of something is often the very thing that somebody else needs.
“Thank you,” said {N}, and the bee flew home, as happy as a ___happy.""",
        """\
For the green they had to wait, because up there everything grows slowly. In the middle of the meadow stood a ___sight.

So they sat in the grass and told each other about the ___topic. And when they looked again, there was green \
in the jar.""",
        """\
Red was the hardest. It belonged to a little dragon of the evening sky, and he was crying because he missed his ___dear.

{N} sat down beside him and said nothing for a while.
7+:Sometimes nothing is exactly the right thing to say.
Then the dragon wiped his nose and showed them a ___thing, which he had never shown to anybody.""",
        """\
They needed a little silver, and only the moon has that. “I give it to those who can tell me what is beautiful,” said \
the moon.

{N} looked down at the sleeping town and told her about the ___town. And the moon shone a little brighter.""",
    ),
    trouble="""\
Along the edge of the evening they found a little of every colour that was still missing, until the jar was full. But \
then something went wrong. {N} slipped, the jar fell, and all its colours ran \
together into a ___puddle.

“Now it is spoilt,” said {N}. But {friend} was looking at it with wide eyes. Where the colours had run together there \
was a new one that nobody had seen before, and it looked like a ___colour.

“That is the colour of tonight,” said the painter of dreams.
3:And she was very happy.
5+:She dipped her brush into it and began, and she did not stop until the whole sky was full.""",
    way_home="""\
The ladder was much shorter on the way down, as ways home are.""",
    brief="""\
One quiet evening a ladder stood in front of the house, and on its lowest step sat {first}. “The painter of dreams has \
no colours left,” said {friend}. “Tonight nobody will dream of a ___dream.”

So they brought her blue, and yellow, and red. But then something went wrong. {N} slipped, and the colours ran \
together into a ___puddle.

But in the middle there was a new colour, like a ___colour. “How beautiful!” said the painter of dreams. “That is the \
colour of tonight.”""",
)

"""More places, under a roof: as `tales.domain.arcs.places`, whose signs they use."""

from __future__ import annotations

from tales.domain.arcs.places import CLOUDS, GARDEN, SEA, WOOD, Place

TRAIN = Place(
    titles=("{N} and the Night Train", "The Train That Stopped at the Gate"),
    companion=("a badger in a red cap", "the badger"),
    call="""\
One quiet evening a train stopped at the gate. It was a small one, and it made no more noise than a cat. At its door \
stood {first}, with a lantern.

“Come in, come in,” said {friend}. “We are taking a parcel to the end of the line, and nobody knows what is in it. It \
feels like a ___parcel.”

{N} got in. The seats were as soft as pillows, and past the window went a ___sight.""",
    meetings=(
        """\
They stopped where it had rained all day, and a family of ducks got in. They shook their feathers and told everybody \
about the ___topic.

{N} made room on the seat. The smallest duck climbed up, put its head under its wing, and dreamed of a ___dream.""",
        """\
The train stopped in the middle of a field, for no reason at all. “There is always a reason,” said {friend}, and \
opened the window. Outside they heard the ___sound.

3:Hush! Do you hear it too?
5+:It was so beautiful that for a while nobody spoke.
Then the train went on, slowly, past the ___place.""",
        """\
A giraffe got in, and there was no room for her neck. {N} opened the little window in the roof.

“Oh, thank you,” said the giraffe. “From up here I can see a ___sight.” And all the way she told them what else there \
was, and last of all about a ___sight.""",
        """\
There was hot milk for all of them, in cups with moons on them. A mole asked what the stars were like, for he had \
never seen one.

{N} thought for a while and told him that they were like a ___starry. The mole held his cup with both paws and looked \
as \
happy as a ___happy.""",
        """\
Somebody had left a red umbrella in the train. A label on its handle said that it belonged to a ___small.

They looked under each seat and asked in every carriage.
7+:A thing that is lost is only waiting in the wrong place.
At last they found whose it was, and the umbrella was opened, and out of it fell a ___thing.""",
    ),
    trouble="""\
But then something went wrong. On a high bridge the train stood still, and all its lamps went out. In the dark \
a small mouse began to cry and spoke of the ___home.

{N} felt the way along the seats, one after the other. “I am here,” {N} whispered to the mouse. “We can wait \
together.” It was not much, but it helped, and soon they were all thinking of a ___dream.

Then the lamps burned again, and there was the end of the line. {N} untied the parcel.
3:What was in it? A little light, to take home.
5+:In it lay nothing but a little light, just large enough for one window.""",
    way_home="""\
The train went home much faster, or perhaps {N} had slept a little.""",
    brief="""\
One quiet evening a train stopped at the gate, and at its door stood {first}. “Come in,” said {friend}. “We are taking \
everybody home.”

Past the window went fields and stars. But then something went wrong. The train stood still, and all its lamps went \
out. In the dark a small mouse cried and spoke of the ___home.

“I am here,” whispered {N}. “We can wait together.” And so they waited, and thought of a ___dream. Then the \
lamps burned again, and the train went on.""",
)

LIBRARY = Place(
    titles=("{N} and the Book Without an End", "The Library at Night"),
    companion=("a bookworm with round glasses", "the bookworm"),
    call="""\
One quiet evening there was a light in the library, although it had been closed for hours. The door was open, just \
wide enough for a cat. Behind it waited {first}.

“I have read three hundred pages,” said {friend}, “and now the last one is gone. I shall not sleep until I know what \
became of the ___topic. Will you help me to look for it?”

{N} tiptoed in. There were shelves up to the ceiling, and it smelled of ___smell.""",
    meetings=(
        """\
On a ladder sat a spider and mended a ___book. “Pages do not run away,” she said. “They are borrowed. Ask those who \
like to make things out of paper.”

“Thank you,” said {N}, and held the thread for her until she had finished. She looked as proud as a ___proud.""",
        """\
In an atlas somebody had lost the way: a ___small was running to and fro between two mountains.

{N} put down a finger like a bridge, and over it came, step by step.
5+:Maps are large when you are little.
“At last,” it said, and gave them a ___thing.""",
        """\
They opened a ___book, and out came the ___sound, as if it had been waiting between the pages.

They listened to the end of it. Then {friend} closed the book again, as softly as a ___softly.""",
        """\
The old lion in front of the library had come in because of the wind. “Nobody ever reads to me,” he said.

So {N} read to him about the ___topic.
7+:It did not matter that some of the words were long. Lions are in no hurry.
Before the end he had put his head on his paws, and he was as happy as a ___happy.""",
        """\
Behind the last shelf was a table with two cups on it, and a note: “For those who are still awake.” It was cocoa, and \
it was as warm as a ___warm.

They drank it and looked out of the round window, and there they saw a ___sight.""",
    ),
    trouble="""\
But then something went wrong. The lamp flickered and went out, and all around them the shelves looked as tall as \
towers. {N} did not know any more where the door was, and thought of the ___home.

“Give me your hand,” said {friend}, “and let us listen.” There was a rustling, very soft. They went after it, past \
one shelf and another, and in the light of the moon they saw a paper boat, and in the boat slept a ___small.

The boat was the last page. {N} did not wake anybody, and read it just as it lay there, from the side. “And so it came \
home after all,” said the page, “and somebody had left a light on.”

3:“That is a good end,” whispered {friend}.
5+:“That is a good end,” whispered {friend}, “the kind that makes you want to begin again at once.”""",
    way_home="""\
They put the lamp back in its place and pulled the door shut behind them. Somewhere inside a page turned by itself.""",
    brief="""\
One quiet evening there was a light in the library. At the door waited {first}. “The last page of my book is gone,” \
said {friend}. “I shall not sleep until I know what became of the ___topic.”

They looked on all the shelves. But then something went wrong. The lamp went out, and {N} thought of the ___home.

“Let us listen,” said {friend}. Something rustled. It was a paper boat, folded out of the last page. “And so it \
came home after all,” read {N}, “and somebody had left a light on.”""",
)

MUSIC = Place(
    titles=("{N} and the Lost Lullaby", "The Night Without a Song"),
    companion=("a cricket with a tiny violin", "the cricket"),
    call="""\
One quiet evening it was too quiet. No bird, no wind, not even a clock. On the windowsill sat {first} and looked very \
worried.

“The lullaby is lost,” said {friend}. “It has fallen apart, and its notes are all over the town. Without it nobody can \
fall asleep, not even the ___small.”

{N} put on a coat and took an empty jar along, for one must put notes into something. In the street they saw a \
___sight.""",
    meetings=(
        """\
The first note sat in a gutter and sounded like a ___noise. {N} lifted it out and dried it with a sleeve.

Then it sounded like a ___tune. Into the jar it went.""",
        """\
The second note had crept under a cat. The cat opened one eye. “It hums so nicely,” she said. “I was dreaming of a \
___dream.”

“You shall have it back every evening,” said {N}, “with all the others.” The cat thought about that, and moved a \
little to one side.""",
        """\
One note had got into the bakery and made the dough rise much too high. The baker was laughing and could not stop. \
“Take it along,” she called, “and take this as well!”

It was ___treat. They ate it on the steps and listened to the jar, and the jar hummed like a ___tune.""",
        """\
The deepest note of all lay at the bottom of the ___place, and said nothing but “oh”.

{N} leaned over and said “oh” as well.
5+:It is easier to come up when somebody answers.
Then it rose, slowly, like a bubble, and with it came a ___thing.""",
        """\
The highest note had flown to the top of the church tower, next to the rooster, and there it was as proud as a \
___proud.

They asked it nicely. “I was only looking,” it said, and it told them what one could see from there: a ___sight. Then \
it hopped into the jar.""",
    ),
    trouble="""\
They looked under doormats and in letter boxes and found one note after the other, until the jar was humming. But \
then something went wrong. {N} stumbled, the jar fell over, and the notes rolled away in all directions. {N} felt as \
small as a ___tiny.

“I cannot do it again,” said {N}. “You do not have to,” said {friend}. “Listen.” In one window somebody had caught a \
note and was humming it. In the next window somebody hummed another. Soon the whole street was humming, and it was the \
lullaby, and it had never been so long.

3:La, la, la.
5+:Nobody had known that each of them knew a little of it.""",
    way_home="""\
One window after the other grew dark. They went home in the middle of the street, as nobody else was there.""",
    brief="""\
One quiet evening it was too quiet. On the windowsill sat {first}. “The lullaby is lost,” said {friend}. “Its notes \
are all over the town, and nobody can fall asleep, not even the ___small.”

They found them in a gutter, under a cat, and in a hat. But then something went wrong. {N} stumbled, and all \
of them rolled away. {N} felt as small as a ___tiny.

“Listen,” said {friend}. In every window somebody had caught a note and was humming it. And it was the whole \
lullaby.""",
)

PLACES = (GARDEN, SEA, WOOD, CLOUDS, TRAIN, LIBRARY, MUSIC)

"""The one story that the simulator knows, told about the child of the prompt."""

from __future__ import annotations

import json
import re

_NAME = re.compile(r'^- (?:child|hero): ("(?:[^"\\\n]|\\.)*")\s*$', re.MULTILINE)
_PIECE = re.compile(r"\s*\S+")

NOBODY = "Robin"
"""Whom the story is about when the prompt names nobody."""

_STORY = """\
{name} and the Lantern in the Garden

The moon had climbed above the roofs when {name} saw a small light under the apple tree. It was no firefly and no \
star. It was a lantern, as small as a thimble, and beside it sat a hedgehog with a worried face.

“Good evening,” whispered {name}. “Have you lost your way?”

“Not my way,” said the hedgehog. “My song. I hum it for the garden every night, and without it nobody can fall \
asleep. Listen!”

{name} listened. The snails were turning over in their shells. The roses rustled, and the old frog by the pond \
sighed like a door. The whole garden was wide awake.

“Then let us look for it together,” said {name}, and took the lantern in one hand.

They looked behind the watering can, where a mouse shared her last crumb of cake with them. They looked beneath the \
bench, where a beetle lent them his softest leaf against the wind. They looked in the tall grass, and there a cricket \
showed them a path of silver dew.

At the end of the path stood the pond, and in the pond lay the moon, round and still. Somebody had been kind to them \
at every step, and while they thought of it the hedgehog began to hum, very softly, without noticing.

“There it is!” laughed {name}. “It was never lost. It only waited until you felt warm inside.”

The hedgehog hummed on. The snails grew quiet, the roses folded their petals, and the old frog closed one eye and then \
the other. {name} put the lantern down under the apple tree, said good night to everybody, and tiptoed home.

In bed the song could still be heard through the open window, calm and slow. It went around the room once, tucked the \
blanket in, and stayed until {name} was fast asleep.
"""


def tell_story(prompt: str) -> str:
    """A bedtime story in English of some 300 words, its title on the first line, about whom `prompt` names.

    The prompt names them as `tales.domain.prompt` does: a line `- child: "Mia"`, or `- hero: ...`.
    """
    return _STORY.format(name=_name_in(prompt))


def in_pieces(text: str) -> tuple[str, ...]:
    """`text` as a model gives it out, word by word; joined, the pieces are the text."""
    return tuple(_PIECE.findall(text))


def _name_in(prompt: str) -> str:
    match = _NAME.search(prompt)
    if match is None:
        return NOBODY
    try:
        name: object = json.loads(match[1])
    except ValueError:
        return NOBODY
    return name if isinstance(name, str) and name.strip() else NOBODY

"""What can stand in a gap: of each kind the words that make sense there, in columns of which a model takes one each.

The model reads the whole story and decides which of them come next. Whatever it takes of each column reads well; a
column may begin with nothing. Where a kind has `a` before it, no phrase begins with a vowel.
"""

from __future__ import annotations

LEAST_CHOICES = 4
"""Words of a column that a gap gets, where there are so many."""

KINDS: dict[str, tuple[str, ...]] = {
    "thing": (
        "small|silver|round|wooden|very old|bright red|shiny|speckled|yellow|striped",
        ("button|key|shell|marble|bell|pebble|spoon|whistle|thimble|box|star|cup|flute|comb|bead|spinning top"),
        (
            "|from somebody's pocket|with a tiny star on it|tied to a piece of string|no bigger than a bean"
            "|that was still warm|that smelled of the sea|with a story of its own"
        ),
    ),
    "small": (
        "shivering|very shy|sleepy|tiny|young|grey|polite",
        "mouse|mole|sparrow|squirrel|robin|rabbit|toad|beetle|dormouse|wren",
        "with wet feet|with a cold|who had no hat|with nobody to talk to|in a borrowed coat",
    ),
    "sight": (
        (
            "gate with a lamp above it|ring of white mushrooms|path as bright as milk|bench under a willow"
            "|hill in a white nightcap|tower with a sleepy clock|meadow full of fireflies"
            "|row of little lanterns|window with a candle in it|bridge made of moonlight"
            "|house with a garden on its roof|chimney with a stork on it|pond full of stars"
            "|mill with silver sails|tree hung with paper birds|hedge full of sleeping sparrows"
            "|lane lined with snowdrops|well with a mossy roof|field of blue flowers"
            "|village no bigger than a tea tray|fountain that whispered|castle built of straw"
            "|tent with a golden flag|cart full of pumpkins"
        ),
    ),
    "topic": (
        (
            "strawberry|goose|wheelbarrow|snowman|umbrella|kettle|pumpkin|donkey|left shoe|piano|cloud|teapot"
            "|hedgehog|lantern|grandfather clock|baker's hat"
        ),
        (
            "that rolled all the way to the sea|that learned to whistle|that wanted to see the world"
            "|that was afraid of the dark|that fell in love with the moon|that won the race"
            "|that nobody could find|that could not stop laughing"
        ),
    ),
    "memory": (
        "runaway|borrowed|wobbly|very large|upside-down|flying|singing",
        ("kite|goat|umbrella|sandcastle|birthday cake|wheelbarrow|snowman|balloon|bicycle|picnic|pancake|tent"),
        (
            "in the rain|on the roof|at the market|by the sea|that made everybody laugh"
            "|in the middle of the street|that went on until dark"
        ),
    ),
    "dream": (
        "big soft|small yellow|flying|singing|striped|silver|friendly",
        (
            "boat|kite|balloon|teapot|umbrella|bicycle|whale|lighthouse|feather bed|pony|snowball|carousel"
            "|trumpet|rowing boat"
        ),
        (
            "above the clouds|in a garden of cushions|on the way to the moon|with room for everybody"
            "|full of warm light|that came when you called|under a sky of lanterns"
        ),
    ),
    "plan": (
        (
            "house in a tree|boat on wheels|tent in the attic|kitchen garden on the roof"
            "|circus for small animals|journey to the end of the rainbow|swing over the river"
            "|school for shy dragons"
        ),
        (
            "with a slide|with a flag for each day of the week|with cake on Sundays|where nobody has to hurry"
            "|with room for all of their friends"
        ),
    ),
    "treat": (
        "warm|sweet|crumbly|golden|sticky",
        "gingerbread|honey cake|cherry pie|apple cake|cinnamon toast|almond bread|plum tart|walnut cake",
        "|with cream|with a spoonful of jam|with sugar on top|fresh from the oven",
    ),
    "soup": (
        "carrots|pumpkin|mushrooms|leeks|sweet corn|beans",
        "and thyme|and butter|and sunshine|and a little smoke",
    ),
    "crumb": (
        "ripe|round|sweet|red",
        "cherry|blackberry|berry of the hedge|crumb of cake|apple of the year",
    ),
    "smell": (
        (
            "warm bread|cut grass|apples|cinnamon|lavender|pancakes|honey|wet leaves|vanilla|peppermint"
            "|fir trees|oranges"
        ),
        "and rain|and wood smoke|and clean sheets|and sea salt|and hay|and new books|and snow|and candles",
    ),
    "sound": (
        (
            "rain on the roof|wind in the chimney|frogs in the ditch|old clock in the hall|waves on the pebbles"
            "|leaves in the apple tree|night train behind the hills|blackbird who never goes to bed"
            "|crickets in the long grass|bell across the valley|brook under the bridge|owls in the church tower"
            "|boats that knock against the pier"
        ),
    ),
    "noise": (
        (
            "rusty gate|teapot with a cold|trumpet full of water|door that nobody has oiled|goose on a bicycle"
            "|squeaky boot|kettle in a hurry|drawer full of spoons|cow with the hiccups|broken accordion"
        ),
    ),
    "tune": (
        (
            "flute behind a curtain|lullaby from far away|bell in the snow|song that you have always known"
            "|violin in the moonlight|music box in a quiet room"
        ),
    ),
    "home": (
        (
            "kitchen chair with the wobbly leg|warm bed at home|slippers by the stove|big brown teapot on the table"
            "|biscuit tin on the top shelf|cat asleep on the stairs|blue cup with the chip in it"
            "|coats in the hall|creaky third stair|soup on the stove|woolly blanket on the sofa"
            "|window with the red curtain"
            "|toy bear on the pillow|goldfish in its bowl|geranium on the windowsill|picture above the bed"
        ),
    ),
    "place": (
        (
            "old well|mill by the stream|hollow oak|bridge with the green railing|end of the lane|broken gate"
            "|third lamp post|field with the scarecrow|stone lion at the library|hedge where the wren lives"
            "|bench where the old men play cards|shed with the crooked door"
        ),
    ),
    "flowers": ("tulips|poppies|sunflowers|daisies|lilies|bluebells|pansies|foxgloves",),
    "nook": (
        (
            "under the rhubarb|behind the rain barrel|between the beans|below the garden pump"
            "|under the gooseberry bush|behind the watering can|beside the strawberries|in the shade of the currants"
        ),
    ),
    "happy": (
        (
            "duck in a warm puddle|cat on a sunny windowsill|lamb in the clover|bee in a tulip"
            "|puppy with two tails|mouse in a cheese shop|sparrow in the bath|baker with a new oven"
            "|robin with a whole crumb|piglet in fresh straw|seal on a slide|goat on a haystack"
        ),
    ),
    "proud": (
        (
            "queen on a postage stamp|cat with a new collar|peacock on a wall|captain in white gloves"
            "|hen with her first egg|baker on a Sunday morning|rooster on a church tower"
        ),
    ),
    "tiny": (
        (
            "crumb on a big table|mouse in a cathedral|button at the bottom of a bag|raindrop on a window"
            "|ladybird on a sunflower|snowflake on a sleeve|star behind a cloud|pea in a pot"
        ),
    ),
    "warm": (
        (
            "loaf of new bread|cup of milk with honey|cat asleep on your knees|stone that has lain in the sun"
            "|mitten fresh from the stove|chestnut in a paper bag|chick under its mother's wing"
            "|bath on a winter evening"
        ),
    ),
    "still": (
        (
            "pond at noon|heron on one leg|mirror in a quiet room|field under snow|picture in a book"
            "|kitten that has played all day|cup of tea that has gone cold"
        ),
    ),
    "softly": (
        ("feather on a pillow|snowflake on a mitten|moth at a lamp|cat on a carpet|leaf on a pond|petal on the grass"),
    ),
    "light": ("feather on a breeze|dandelion seed|balloon on a string|soap bubble|swallow in June|paper boat",),
    "starry": (
        (
            "handful of sugar on a dark cloth|thousand little windows|field of daisies at night"
            "|breath of frost on the glass|box of pins that somebody has spilled"
        ),
    ),
    "puddle": ("big brown puddle|muddle of stripes|grey and muddy swirl|splash without a name|blot as big as a cow",),
    "colour": (
        (
            "peach in the evening sun|shell from the inside|pigeon's neck in the light|candle behind a curtain"
            "|rainbow behind a cloud|river before sunrise"
        ),
    ),
    "harbour": (
        (
            "bay behind the rocks|little stone harbour|island of the goats|steps by the fish market"
            "|beach with the striped huts"
        ),
    ),
    "sea": (
        "long|wide|quiet|silver",
        "road of moonlight|path of silver|ribbon of foam|row of small round islands",
    ),
    "fellows": ("dolphins|sea otters|flying fish|little seals|turtles|herrings",),
    "boat": (
        "small|white|very old|round",
        "rowing boat|sailing boat|tugboat|ferry",
        "full of singing sailors|with a cat at the wheel",
    ),
    "row": (
        ("sleepy old men in white coats|ladies in veils|sleeping giants|candles on a cake|choir boys in white gowns"),
    ),
    "hideout": (
        (
            "flower pot with a lid|rusty watering can|tulip that had closed for the night|jam jar|walnut shell"
            "|teapot without a spout"
        ),
    ),
    "dear": ("grandmother in the mountains|little brother|friend from the next cloud|big sister",),
    "town": (
        (
            "lamps that went out one after the other|cats on the roofs|baker who was lighting his oven"
            "|river with the boats asleep on it|last bus with one small lady in it"
        ),
    ),
    "parcel": ("loaf of bread|sleeping cat|very small pillow|folded cloud|pair of woolly socks",),
    "book": (
        "fat|thin|very small|green",
        "book about",
        "whales|clouds|bread|buttons|giraffes|snow|bridges",
    ),
}


def columns_of(kind: str, number: int, of_how_many: int, lot: int = 0) -> list[list[str]]:
    """What the gap with this number, from 0, of so many of its kind may hold; `lot` is drawn by the story.

    The gaps share out the longest column, so that no story has one thing twice as long as there are enough. Of a column
    with many words a gap gets a share in any case: a model that could choose among all would take the same ones in each
    story.
    """
    columns = [column.split("|") for column in KINDS[kind]]
    longest = max(range(len(columns)), key=lambda at: len(columns[at]))
    shared = []
    for at, words in enumerate(columns):
        parts = max(of_how_many if at == longest else 1, len(words) // LEAST_CHOICES)
        shared.append(words[(lot + number) % parts :: parts] or [words[(lot + number) % len(words)]])
    return shared

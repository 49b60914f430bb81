"""The simulator's story in the languages that it knows, and meetings to make it longer with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Telling:
    """The story in one language. Each of `parts` is a list, of which a meeting takes one word each.

    Their numbers have no divisor in common, so that no two meetings of a story are the same.
    """

    story: str
    friend: str
    meeting: str
    parts: tuple[tuple[str, ...], ...]

    def meetings(self, words: float) -> list[str]:
        """Paragraphs of three meetings, of `words` words in all, or a few more."""
        found: list[str] = []
        at = 0
        while words > 0:
            three = " ".join(self._meeting(number) for number in range(at, at + 3))
            found.append(three)
            words -= len(three.split())
            at += 3
        return found

    def _meeting(self, number: int) -> str:
        first, second, third = (part[number % len(part)] for part in self.parts)
        return self.meeting.format(first, second, third)


ENGLISH = Telling(
    story="""\
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
""",
    friend="And {friend} was there, too, and said: “{name}, I am coming with you.”",
    meeting="Behind {0} they met {1}, with {2}.",
    parts=(
        (
            *(
                "the old shed",
                "the hollow tree",
                "a heap of leaves",
                "the rain barrel",
                "a row of beans",
                "the stone wall",
            ),
            *("a broken jug", "the garden gate", "the swing", "a tall thistle", "the bird bath", "the pile of wood"),
            "the last hedge",
        ),
        (
            *("a toad", "a moth", "a young hare", "a grey dove", "a spider", "a blackbird", "a beetle", "a bat"),
            *("a shrew", "a cricket", "a worm"),
        ),
        ("a round pebble", "a feather", "a drop of dew", "a nest", "an acorn", "a snail shell", "a spark of light"),
    ),
)
GERMAN = Telling(
    story="""\
{name} und die Laterne im Garten

Der Mond stand schon über den Dächern, als {name} ein kleines Licht unter dem Apfelbaum sah. Es war kein Glühwürmchen \
und kein Stern. Es war eine winzige Laterne, und daneben saß ein Igel mit traurigem Gesicht.

„Guten Abend“, flüsterte {name}. „Hast du dich verlaufen?“

„Nein“, sagte der Igel. „Mein Lied ist weg. Ich summe es jede Nacht für den Garten, und ohne das Lied kann niemand \
schlafen.“

{name} lauschte. Die Schnecken drehten sich in ihren Häusern um, die Rosen raschelten, und der alte Frosch am Teich \
seufzte wie eine Tür. Der ganze Garten war wach.

„Dann suchen wir es zusammen“, sagte {name} und nahm die Laterne in die Hand.

Sie suchten hinter der Gießkanne, und eine Maus teilte mit ihnen ihren letzten Krümel Kuchen. Sie suchten unter der \
Bank, und ein Käfer lieh ihnen sein weichstes Blatt gegen den Wind.

Am Ende des Weges lag der Teich, und im Teich lag der Mond, rund und still. Da begann der Igel zu summen, ganz leise, \
ohne es zu merken. „Da ist es ja!“, lachte {name}. „Es war nie verloren.“

Die Schnecken wurden still, die Rosen falteten ihre Blätter, und der Frosch schloss erst das eine Auge und dann das \
andere. {name} sagte allen gute Nacht und schlich nach Hause, ins warme Bett.
""",
    friend="Auch {friend} war da und sagte: „{name}, ich komme mit dir.“",
    meeting="Hinter {0} trafen sie {1}, da lag {2}.",
    parts=(
        (
            *("dem Schuppen", "dem hohlen Baum", "der Regentonne", "dem Gartentor", "der Schaukel", "dem Holzstoß"),
            *("der Mauer", "dem Beet", "der Hecke", "dem Brunnen", "der Leiter", "dem Komposthaufen", "der Treppe"),
        ),
        (
            *("eine Kröte", "einen Falter", "einen jungen Hasen", "eine graue Taube", "eine Spinne", "eine Amsel"),
            *("einen Käfer", "eine Fledermaus", "eine Spitzmaus", "eine Grille", "einen Wurm"),
        ),
        ("ein Kiesel", "eine Feder", "ein Tropfen Tau", "ein Nest", "eine Eichel", "ein Schneckenhaus", "ein Funke"),
    ),
)
FRENCH = Telling(
    story="""\
{name} et la lanterne du jardin

La lune était déjà montée au-dessus des toits quand {name} vit une petite lumière sous le pommier. Ce n'était ni une \
luciole ni une étoile. C'était une toute petite lanterne, et à côté d'elle se tenait un hérisson à l'air inquiet.

« Bonsoir », murmura {name}. « Tu as perdu ton chemin ? »

« Non », dit le hérisson. « J'ai perdu ma chanson. Je la fredonne chaque nuit pour le jardin, et sans elle personne ne \
peut dormir. »

{name} écouta. Les escargots se retournaient dans leurs coquilles, les roses bruissaient, et la vieille grenouille de \
l'étang soupirait comme une porte. Tout le jardin était réveillé.

« Alors cherchons-la ensemble », dit {name}, et sa main prit la lanterne.

Ils cherchèrent derrière l'arrosoir, et une souris partagea avec eux sa dernière miette de gâteau. Ils cherchèrent \
sous le banc, et un scarabée leur prêta sa feuille la plus douce contre le vent.

Au bout du chemin il y avait l'étang, et dans l'étang la lune, ronde et calme. Alors le hérisson se mit à fredonner \
tout doucement, sans le remarquer. « La voilà ! » dit {name} en riant. « Elle n'était jamais perdue. »

Les escargots se turent, les roses plièrent leurs pétales, et la grenouille ferma un œil, puis l'autre. {name} \
souhaita bonne nuit à tout le monde et rentra à la maison, dans son lit bien chaud.
""",
    friend="{friend} était là aussi et dit : « {name}, je viens avec toi. »",
    meeting="Derrière {0} ils virent {1}, avec {2}.",
    parts=(
        (
            *("la remise", "l'arbre creux", "le tonneau", "la barrière", "la balançoire", "le tas de bois", "le mur"),
            *("le puits", "la haie", "l'échelle", "le vieux pot", "les haricots", "la fontaine"),
        ),
        (
            *("un crapaud", "un papillon", "un lièvre", "une colombe", "une araignée", "un merle", "une coccinelle"),
            *("une chauve-souris", "une musaraigne", "un grillon", "un ver de terre"),
        ),
        ("un galet", "une plume", "une goutte de rosée", "un nid", "un gland", "une coquille", "une étincelle"),
    ),
)
SPANISH = Telling(
    story="""\
{name} y el farol del jardín

La luna ya había subido por encima de los tejados cuando {name} vio una lucecita debajo del manzano. No era una \
luciérnaga ni una estrella. Era un farol muy pequeño, y a su lado había un erizo con cara de preocupación.

—Buenas noches —susurró {name}—. ¿Te has perdido?

—No —dijo el erizo—. He perdido mi canción. La tarareo cada noche para el jardín, y sin ella nadie puede dormir.

{name} escuchó. Los caracoles daban vueltas en sus casas, las rosas murmuraban y la vieja rana del estanque suspiraba \
como una puerta. Todo el jardín estaba despierto.

—Entonces la buscaremos juntos —dijo {name}, y tomó el farol en la mano.

Buscaron detrás de la regadera, y un ratón compartió con ellos su última miga de pastel. Buscaron debajo del banco, y \
un escarabajo les prestó su hoja más suave contra el viento.

Al final del camino estaba el estanque, y en el estanque la luna, redonda y quieta. Entonces el erizo empezó a \
tararear muy bajito, sin darse cuenta. —¡Ahí está! —rió {name}—. Nunca estuvo perdida.

Los caracoles se callaron, las rosas doblaron sus pétalos, y la rana cerró primero un ojo y después el otro. {name} \
dio las buenas noches a todos y volvió a casa, a su cama calentita.
""",
    friend="También estaba {friend}, que dijo: «{name}, voy contigo.»",
    meeting="Detrás de {0} vieron a {1}, con {2}.",
    parts=(
        (
            *("la caseta", "un árbol hueco", "un barril", "la puerta", "un columpio", "la leña", "una pared"),
            *("un pozo", "la cerca", "una escalera", "la maceta", "unas judías", "la fuente"),
        ),
        (
            *("un sapo", "una polilla", "una liebre", "una paloma", "una araña", "un mirlo", "una mariquita"),
            *("un murciélago", "una musaraña", "un grillo", "una lombriz"),
        ),
        ("una piedrecita", "una pluma", "una gota", "un nido", "una bellota", "un caracol vacío", "una chispa"),
    ),
)
RUSSIAN = Telling(
    story="""\
{name} и фонарик в саду

Луна уже поднялась над крышами, и тут {name} видит под яблоней маленький огонёк. Это был не светлячок и не звезда. Это \
был крошечный фонарик, а рядом с ним сидел ёжик с грустным лицом.

— Добрый вечер, — шепчет {name}. — Ты заблудился?

— Нет, — сказал ёжик. — Я потерял свою песенку. Каждую ночь я пою её саду, и без неё никто не может уснуть.

{name} слушает. Улитки ворочались в своих домиках, розы шуршали, а старая лягушка у пруда вздыхала, как дверь. Весь \
сад не спал.

— Тогда поищем её вместе, — говорит {name} и берёт фонарик в руку.

Они искали за лейкой, и мышка поделилась с ними последней крошкой пирога. Они искали под скамейкой, и жук дал им свой \
самый мягкий листок от ветра.

В конце дорожки был пруд, а в пруду лежала луна, круглая и тихая. И тут ёжик запел, совсем тихо, сам того не замечая. \
— Вот же она! — смеётся {name}. — Она и не терялась.

Улитки затихли, розы сложили лепестки, а лягушка закрыла сначала один глаз, а потом другой. {name} желает всем \
спокойной ночи и идёт домой, в тёплую постель.
""",
    friend="Там стоял ещё один друг: {friend}. И он сказал: «{name}, я иду с тобой».",
    meeting="За {0} они встретили {1}, рядом лежало {2}.",
    parts=(
        (
            *("сараем", "старым дубом", "бочкой", "калиткой", "качелями", "дровами", "каменной стеной", "колодцем"),
            *("забором", "лестницей", "цветочным горшком", "грядкой", "фонтаном"),
        ),
        (
            *("жабу", "мотылька", "зайчонка", "голубя", "паука", "чёрного дрозда", "божью коровку", "летучую мышь"),
            *("землеройку", "сверчка", "червяка"),
        ),
        ("пёрышко", "яблочко", "гнёздышко", "зёрнышко", "колечко", "стёклышко", "круглое семечко"),
    ),
)

LANGUAGES_TOLD = {
    "English": ENGLISH,
    "German": GERMAN,
    "French": FRENCH,
    "Spanish": SPANISH,
    "Russian": RUSSIAN,
}

"""Morals that no child should be taught: a small table, in five languages.

It is for those who did not think, and no wall: what a model writes is looked at as well. A moral that warns of the same
("never play with fire") is a good one, so a rule asks for what praises it, and lets pass what denies it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tales.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Harm:
    """What a moral would teach, as patterns in lower case, and how to say kindly that it should not."""

    what: str
    patterns: tuple[str, ...]


_PLAY = r"play\w*|spiel\w*|jou\w*|jug\w*|игра\w*"
_DANGER = (
    r"fire|match(?:es)?|lighters?|knives|knife|guns?|electric\w*|feuer|streichh\w+|messer\w*|pistole\w*|feu|allumettes?"
    r"|couteaux?|fuego|cerillas|cuchillos?|огн\w+|огонь|спичк\w+|нож\w*"
)
_GOOD = r"(?:is|are|'s|can be|ist|sind|macht|est|sont|es|son|это|-) ?(?:\w+ ){0,2}?"
_FUN = (
    r"(?:fun|cool|good|great|safe|okay|ok|fine|harmless|spaß|spass|toll|gut|lustig|amusant|bien|divertido|bueno|весело"
    r"|хорошо|круто)"
)

HARMS = (
    Harm(
        "that what can burn or hurt them is a toy",
        (
            rf"(?:{_PLAY})[^.]{{0,30}}(?:{_DANGER})[^.]{{0,20}}{_FUN}",
            rf"(?:{_DANGER})[^.]{{0,15}}(?:{_PLAY})[^.]{{0,20}}{_FUN}",
            rf"(?:fire|knives|guns?|feuer|le feu|fuego|огонь) {_GOOD}{_FUN}\b",
        ),
    ),
    Harm(
        "to keep secrets from those who care for them",
        (
            (
                r"(?:don't|do not|never|not) (?:to )?(?:tell|say|talk)[^.]{0,20}"
                r"(?:parents?|mom|mum|mommy|mummy|dad|daddy|mother|father|teacher)"
            ),
            (
                r"(?:keep|hide|keeping|hiding)[^.]{0,20}secrets?[^.]{0,15}from[^.]{0,12}"
                r"(?:parents?|mom|mum|dad|mother|father)"
            ),
            r"(?:sag\w*|erzähl\w*)[^.]{0,30}(?:eltern|mama|papa|mutter|vater)[^.]{0,15}(?:nichts|nicht|nie)\b",
            r"(?:eltern|mama|papa)[^.]{0,20}(?:nichts|nicht|nie)[^.]{0,12}(?:sag\w*|erzähl\w*)",
            r"ne (?:dis|dites|dire|pas dire|rien dire|jamais dire|raconte\w*)[^.]{0,20}(?:parents|maman|papa)",
            r"(?:no|nunca)[^.]{0,20}(?:decir\w*|digas|contar\w*|cuentes)[^.]{0,20}(?:padres|mamá|papá)",
            r"не (?:говори\w*|рассказыва\w*|надо говорить)[^.]{0,20}(?:родител\w+|маме|папе)",
        ),
    ),
    Harm(
        "to go along with strangers or take what they offer",
        (
            r"(?:take|accept|taking|accepting|go|going|trust|trusting|get|getting|follow\w*)\b[^.]{0,30}strangers?\b",
            r"(?:mit fremden|fremden (?:mit|folgen|vertrauen)|von fremden)",
            r"(?:accepte\w*|prend\w*|suivre|suis|fais confiance)[^.]{0,30}(?:inconnus?|étrangers?)",
            r"(?:acepta\w*|toma\w*|sigue|seguir|confía\w*|ir con)[^.]{0,30}(?:desconocidos?|extraños?)",
            r"(?:бери|брать|иди|идти|ходи\w*|верь|доверя\w*)[^.]{0,30}(?:незнаком\w+|чужи\w+)",
        ),
    ),
    Harm(
        "that hurting themselves is an answer",
        (
            (
                r"(?:hurt|hurting|harm|harming|cut|cutting|starv\w+|kill|killing)[^.]{0,12}"
                r"(?:yourself|oneself|himself|herself|themselves|myself)"
            ),
            (
                r"self[- ]?harm\w*|suicid\w+|selbstmord\w*|selbstverletz\w*|automutilation|autolesi\w+|самоубий\w*"
                r"|(?:not eating|stop eating|being thin|thin)[^.]{0,25}(?:beautiful|pretty|loved)"
            ),
        ),
    ),
    Harm(
        "to despise others for what they are",
        (
            (
                r"(?:hate|hating|despise|hassen|hasse|haïr|détester|odiar|ненавид\w+)\b[^.]{0,30}"
                r"(?:people|foreigners?|immigrants?|jews?|muslims?|christians?|black|white|gays?|girls|boys|women|men|poor"
                r"|ausländer\w*|juden|muslim\w*|étrangers?"
                r"|juifs|musulmans|extranjeros|judíos|musulmanes|иностран\w+|евре\w+|мусульман\w+|люд\w+)"
            ),
            (
                r"(?:black|white|girls|boys|women|men|foreigners?|jews?|muslims?|poor people|disabled people)[^.]{0,12}"
                r"(?:are|is) "
                r"(?:\w+ ){0,2}?(?:worse|stupid|bad|inferior|superior|better than|worth less|dirty|evil)"
            ),
        ),
    ),
    Harm(
        "that hitting, stealing or lying is how to get on",
        (
            (
                rf"(?:hitting|beating|bullying|stealing|lying|cheating|biting|violence|schlagen|stehlen|klauen|lügen|mobben"
                rf"|frapper|voler|mentir|tricher|pegar|robar|mentir|бить|воровать|врать|обманывать) {_GOOD}"
                rf"(?:{_FUN}|best|right|clever|smart|pays|lustig|richtig|klug|malin|listo|правильно|умно)\b"
            ),
            r"(?:bully|hit|beat|punch)\b[^.]{0,20}(?:who are|weaker|weak|smaller)",
        ),
    ),
    Harm(
        "that drugs, alcohol or smoking are for them",
        (
            (
                rf"(?:drugs?|alcohol|smoking|drinking|beer|drogen|alkohol|rauchen|drogues?|alcool|fumer|drogas"
                rf"|fumar|наркотики|алкоголь|курить|курение) {_GOOD}{_FUN}\b"
            ),
        ),
    ),
)
_RULES = tuple((harm, re.compile("|".join(harm.patterns))) for harm in HARMS)
_DENIES = re.compile(
    r"\b(?:never|don't|do not|not|no|isn't|aren't|nicht|nie|kein\w*|niemals|pas|jamais|nunca|нельзя|не|никогда|without"
    r"|stop|wrong|dangerous|gefährlich|dangereux|peligroso|опасно|beware|careful|instead|rather than)\b"
)
# A rule that denies by itself what it finds: not to tell one's parents.
_DENYING = frozenset({HARMS[1], HARMS[3]})


def check_moral(moral: str) -> None:
    """Raises: InvalidInput, kindly, for a moral that would teach a child what harms it or others."""
    plain = " ".join(moral.lower().replace("’", "'").split())
    for harm, pattern in _RULES:
        if pattern.search(plain) and (harm in _DENYING or not _DENIES.search(plain)):
            raise InvalidInput(
                "moral",
                f"We would rather not tell children {harm.what}. Please choose another moral, such as kindness, "
                "courage, or telling somebody you trust when something is wrong.",
            )

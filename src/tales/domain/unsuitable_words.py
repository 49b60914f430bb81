"""What a list of swear words lacks for children, and what stands on such a list although children's stories have it."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Kana and Han.
_UNSPACED = re.compile("[\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]")

# Violence, drugs and sex, of which lists of swear words have little. `*` stands for any ending.
BESIDE: dict[str, str] = {
    "en": (
        "magic mushroom*|making love"
        "|make love|made love|murder*|suicide|suicidal|corpse*|rape*|raping|killed|killing|strangle*"
        "|stabbed|stabbing|behead*|slaughter*|gun|guns"
        "|shotgun*|pistol*|rifle|rifles|cocaine|heroin|marijuana|meth|vodka|whiskey"
        "|whisky|drunken|sexual*|erotic*|prostitut*|cigarette*|cannabis|terrorist*"
    ),
    "de": (
        "mord|morde|ermord*|selbstmord*|leiche*|vergewaltig*|getötet|töten|tötete*|erwürg*|erstochen|pistole*|gewehr*|kokain"
        "|heroin|marihuana|wodka|schnaps|betrunken*|sexuell*|erotisch*|prostituierte*|zigarette*|liebe machen|sex"
    ),
    "fr": (
        "meurtre*|assassin*|suicide*|cadavre*|viol|violer|violée*|tué|tuée|tuer|étrangl*|poignard*|pistolet*|fusil*|cocaïne"
        "|héroïnomane*|marijuana|vodka|whisky|ivre mort*|sexuel*|érotique*|prostituée*|cigarette*|faire l'amour|sexe"
    ),
    "es": (
        "asesin*|suicidi*|cadáver*|viol|violar|violación|violada|matar|mató|estrangul*|apuñal*|pistola*|rifle*|cocaína"
        "|marihuana|vodka|whisky|borrach*|sexual*|erótic*|prostitut*|cigarrillo*|hacer el amor|sexo"
    ),
    "ru": (
        "убийств*|убийц*|убил|убила|убили|убить|самоубий*|труп|трупы|изнасил*|задуш*|зарезал*|пистолет*|винтовк*|кокаин*"
        "|героин|марихуан*|водк*|пьян*|сексуальн*|эротич*|проститут*|сигарет*|заниматься любовью|секс"
    ),
}

# On the lists for another meaning: a donkey, a snout, a hammer, a shell.
HARMLESS: dict[str, str] = {
    "en": (
        "ass butt cock cocks coon coons bareback bondage cornhole dick domination escort eunuch fingering hardcore"
        " hoe hooker humping kinky poof sadism scat skeet snatch snowballing spunk suck sucks swinger throating tied up"
        " undressing beaner bs simp shrimping honkey paki nude nudity topless playboy busty xx mf smut tosser"
    ),
    "de": (
        "bonze fratze kimme lümmel möpse mufti popel poppen rosette schabracke schnackeln bratze ische reudig vögeln"
        " nackt"
    ),
    "fr": (
        "bander bite bitte bosser bourré bourrée cailler chatte con drague folle gerbe gueule péter ramoner suce tanche"
        " trique veuve pédale pipi caca meuf jouir baiser tapette"
    ),
    "es": (
        "asno caca concha chupada infierno martillo maldito pedo pinche pis trio orina idiota imbécil maciza heroína"
        " marica verga culo"
    ),
    "ru": "хрен",
}

# What holds such a word and means something else. Looked for first, and not looked at again: so no ending is left open,
# which could be that of a word that is meant.
HARMLESS_PHRASES: dict[str, str] = {
    "en": (
        "kill time|kill some time|killing time|killed time|blue tit|blue tits|great tit|great tits|coal tit|coal tits"
        "|pussy willow|pussy willows|pussy cat|pussy cats"
    ),
    "de": "die zeit totschlagen",
    "fr": "tuer le temps|cul-de-sac|culs-de-sac|cul de sac|cul-de-poule",
    "es": "matar el tiempo|matar el rato|matar el hambre|matar el gusanillo",
    "ru": "убить время|убить час|убить вечер",
}


def words_of(spec: str) -> list[str]:
    """The words of a row of `BESIDE`."""
    return [word for word in spec.split("|") if word]


def pattern_of(words: Iterable[str]) -> re.Pattern[str]:
    """What finds `words` in a text in lower case, whole ones; an asterisk stands for any ending.

    One in a script without spaces is found anywhere: its text shows no edges of words.
    """
    found = sorted({word.lower() for word in words}, key=len, reverse=True)
    anywhere = "".join(rf"|{_pattern_of(word)}" for word in found if _UNSPACED.search(word))
    whole = "|".join(_pattern_of(word) for word in found if not _UNSPACED.search(word))
    return re.compile(rf"(?<!\w)(?:{whole or '(?!)'})(?!\w){anywhere}")


def _pattern_of(word: str) -> str:
    return re.escape(word).replace(r"\*", r"\w*")

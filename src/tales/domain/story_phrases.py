"""How a model talks about its story instead of telling it, and what it calls the facts that it was given.

Lower case, as regular expressions; looked for outside of what somebody in the story says.
"""

from __future__ import annotations

import re

from tales.domain import fact_labels

ANYWHERE: tuple[str, ...] = (
    # English
    r"\b(?:the|this|my|your) (?:story|tale) (?:is|was) (?:titled|called|named|about|written|designed|intended|meant)\b",
    r"\b(?:the|this) title of (?:the|this|my) (?:story|tale)\b",
    r"\bthis is (?:your|the|my) (?:last|first|final|opening|closing) (?:sentence|paragraph|line)\b",
    r"\bin this (?:story|tale|bedtime story),? (?:we|you|i|the (?:reader|author))\b",
    r"\b(?:here is|here's|below is) (?:a|the|your|my) (?:\w+ ){0,3}(?:story|tale)\b",
    r"\bword count\b|\bas an ai\b|\blanguage model\b|\b(?:the|dear) reader\b",
    r"\bbedtime story (?:about|for|of about)\b|\bstory of about \d+ words\b",
    r"\b(?:write|continue|rewrite) (?:the|your|a|this) (?:story|tale)\b",
    # German
    r"\b(?:die|diese|meine) (?:\w+)?(?:geschichte|erzählung) (?:heißt|trägt den titel|handelt von|ist betitelt)",
    r"\bdas ist (?:dein|der|mein|ihr) (?:letzter|erster|letzte|erste) (?:satz|absatz)\b",
    r"\banzahl der wörter\b|\bwortanzahl\b",
    r"\bals ki\b|\bsprachmodell\b|\bhier ist (?:eine|die|deine) (?:\w+ ){0,2}\w*geschichte\b",
    # French
    r"\b(?:l'|cette |mon )(?:histoire|conte) (?:s'intitule|s'appelle|est intitulée?|parle de)",
    r"\bc'est (?:ta|votre|la|ma) (?:dernière|première) phrase\b|\bnombre de mots\b|\bmodèle de langage\b",
    r"\bvoici (?:une|l'|votre|ton|un) ?(?:\w+ ){0,2}(?:histoire|conte)\b",
    # Spanish
    r"\b(?:la|esta|mi) historia (?:se titula|se llama|trata (?:de|sobre))|\b(?:el|este) cuento (?:se titula|trata de)",
    r"\besta es (?:tu|la|mi|su) (?:última|primera) frase\b|\brecuento de palabras\b|\bmodelo de lenguaje\b",
    r"\baquí (?:tienes|está|va) (?:una|un|el|la|tu) (?:\w+ ){0,2}(?:historia|cuento)\b",
    # Russian
    r"\b(?:эта |моя )?(?:история|сказка) (?:называется|озаглавлена|рассказывает о)",
    r"\bэто (?:твоё|ваше|моё)? ?(?:последнее|первое) предложение\b|\bколичество слов\b|\bязыковая модель\b",
    r"\bвот (?:ваша|твоя|одна|моя) (?:\w+ ){0,2}(?:история|сказка)\b",
)

AT_AN_EDGE: tuple[str, ...] = (
    r"\bwould you like (?:another|more|me to|to (?:hear|read))\b|\bdo you want (?:another|more|me to)\b",
    r"\bi hope (?:you|this|that|it)\b|\blet me know\b|\bfeel free\b|\bthank you for (?:reading|listening)\b",
    r"\bmöchtest du (?:noch )?eine (?:weitere|andere|neue)?|\bsoll ich (?:noch|eine|die)\b",
    r"\bich hoffe,? (?:dir|die|es|sie)\b",
    r"\b(?:veux-tu|voulez-vous|souhaites-tu|souhaitez-vous) (?:une |que )|\bj'espère que (?:cette|l'|vous|tu)\b",
    r"\b(?:quieres|te gustaría|desea|deseas) (?:otr[oa]|que|leer|escuchar)\b|\bespero que (?:te|le|les|este|esta)\b",
    r"\b(?:хотите|хочешь) (?:ещё|другую|услышать|послушать|чтобы)|\bнадеюсь,? (?:вам|тебе|что|эта)\b",
)

# What prompts call their facts, at the beginning of a line and with a colon. `child` and `hero` alone are names of
# facts too, and a story may well say "герой:" of whoever speaks next: of other languages, the longer ones alone.
FACT_NAMES = "|".join(
    re.escape(label.strip())
    for labels in fact_labels.LABELS.values()
    for label in labels.all
    if labels is fact_labels.ENGLISH or " " in label.strip()
)
# What lists of facts are made of, also where they are not the prompt's.
LABELS = (
    r"name|names?|age|gender|sex|likes|loves|interests?|hobb(?:y|ies)|characters?|setting|moral|theme|plot|summary|length"
    r"|genre|language|target audience|alter|geschlecht|mag|figuren|ort|thema|nom|âge|sexe|aime|personnages|morale"
    r"|thème|nombre|edad|género|le gusta|personajes|moraleja|tema|имя|возраст|пол|любит|герои|персонажи|мораль|тема"
)

META_ANYWHERE = re.compile("|".join(ANYWHERE))
META_AT_AN_EDGE = re.compile("|".join(AT_AN_EDGE))
FACT_LINE = re.compile(rf"^[\s*•\-–\d.)]*(?:{FACT_NAMES})\s*:", re.IGNORECASE | re.MULTILINE)
LABEL_LINE = re.compile(
    rf"^[\s*•\-–\d.)]*(?:the |la |le |el |die |das )?(?:{LABELS})\s*[:：]", re.IGNORECASE | re.MULTILINE
)

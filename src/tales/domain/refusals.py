"""How a model opens an answer in which it refuses, in each language that stories are written in.

Narrow on purpose: an apology must be followed by "I cannot", or a child's story could not begin with "I'm sorry".
A refusal that is missed is mostly too short for a story anyway.
"""

from __future__ import annotations

import re

# The opening of an answer, behind punctuation; in lower case.
OPENINGS: dict[str, str] = {
    "ar": r"(?:أنا )?(?:آسف|عذر|أعتذر|للأسف)[^.؟!]*(?:لا (?:أستطيع|يمكنني)|لن أتمكن)",
    "cs": r"(?:omlouvám se|je mi líto|bohužel),? (?:ale )?(?:nemohu|nemůžu|nejsem schop)",
    "da": r"(?:jeg er ked af det|beklager|undskyld|desværre),? (?:men )?(?:jeg kan|kan jeg)",
    "de": (
        r"(?:(?:es )?tut mir (?:sehr |wirklich )?leid|entschuldigung|leider),? (?:aber )?"
        r"(?:ich (?:kann|darf)|kann ich)"
    ),
    "en": (
        r"(?:(?:(?:i['’]?m|i am) (?:\w+ )?sorry|sorry|i apologi[sz]e|my apologies|unfortunately)[,.]? (?:but )?"
        r"(?:i (?:can|am |won|will not|must decline)|i['’]m |as an ai\b)"
        r"|as an ai\b"
        r"|i(?: can['’]?t| cannot| can not| won['’]?t| will not|(?: a|['’])m (?:not able|unable) to| must decline to) "
        r"(?:help(?: you)? with|assist|comply|fulfil|engage"
        r"|(?:write|create|generate|produce|provide|continue)(?: you)?(?: with)? "
        r"(?:a|an|the|this|that|such|any|content|stories)\b))"
    ),
    "es": r"(?:lo siento|lo lamento|perdón|disculpa|lamentablemente)(?: mucho)?,? (?:pero )?no (?:puedo|me es posible)",
    "fr": (
        r"(?:(?:je suis )?(?:vraiment |sincèrement )?désolée?|malheureusement),? (?:mais )?"
        r"je ne (?:peux|suis|pourrai)"
    ),
    "hi": r"(?:मुझे )?(?:खेद|क्षमा|माफ़|माफ)[^।]*(?:नहीं (?:कर|लिख)|असमर्थ)",
    "it": r"(?:mi dispiace|spiacente|purtroppo),? (?:ma )?non (?:posso|sono in grado)",
    "ja": r"(?:大変)?(?:申し訳|すみません|ごめんなさい|恐れ入ります)[^。]*(?:できません|出来ません|いたしかねます)",
    "ko": r"(?:죄송|미안)[^.]*(?:수(?:가| )?\s?없|어렵습니다)",
    "nl": r"(?:het spijt me|sorry|helaas),? (?:maar )?(?:ik kan|kan ik)",
    "pl": r"(?:przepraszam|przykro mi|niestety),? (?:ale )?nie (?:mogę|jestem w stanie)",
    "pt": r"(?:desculpe?|sinto muito|lamento|infelizmente),? (?:mas )?(?:eu )?não (?:posso|consigo)",
    "ru": r"(?:извините|простите|мне жаль|прошу прощения|к сожалению),? (?:но )?я не (?:могу|в состоянии)",
    "sv": r"(?:jag är ledsen|jag beklagar|förlåt|tyvärr),? (?:men )?(?:jag kan|kan jag)",
    "tr": r"(?:üzgünüm|özür dilerim|maalesef)[^.!?]*[ae]m(?:am|em|ıyorum|iyorum)",
    "uk": r"(?:вибачте|перепрошую|мені шкода|на жаль),? (?:але )?я не (?:можу|в змозі)",
    "zh": r"(?:我)?(?:很|非常)?(?:抱歉|对不起|對不起|不好意思)[^。]*(?:无法|無法|不能|不可以)",
}

_REFUSAL = re.compile(rf"\W*(?:{'|'.join(OPENINGS.values())})", re.IGNORECASE)


def opens_with_refusal(text: str) -> bool:
    """Whether `text` begins as refusals do, whatever language it was asked for in."""
    return _REFUSAL.match(text) is not None

from __future__ import annotations

import pytest

from tales.domain.refusals import OPENINGS, opens_with_refusal
from tales.domain.story_spec import LANGUAGES

REFUSALS = {
    "ar": ["عذرًا، لا أستطيع كتابة هذه القصة.", "أنا آسف، ولكن لا يمكنني المساعدة في ذلك."],
    "cs": ["Omlouvám se, ale nemohu tento příběh napsat.", "Bohužel nemohu pomoci."],
    "da": ["Beklager, men jeg kan ikke skrive den historie.", "Desværre kan jeg ikke hjælpe."],
    "de": ["Es tut mir leid, aber ich kann diese Geschichte nicht schreiben.", "Leider kann ich dabei nicht helfen."],
    "en": [
        "I'm sorry, but I can't help with that.",
        "I’m really sorry, I can’t assist with this request.",
        "Sorry, I can't write that.",
        "I am sorry, but as an AI language model I have no opinion.",
        "I apologize, but I am not able to write this.",
        "My apologies, I cannot do so.",
        "Unfortunately, I'm unable to write this story.",
        "As an AI, I do not write such stories.",
        "I cannot write this story.",
        "I won't create content that harms children.",
        "I'm not able to help with that.",
        "I am unable to provide a story about this.",
        "I must decline to continue with this story.",
        "**I can't help you with that.**",
    ],
    "es": ["Lo siento, pero no puedo escribir esta historia.", "Lamentablemente, no puedo ayudarte."],
    "fr": ["Je suis désolé, mais je ne peux pas écrire cette histoire.", "Désolée, je ne peux pas."],
    "hi": ["मुझे खेद है, लेकिन मैं यह कहानी नहीं लिख सकता।", "क्षमा करें, मैं इसमें मदद नहीं कर सकता।"],
    "it": ["Mi dispiace, ma non posso scrivere questa storia.", "Purtroppo non sono in grado di aiutarti."],
    "ja": ["申し訳ありませんが、そのお話を書くことはできません。", "すみませんが、お手伝いできません。"],
    "ko": ["죄송하지만 그 이야기는 쓸 수 없습니다.", "죄송합니다만, 도와드리기 어렵습니다."],
    "nl": ["Het spijt me, maar ik kan dit verhaal niet schrijven.", "Helaas kan ik je daar niet bij helpen."],
    "pl": ["Przepraszam, ale nie mogę napisać tej historii.", "Niestety nie jestem w stanie pomóc."],
    "pt": ["Desculpe, mas não posso escrever esta história.", "Infelizmente, eu não consigo ajudar."],
    "ru": ["Извините, но я не могу написать эту историю.", "К сожалению, я не могу помочь."],
    "sv": ["Jag är ledsen, men jag kan inte skriva den berättelsen.", "Tyvärr kan jag inte hjälpa till."],
    "tr": ["Üzgünüm, ancak bu hikâyeyi yazamam.", "Maalesef bu konuda yardımcı olamıyorum."],
    "uk": ["Вибачте, але я не можу написати цю історію.", "На жаль, я не можу допомогти."],
    "zh": ["很抱歉，我无法写这个故事。", "对不起，我不能帮助您。"],
}


def test_refusals_are_known_in_each_language_that_stories_are_written_in() -> None:
    assert set(OPENINGS) == set(REFUSALS) == set(LANGUAGES)


@pytest.mark.parametrize(("language", "answer"), [(code, text) for code, texts in REFUSALS.items() for text in texts])
def test_a_refusal_is_known_by_how_it_opens(language: str, answer: str) -> None:
    assert opens_with_refusal(answer), language


@pytest.mark.parametrize(
    "story",
    [
        "I'm Sorry, Said the Bear\n\nOnce there was a bear.",
        "Sorry, Little Owl\n\nOnce there was an owl.",
        "I Can't Sleep\n\nMia lay awake.",
        "“I can't sleep,” whispered Mia.",
        "“I cannot help it,” said the dragon, and sneezed.",
        "Unfortunately, the moon was late.",
        "As a child, Mia loved dragons.",
        "Es tut mir leid, sagte der Bär.",
        "Ich kann nicht schlafen, sagte Mia.",
        "No puedo dormir, dijo Mia.",
        "Je ne peux pas dormir, dit Mia.",
        "Przepraszam, powiedział miś.",
        "ごめんなさい、と小さな龍は言いました。",
        "对不起，小龙说。",
        "미안해, 하고 작은 용이 말했어요.",
        "Извините, сказал медвежонок.",
        "Üzgünüm, dedi küçük ejderha.",
        "",
    ],
)
def test_a_story_may_open_with_an_apology_or_with_what_somebody_cannot_do(story: str) -> None:
    assert not opens_with_refusal(story)

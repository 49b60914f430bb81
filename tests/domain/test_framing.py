from __future__ import annotations

import time

import pytest

from tales.domain.framing import PHRASES, without_closing, without_opening
from tales.domain.parsed_story import ParsedStory, parse_story
from tales.domain.story_spec import LANGUAGES
from tests.domain.factories import words

TEXT = f"Once upon a time there was a moon. {words(40)}\n\nThen it slept."

OPENINGS = {
    "ar": ["بالتأكيد! إليك قصة قبل النوم:", "إليك قصة جميلة عن ميا:"],
    "cs": ["Jistě! Tady je pohádka na dobrou noc:", "Samozřejmě, zde je příběh pro Miu:"],
    "da": ["Selvfølgelig! Her er en godnathistorie:", "Her kommer en historie om Mia:"],
    "de": [
        "Gerne! Hier ist eine Gutenachtgeschichte:",
        "Natürlich, hier kommt die Geschichte für Mia!",
        "Hier ist deine Geschichte:",
        "Klar! Hier ist ein kleines Märchen.",
    ],
    "en": [
        "Sure! Here's a bedtime story:",
        "I'd be happy to write a story for Mia!",
        "Of course, here you go, a story:",
    ],
    "es": ["¡Claro! Aquí tienes un cuento:", "Por supuesto, aquí está la historia de Mia:"],
    "fr": ["Bien sûr ! Voici une histoire du soir :", "Voici un conte pour Mia :"],
    "hi": ["ज़रूर! यहाँ एक कहानी है:", "यह रही आपकी कहानी:"],
    "it": ["Certo! Ecco una storia della buonanotte:", "Ecco la favola per Mia:"],
    "ja": ["もちろんです！こちらがおやすみ前のお話です：", "以下はミアの物語です。"],
    "ko": ["물론이죠! 여기 잠자리 동화가 있습니다:", "다음은 미아를 위한 이야기입니다."],
    "nl": ["Natuurlijk! Hier is een verhaaltje voor het slapengaan:", "Hier komt een sprookje voor Mia:"],
    "pl": ["Oczywiście! Oto bajka na dobranoc:", "Oto opowieść dla Mii:"],
    "pt": ["Claro! Aqui está uma história para dormir:", "Com certeza, aqui vai um conto:"],
    "ru": ["Конечно! Вот сказка на ночь:", "Вот история для Мии:"],
    "sv": ["Självklart! Här är en godnattsaga:", "Här kommer en berättelse om Mia:"],
    "tr": ["Tabii ki! İşte bir uyku masalı:", "İşte Mia için bir hikâye:"],
    "uk": ["Звичайно! Ось казка на ніч:", "Ось історія для Мії:"],
    "zh": ["当然可以！这是一个睡前故事：", "好的，以下是故事：", "以下是米娅的故事。"],
}
ASSENTS = [
    "Sure!",
    "Of course!",
    "Gerne!",
    "¡Claro!",
    "Bien sûr !",
    "Конечно!",
    "好的！",
    "もちろんです！",
    "Certo!",
    "Tabii ki!",
]
CLOSINGS = {
    "ar": ["هل تريد قصة أخرى؟"],
    "cs": ["Chcete další pohádku?"],
    "da": ["Vil du have en historie til?"],
    "de": [
        "Möchtest du noch eine Geschichte hören?",
        "Ich hoffe, die Geschichte gefällt euch!",
        "Soll ich etwas ändern?",
    ],
    "en": [
        "Would you like another story?",
        "I hope you enjoyed this bedtime story! Let me know if you'd like any changes.",
        "Let me know if you would like me to adjust anything.",
        "*Would you like me to continue the tale?*",
        "(Word count: 390 words)",
        "Is there anything else you would like in a different version?",
    ],
    "es": ["¿Te gustaría otro cuento?", "Espero que te haya gustado la historia."],
    "fr": ["Veux-tu une autre histoire ?", "J'espère que cette histoire vous plaira !"],
    "hi": ["क्या आप एक और कहानी सुनना चाहेंगे?"],
    "it": ["Vuoi un'altra storia?", "Spero che la favola ti sia piaciuta!"],
    "ja": ["別のお話はいかがですか？"],
    "ko": ["다른 이야기를 원하시나요?"],
    "nl": ["Wil je nog een verhaaltje?", "Ik hoop dat je het verhaal leuk vond!"],
    "pl": ["Czy chcesz kolejną bajkę?", "Mam nadzieję, że bajka się podobała!"],
    "pt": ["Você gostaria de outra história?", "Espero que tenha gostado da história!"],
    "ru": ["Хотите ещё одну сказку?", "Надеюсь, сказка вам понравилась!"],
    "sv": ["Vill du ha en saga till?", "Jag hoppas att du gillade berättelsen!"],
    "tr": ["Başka bir masal ister misin?", "Umarım masalı beğenmişsindir!"],
    "uk": ["Хочете ще одну казку?", "Сподіваюся, казка вам сподобалася!"],
    "zh": ["你想再听一个故事吗？", "希望你喜欢这个故事！"],
}


def test_each_language_that_we_offer_has_its_phrases() -> None:
    assert PHRASES.keys() == OPENINGS.keys() == CLOSINGS.keys() == LANGUAGES.keys()


@pytest.mark.parametrize("opening", [opening for openings in OPENINGS.values() for opening in openings] + ASSENTS)
def test_a_sentence_before_the_title_is_left_out(opening: str) -> None:
    assert parse_story(f"{opening}\n\nTitel\n\n{TEXT}", "stop", 1) == ParsedStory("Titel", TEXT)


def test_several_are_too() -> None:
    answer = f"Sure!\n\nHere is a story for Mia:\n\n---\n\n# The Moon\n\n{TEXT}"
    assert parse_story(answer, "stop", 1) == ParsedStory("The Moon", TEXT)


@pytest.mark.parametrize("closing", [closing for closings in CLOSINGS.values() for closing in closings])
@pytest.mark.parametrize("rule", ["", "---\n\n", "***\n"])
def test_a_question_after_the_story_is_left_out(closing: str, rule: str) -> None:
    assert parse_story(f"Titel\n\n{TEXT}\n\n{rule}{closing}", "stop", 1) == ParsedStory("Titel", TEXT)


@pytest.mark.parametrize(
    "last",
    [
        "“Would you like another story?” asked the moon.",
        "„Möchtest du noch eine Geschichte hören?“, fragte der Mond.",
        "Would you like to sleep now, too?",
        "And if you listen, you can hear her still.",
        "The end.",
        "Ende",
        "Good night, Mia!",
        "Schlaf gut, kleine Mia.",
        "If you listen closely at night, you may still hear the story of Mia.",
        "Wenn du ganz leise bist, hörst du die Geschichte noch heute.",
        "Bu masal da burada bitti.",
        "Note by note, the tale became a song.",
        "How is it that every story ends?",
        "And that was the story of the moon.",
        "Und wenn sie nicht gestorben sind, dann leben sie noch heute.",
        "Sie hatte die Geschichte vom Mond gehört.",
    ],
)
def test_the_storys_own_last_words_stay(last: str) -> None:
    assert without_closing(f"{TEXT}\n\n{last}") == f"{TEXT}\n\n{last}"


@pytest.mark.parametrize(
    "first",
    [
        "Here Comes the Moon",
        "Hier wohnt Mia",
        "Die Geschichte vom Mond",
        "The Story of Mia",
        "Sure-Footed Mia",
        "Here begins the history of Mia.",
        "Вотан и его история.",
        "Oto",
        "Mia lived here in a tale-teller's house by the sea",
        "Ecco la luna",
        "Once upon a time there was a moon.",
        "Es war einmal eine Geschichte, die niemand kannte.",
        "Wherever Mia went, there was a story.",
    ],
)
def test_the_storys_own_first_words_stay(first: str) -> None:
    assert without_opening(f"{first}\n\n{TEXT}", 120) == f"{first}\n\n{TEXT}"


def test_long_lines_take_no_time() -> None:
    start = time.perf_counter()
    without_opening(("here " * 30)[:120] + "\n" + "x " * 100_000, 120)
    without_closing("x\n\n" + ("if you " * 60)[:299] + ".")
    assert time.perf_counter() - start < 0.5

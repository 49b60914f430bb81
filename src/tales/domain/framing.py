"""What a model says around a story: a sentence before it, and a question after it, in each language that we offer.

Narrow on purpose, as a story must not lose a sentence of its own: before it, a line that presents a story; after it, a
last paragraph in nobody's mouth that speaks of the story as a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_FRAME = 300
"""Characters of a closing paragraph."""

_MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class Phrases:
    """How a model frames a story in one language, as regular expressions.

    `assent` may stand alone; `presents` is followed by a `story`; `offers` begin a closing `about` the text.
    """

    assent: str
    presents: str
    story: str
    offers: str
    about: str


PHRASES: dict[str, Phrases] = {
    "ar": Phrases(
        "بالتأكيد|بالطبع|طبع[ًا]*|حسن[ًا]*|بكل سرور",
        "إليك(?:م|ِ)?|ها هي|فيما يلي|تفضل",
        "قصة|حكاية|القصة",
        "هل (?:تريد|تود|ترغب|أعجبت)|أتمنى|آمل|أخبرني",
        "قصة|القصة|أخرى|تعديل",
    ),
    "cs": Phrases(
        "jistě|samozřejmě|určitě|ráda?|dobře|tady to je",
        "(?:tady|zde) (?:je|máš|máte)|tu je|přináším",
        r"pohádk\w*|příběh\w*",
        r"chcete|chceš|přejete|přál\w*|mám (?:něco|to|přidat)|doufám|dejte mi|dej mi|líbil\w*",
        r"pohádk\w*|příběh\w*|další|uprav\w*|pokračov\w*",
    ),
    "da": Phrases(
        "selvfølgelig|naturligvis|gerne|ja|klart",
        "her (?:er|kommer|har du)",
        r"\w*(?:historie|eventyr|fortælling)\w*",
        "vil du|ønsker du|skal jeg|jeg håber|sig til|lad mig vide",
        r"\w*(?:historie|eventyr|fortælling)\w*|ændr\w*|en anden|fortsæt\w*",
    ),
    "de": Phrases(
        "gerne?|sehr gerne?|natürlich|klar|na klar|selbstverständlich|aber gerne?|okay|ja",
        r"hier (?:ist|kommt|hast du|haben sie)|ich (?:habe|schreibe|erzähle) (?:dir|euch|ihnen)|es folgt",
        r"\w*(?:geschichte|märchen|erzählung)\w*",
        r"(?:möchtest|willst|kannst) du|(?:möchten|wollen|können) sie|(?:möchtet|wollt) ihr|(?:soll|kann|darf) ich"
        r"|(?:hat|gefällt) (?:dir|euch|ihnen)|(?:sagt?|sagen sie) (?:mir|bescheid)|lass\w* (?:sie )?(?:es )?mich"
        r"|ich hoffe"
        r"|(?:wenn|falls) (?:du|ihr|sie) (?:\w+ ){0,3}?(?:möchte\w*|magst|mögt|willst|wollt|wollen|wünsch\w*)",
        r"\w*(?:geschichte|märchen|erzählung)\w*|änder\w*|anpass\w*|fortsetz\w*|länger|kürzer|eine weitere|noch eine",
    ),
    "en": Phrases(
        "sure|sure thing|of course|certainly|absolutely|okay|ok|yes|gladly|with pleasure|great|definitely|no problem",
        r"here(?:['’]?s| is| you go| comes)|(?:below|following) is"
        r"|i(?:['’]d| would) (?:be (?:happy|glad|delighted)|love) to"
        r"|i(?:['’]ve| have) (?:written|created|crafted)|i wrote",
        r"stor(?:y|ies)|tales?",
        r"would you|do you want|shall i|should i|want me to|can i|let me know|feel free|i hope|hope you|please"
        r"|if you(?:['’]d| would)? (?:like|want|need|prefer|wish|have any)|is there anything"
        r"|did you (?:like|enjoy)|word count",
        r"stor(?:y|ies)|tales?|chang\w*|adjust\w*|tweak\w*|another one|anything else|version|longer|shorter|continue"
        r"|sequel|feedback|customi[sz]\w*|words",
    ),
    "es": Phrases(
        "claro(?: que sí)?|por supuesto|con (?:mucho )?gusto|desde luego|sí|vale",
        r"aquí (?:tienes?|tienen|está|va|les? dejo|te dejo)|te presento|he escrito",
        r"cuentos?|historias?|relatos?",
        r"(?:te|le|les) (?:gustaría|ha gustado|gustó)|quieres?|quieren|espero|puedo|deseas?|si (?:quieres|deseas)|dime",
        r"cuentos?|historias?|relatos?|cambi\w*|ajust\w*|otr[oa]|continua\w*",
    ),
    "fr": Phrases(
        "bien sûr|avec plaisir|volontiers|certainement|d['’]accord|absolument|oui",
        r"voici|voilà|je (?:te|vous) (?:propose|présente)|j['’]ai (?:écrit|créé)",
        r"histoires?|contes?|récits?",
        r"(?:veux|voulez|souhaite[sz]?|aimerais|aimeriez)[- ](?:tu|vous)|est-ce que|j['’]espère"
        r"|si (?:tu|vous) (?:veux|voulez|souhait\w*)"
        r"|n['’]hésite\w*|dois-je|puis-je|dites-moi|dis-moi",
        r"histoires?|contes?|récits?|modif\w*|chang\w*|autre|suite|adapt\w*",
    ),
    "hi": Phrases(
        "ज़रूर|जरूर|बिल्कुल|अवश्य|ठीक है|हाँ|हां",
        "यहाँ|यहां|यह रही|ये रही|पेश है|प्रस्तुत है|लीजिए",
        "कहानी|कथा",
        "क्या (?:आप|तुम|मैं)|मुझे (?:आशा|उम्मीद|बताएं|बताइए)|आशा है|उम्मीद है|अगर आप चाह",
        "कहानी|कथा|बदल|दूसरी|और",
    ),
    "it": Phrases(
        "certo|certamente|volentieri|naturalmente|con piacere|va bene|sì",
        r"ecco(?:ti|la)?|di seguito|ho scritto|questa è",
        r"stori[ae]|racconti?|favol[ae]|fiab[ae]",
        r"(?:vuoi|vorresti|volete|desideri|ti è piaciut[ao]|ti piacerebbe|spero|posso|se vuoi|fammi|dimmi)",
        r"stori[ae]|racconti?|favol[ae]|fiab[ae]|modific\w*|cambi\w*|un['’]altra|continu\w*",
    ),
    "ja": Phrases(
        "もちろん(?:です)?|はい|かしこまりました|承知しました|わかりました|喜んで",
        "こちら(?:が|は)|以下(?:が|は|に)|ここに|それでは|では",
        "お話|おはなし|物語|ストーリー|童話",
        "いかが|もし(?:ご希望|よろし)|ご希望|他に|別の|この(?:お話|物語)(?:を|が)(?:お楽しみ|気に入)|お楽しみ",
        "お話|おはなし|物語|変更|修正|ください|別の|続き",
    ),
    "ko": Phrases(
        "물론(?:이죠|입니다|이에요)?|네|그럼요|좋아요|알겠습니다",
        "여기|다음은|아래는|이건",
        "이야기|동화",
        "(?:이 (?:이야기|동화)[가는] )?마음에|다른 (?=이야기|동화)|혹시|원하|더 (?:원하|필요)",
        "이야기|동화|수정|변경|다른|알려",
    ),
    "nl": Phrases(
        "natuurlijk|zeker|graag|met plezier|tuurlijk|oké|ja",
        r"hier (?:is|komt|heb je|volgt)|ik heb",
        r"\w*(?:verhaal|verhaaltje|sprookje|vertelling)\w*",
        r"wil je|wilt u|zal ik|kan ik|ik hoop|laat (?:het )?me|als je (?:wilt?|graag)|vond je|zou je",
        r"\w*(?:verhaal|verhaaltje|sprookje)\w*|aanpas\w*|wijzig\w*|ander\w*|vervolg",
    ),
    "pl": Phrases(
        "oczywiście|jasne|pewnie|z przyjemnością|chętnie|dobrze|tak",
        r"oto|proszę|poniżej|przedstawiam|napisał[ae]m",
        r"bajk\w*|opowieś\w*|opowiadani\w*|histori\w*|opowiastk\w*",
        r"czy (?:chc\w*|mam|mog\w*|podob\w*|życz\w*)|mam nadziej\w*|daj(?:cie)? (?:mi )?znać|jeśli chc\w*|chcesz",
        r"bajk\w*|opowieś\w*|opowiadani\w*|histori\w*|zmieni\w*|inn\w*|kontynu\w*|kolejn\w*",
    ),
    "pt": Phrases(
        "claro(?: que sim)?|com certeza|com (?:muito )?prazer|certamente|sim|ok",
        r"aqui (?:está|vai|tem|tens)|eis|segue|escrevi",
        r"histórias?|contos?",
        r"(?:você )?(?:gostaria|gostarias|gostou|quer|queres|deseja)|espero|posso"
        r"|se (?:você )?(?:quiser|desejar)|me (?:diga|avise)",
        r"histórias?|contos?|alter\w*|mud\w*|ajust\w*|outr[ao]|continu\w*",
    ),
    "ru": Phrases(
        "конечно|разумеется|с удовольствием|хорошо|да|безусловно",
        r"вот|представляю|предлагаю|ниже",
        r"сказк\w*|истори\w*|рассказ\w*",
        r"(?:хотите|хочешь|желаете|понравил\w*|надеюсь|если (?:хот\w*|жела\w*)|дайте знать|могу)",
        r"сказк\w*|истори\w*|рассказ\w*|измен\w*|другую|ещё|продолж\w*",
    ),
    "sv": Phrases(
        "självklart|naturligtvis|visst|gärna|absolut|javisst|ja|okej",
        "här (?:är|kommer|har du)",
        r"\w*(?:berättelse|saga|historia|sagan|godnattsaga)\w*",
        "vill du|ska jag|jag hoppas|hoppas|låt mig|säg till|om du (?:vill|önskar)",
        r"\w*(?:berättelse|saga|historia)\w*|ändr\w*|en annan|fortsätt\w*",
    ),
    "tr": Phrases(
        "tabii(?: ki)?|elbette|memnuniyetle|peki|evet|tamam",
        r"[iİ]̇?şte|aşağıda|buyurun|[sS]izin için",
        r"masal\w*|hik[aâ]ye\w*|öykü\w*",
        r"başka bir|umarım|eğer ister\w*|ister mis\w*|beğen\w*",
        r"masal\w*|hik[aâ]ye\w*|öykü\w*|değiş\w*|devam\w*",
    ),
    "uk": Phrases(
        "звичайно|звісно|авжеж|із задоволенням|залюбки|добре|так",
        r"ось|пропоную|нижче",
        r"казк\w*|істор\w*|оповід\w*|розповід\w*",
        r"хочете|хочеш|бажаєте|сподоба\w*|сподіваюс\w*|якщо (?:хоч\w*|бажа\w*)|дайте знати|можу"
        r"|чи (?:хоч\w*|сподоб\w*)",
        r"казк\w*|істор\w*|оповід\w*|змін\w*|іншу|ще|продовж\w*",
    ),
    "zh": Phrases(
        "当然(?:可以)?|好的|没问题|當然(?:可以)?|沒問題|可以",
        "这是|這是|以下是|下面是|这里是|這裡是|为你|為你|给你|給你",
        "故事|童话|童話",
        "你(?:想|希望|喜欢|喜歡|觉得|覺得)|您(?:想|希望|喜欢|觉得)|希望(?:你|您|这个|這個)|如果(?:你|您)?(?:想|需要|喜欢|喜歡|希望|愿意)|需要我|要不要",
        "故事|童话|童話|修改|调整|調整|另一|继续|繼續",
    ),
}


# Scripts that put no space or no letter between two words: there a word ends anywhere.
_GLUED = frozenset({"ar", "hi", "ja", "ko", "zh"})


def _any(part: str) -> str:
    """One of the phrases of all languages, as whole words."""
    spaced = "|".join(getattr(phrases, part) for language, phrases in PHRASES.items() if language not in _GLUED)
    glued = "|".join(getattr(phrases, part) for language, phrases in PHRASES.items() if language in _GLUED)
    return rf"(?:\b(?:{spaced})(?!\w)|{glued})"


_MARKS = r"[\s*_#>~—–\-¡¿(\[\U0001F300-\U0001FAFF\u2600-\u27bf]*"
_ASSENT = re.compile(rf"{_MARKS}{_any('assent')}\s*[:.!,：。！，،।]\W*", re.IGNORECASE)
_PRESENTS = re.compile(rf"\W*(?:\w+\W+){{0,4}}?{_any('presents')}.*?{_any('story')}.*[:.!：。！…।]\W*", re.IGNORECASE)
_OFFERS = re.compile(rf"{_MARKS}{_any('offers')}.*?{_any('about')}", re.IGNORECASE | re.DOTALL)
# In somebody's mouth it is the story's own.
_QUOTE = re.compile(r"\A[\s*_\-—–]*[\"“”„«»「『‘'’]")
_RULE = re.compile(r"\n\s*(?:[-=*_~][ \t]?){3,}[ \t]*\Z")


def without_opening(text: str, longest_line: int) -> str:
    """`text` without the lines that a model says before it begins."""
    for _ in range(_MOST_LINES):
        first, _, rest = text.partition("\n")
        is_frame = len(first) <= longest_line and (_ASSENT.fullmatch(first) or _PRESENTS.fullmatch(first))
        if not is_frame or not rest.strip():
            break
        text = rest.lstrip()
    return text


def without_closing(text: str) -> str:
    """`text` without the paragraphs in which a model asks or hopes something about it."""
    for _ in range(_MOST_LINES):
        before, gap, last = text.rpartition("\n\n")
        last = last.strip()
        if not gap or len(last) > LONGEST_FRAME or _QUOTE.match(last) or not _speaks_of_story(last):
            break
        text = _RULE.sub("", before).rstrip()
    return text


def _speaks_of_story(paragraph: str) -> bool:
    """Whether it begins as an offer, a wish or a question about the text."""
    return paragraph.endswith(("?", "؟", "？", "!", "！", ".", "。", "।", ")", "]", "*", "_")) and bool(
        _OFFERS.match(paragraph)
    )

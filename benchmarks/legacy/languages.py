"""Ten languages to tell stories in: enough words of each to coin a vocabulary from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `glue` stands between two words, `stop` ends a sentence, `quotes` hold what somebody says."""

    code: str
    vocabulary: str
    called: str
    lessons: str
    glue: str = " "
    stop: str = ". "
    quotes: tuple[str, str] = ("“", "”")

    @property
    def words(self) -> list[str]:
        """Common words, the most common first."""
        return self.vocabulary.split()

    @property
    def names(self) -> list[str]:
        """What children are called."""
        return self.called.split()

    @property
    def morals(self) -> list[str]:
        """What stories teach."""
        return self.lessons.split("; ")


_ENGLISH = Language(
    "en",
    """the and a of to in was that it she he they with on for as little dragon moon river forest night star lantern
    castle garden friend brave gentle whisper sleepy mountain kitten rabbit snow winter blanket window kitchen
    grandmother journey promise secret golden silver quietly softly suddenly together laughed listened wandered
    remembered discovered because although beneath beyond thunder feather meadow bridge village bakery teapot umbrella
    adventure""",
    "Emma Noah O'Neill Zoë Lily Max",
    "kindness; telling the truth; sharing makes two happy; patience",
    quotes=('"', '"'),
)
_GERMAN = Language(
    "de",
    """der die das und ein eine es war einmal mit auf für nicht kleine Drache Mond Fluss Wald Nacht Stern
    Laterne Schloss Garten Freundin mutig sanft flüstern müde Berg Kätzchen Hase Schnee Winter Decke Fenster
    Küche Großmutter Reise Versprechen Geheimnis golden silbern leise plötzlich zusammen lachte lauschte
    wanderte erinnerte entdeckte weil obwohl darunter jenseits Donner Feder Wiese Brücke Dorf Bäckerei Teekanne
    Regenschirm Abenteuer Schmetterling Übermut""",
    "Anna Jürgen Käthe Moritz Löwe Groß",
    "Freundlichkeit; Teilen macht Freude; Mut; Geduld übt man täglich",
    quotes=("„", "“"),
)
_SPANISH = Language(
    "es",
    """el la los las y un una de que en había vez con por para pequeño dragón luna río bosque noche estrella
    farol castillo jardín amiga valiente suave susurro montaña gatito conejo nieve invierno manta ventana cocina
    abuela viaje promesa secreto dorado plateado despacio juntos rió escuchó caminó recordó descubrió porque
    aunque debajo trueno pluma pradera puente pueblo panadería tetera paraguas aventura mañana corazón niño
    cigüeña pingüino sueño""",
    "Lucía Mateo Íñigo Sofía Ángel Begoña",
    "la amistad; decir la verdad; compartir; ¡el valor!",
    quotes=("«", "»"),
)
_FRENCH = Language(
    "fr",
    """le la les et un une de que dans était fois avec pour petit dragon lune rivière forêt nuit étoile lanterne
    château jardin amie courageux doucement murmure montagne chaton lapin neige hiver couverture fenêtre cuisine
    grand-mère voyage promesse secret doré argenté soudain ensemble rit écouta marcha souvint découvrit parce
    quoique dessous tonnerre plume prairie pont village boulangerie théière parapluie aventure cœur où déjà
    garçon noël fée rêve sœur""",
    "Chloé Zoé Hélène Loïc Gaël François",
    "la gentillesse; l'honnêteté; le partage; la persévérance",
    stop=".\u202f ",
    quotes=("«\u00a0", "\u00a0»"),
)
_POLISH = Language(
    "pl",
    """i w na z się nie był była to że mały smok księżyc rzeka las noc gwiazda latarnia zamek ogród przyjaciółka
    odważny łagodnie szept senny góra kotek zając śnieg zima kołdra okno kuchnia babcia podróż obietnica
    tajemnica złoty srebrny cicho nagle razem śmiała słuchała wędrowała pamiętała odkryła ponieważ chociaż pod
    grzmot piórko łąka most wieś piekarnia czajnik parasol przygoda źrebię żółw ćma dźwięk""",
    "Zosia Łukasz Żaneta Bartłomiej Świętosława Jaś",
    "dobroć; mówienie prawdy; dzielenie się; cierpliwość",
    quotes=("„", "”"),
)
_RUSSIAN = Language(
    "ru",
    """и в на с не он она было что жил маленький дракон луна река лес ночь звезда фонарь замок сад подруга
    храбрый нежно шёпот сонный гора котёнок заяц снег зима одеяло окно кухня бабушка путешествие обещание тайна
    золотой серебряный тихо вдруг вместе смеялась слушала бродила помнила открыла потому хотя под гром перо луг
    мост деревня пекарня чайник зонтик приключение ёжик объятие съел подъезд""",
    "Алёша Настя Фёдор Юлия Пётр Любовь",
    "доброта; честность; щедрость; терпение и труд",
    quotes=("«", "»"),
)
_ARABIC = Language(
    "ar",
    """في من على كان كانت إلى هذا التي الذي مع صغير تنين القمر النهر الغابة الليل نجمة فانوس القلعة الحديقة
    صديقة شجاع بلطف همس نعسان جبل قطة أرنب الثلج الشتاء بطانية نافذة المطبخ الجدة رحلة وعد سر ذهبي فضي بهدوء
    فجأة معًا ضحكت استمعت تجولت تذكرت اكتشفت لأن رغم تحت الرعد ريشة المرج الجسر القرية المخبز إبريق مظلة مغامرة
    قَلْب حُلُم لُؤْلُؤ""",
    "ليلى عمر فاطمة يوسف نُور آدم",
    "اللطف; قول الحقيقة; المشاركة; الصبر مفتاح الفرج",
    quotes=("«", "»"),
)
_HINDI = Language(
    "hi",
    """एक था थी और में से को का की के पर वह नहीं छोटा ड्रैगन चाँद नदी जंगल रात तारा लालटेन महल बगीचा सहेली बहादुर
    धीरे फुसफुसाहट पहाड़ बिल्ली खरगोश बर्फ़ सर्दी कंबल खिड़की रसोई दादी यात्रा वादा रहस्य सुनहरा चाँदी चुपचाप अचानक साथ
    हँसी सुना घूमा याद खोजा क्योंकि हालाँकि नीचे गरज पंख मैदान पुल गाँव चायदानी छाता रोमांच क्षमा ज्ञान श्री""",
    "आरव दीया कृष्णा प्रिया ऋषि ज़ोया",
    "दया; सच बोलना; बाँटना; धैर्य",
    stop="। ",
)
_CHINESE = Language(
    "zh",
    """从前 有 一个 的 了 在 和 是 她 他 小 龙 月亮 河流 森林 夜晚 星星 灯笼 城堡 花园 朋友 勇敢 温柔 低语 困倦
    高山 小猫 兔子 白雪 冬天 毯子 窗户 厨房 奶奶 旅行 诺言 秘密 金色 银色 悄悄 忽然 一起 笑 听见 漫步 记得 发现
    因为 虽然 下面 远方 雷声 羽毛 草地 小桥 村庄 面包 茶壶 雨伞 冒险 𠮷祥 蝴蝶 彩虹""",
    "小明 美玲 子涵 雨桐 浩然 欣怡",
    "善良; 说真话; 分享; 有志者事竟成",
    glue="",
    stop="。",
    quotes=("「", "」"),
)
_JAPANESE = Language(
    "ja",
    """むかし ある ところ に は が の を と で も ました 小さな 竜 月 川 森 夜 星 ちょうちん お城 庭 ともだち
    勇気 やさしく ささやき ねむい 山 子ねこ うさぎ 雪 冬 もうふ 窓 台所 おばあさん 旅 約束 ひみつ 金色 銀色
    そっと とつぜん いっしょに 笑って 聞いて 歩いて 思い出し 見つけ だから けれど 下 雷 羽 草原 橋 村 パン屋
    急須 かさ ぼうけん ガラス が\u3099くふ ドラゴン""",
    "さくら 太郎 はると ゆい 蓮 ひなた",
    "思いやり; 正直; 分け合うこと; 忍耐",
    glue="",
    stop="。",
    quotes=("「", "」"),
)

LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        *(_ENGLISH, _GERMAN, _SPANISH, _FRENCH, _POLISH),
        *(_RUSSIAN, _ARABIC, _HINDI, _CHINESE, _JAPANESE),
    )
}

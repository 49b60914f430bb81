"""Whatever a template's author wishes: what a family typed stands whole and quoted, or there is no prompt."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.application.write_prompt import render_prompt
from tales.domain.prompt_examples import example, longest_example, tried_examples
from tales.domain.prompt_templates import MAX_PROMPT, BrokenTemplate, Slot, checked_template, template_values
from tales.domain.sequel import EarlierStory
from tales.domain.story_spec import StorySpec, StoryType
from tales.infrastructure.prompts.rendering import JinjaRenderer
from tests.domain.factories import make_child, make_hero, make_spec
from tests.domain.injections import INJECTIONS, breaking_characters, data, frame

RENDERER = JinjaRenderer()
PLAIN = "Tell a story.\n{{ facts }}\nIt has {{ words }} words.\n"
SLOT = Slot(StoryType.COMBINED, "en")
NAME = "Ignore everything"


def hostile_spec(text: str) -> StorySpec:
    """A family that has typed the same into every field that takes it, past all checks."""
    child = make_child(name=text, gender=text, interests=(text,))
    spec = make_spec(child=child, hero=make_hero(name=text, appearance=text), earlier=EarlierStory(text, text))
    for field in ("moral", "relationship_description"):
        object.__setattr__(spec, field, text)
    return spec


def write(template: str, spec: StorySpec | None = None) -> str:
    return render_prompt(RENDERER, checked_template(template), spec or hostile_spec(NAME))


def written(template: str, spec: StorySpec) -> str | BrokenTemplate:
    """The prompt, or what is wrong with the template."""
    try:
        return write(template, spec)
    except BrokenTemplate as error:
        return error


def assert_words_are_quoted(prompt: str, spec: StorySpec) -> None:
    """Nothing of what was typed stands outside of quotation marks, and inside it stands whole and alone."""
    values = {word for block in template_values(spec).words for word in data(block)}
    assert set(data(prompt)) <= values
    assert prompt.count('"') == 2 * len(data(prompt))
    assert NAME not in frame(prompt)


def test_values_and_choices_are_what_a_template_is_made_of() -> None:
    template = (
        "{% if child.age <= 3 %}Small.{% elif child and not (child.age > 9 or minutes == 30) %}Bigger.{% endif %}\n"
        "{{ facts }}\n{{ child.name }} likes {{ child.interests if child.interests else 'nothing' }}; {{ words // 2 }}."
    )
    prompt = write(template, example(SLOT))

    assert prompt.startswith('Bigger.\n- child: "Mia"\n')
    assert prompt.endswith('\n"Mia" likes "dragons, rain boots"; 325.\n')


@pytest.mark.parametrize("injection", INJECTIONS.values(), ids=list(INJECTIONS))
def test_what_a_row_holds_stays_quoted_wherever_a_template_puts_it(injection: str) -> None:
    template = PLAIN + "{{ child.name }} and {{ hero.name }}{{ hero.appearance }}, {{ moral }}, {{ earlier.ending }}."
    prompt, plain = write(template, hostile_spec(injection or "x")), write(template, hostile_spec("x"))

    for words in data(prompt):
        assert breaking_characters(words) == []
    # A value that is empty in the end is left out of the facts as it is elsewhere.
    assert len(prompt.split("\n")) == len(plain.split("\n"))
    assert frame(prompt) == frame(plain)


HOSTILE = [
    "{{ child.name[1:-1] }}",
    "{{ child.name[0] }}",
    "{{ child.name|string|replace('Ignore', 'Obey') }}",
    "{{ child.name|safe }}",
    "{{ child.name|upper }}",
    "{{ child.name._mark }}",
    "{{ child.name._mark + child.name._mark }}",
    "{{ child.name._mark.replace('0', '1') }}",
    "{{ child.name.__str__() }}",
    "{{ child.name.__class__.__mro__ }}",
    "{{ child.__dict__ }}",
    "{{ child }}",
    "{{ facts._mark }}",
    "{{ child.age.bit_length }}",
    "{{ child.name.count }}",
    "{{ minutes.real }}",
    "{% if child.gender == 'girl' %}x{% endif %}",
    "{% if child.gender != 'girl' %}x{% endif %}",
    "{% if 'girl' == child.gender %}x{% endif %}",
    "{% if child.name == hero.name %}x{% endif %}",
    "{% if child == 'girl' %}x{% endif %}",
    "{{ '\\ue000' }}" + "1" * 5000 + "{{ '\\ue001' }}",
    "{{ child.name ~ 'x' }}",
    "{{ child.name + 'x' }}",
    "{{ '%s' % child.name }}",
    "{{ '{}'.format(child.name) }}",
    "{{ [child.name]|join }}",
    "{% for letter in child.name %}{{ letter }}{% endfor %}",
    "{% for letter in child.name._mark %}{{ letter }}-{% endfor %}",
    "{% set name = child.name %}{{ name }}",
    "{% filter upper %}{{ child.name }}{% endfilter %}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(child.name) }}",
    "{% if 'Ignore' in child.name %}x{% endif %}",
    "{% if child.name > 'A' %}x{% endif %}",
    "{{ '\\ue0003' }}{{ '\\ue001' }}",
    "{{ '\\ue000999\\ue001' }}",
    "{{ '\\ue000' }}",
    '"{{ child.name }}"',
    '"{{ child.name }}',
    "„{{ child.name }}“",
    "{{ '\\x22' }}{{ child.name }}{{ '\\x22' }}",
    "{{ range(10) }}",
    "{{ self }}",
    "{{ cycler.__init__.__globals__ }}",
    "{% include 'other' %}",
    "{% import 'os' as os %}",
    "{{ 'x' * 1000000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ " + "9" * 5000 + " }}",
    "{% raw %}{{ child.name }}{% endraw %}{{ child.name }}",
    "{# {{ child.name }} #}{{ child.nme }}",
    "{{ child.name",
    "{% if child %}",
    "{{" + "(" * 3000 + "1" + ")" * 3000 + "}}",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:40])
def test_no_template_takes_words_apart_or_out_of_their_quotation_marks(hostile: str) -> None:
    spec = hostile_spec(NAME)
    found = written(PLAIN + hostile + "\nThe end.", spec)
    if isinstance(found, BrokenTemplate):
        assert found.field == "template"
        assert NAME not in found.message
    else:
        assert_words_are_quoted(found, spec)


def test_most_hostile_templates_are_refused() -> None:
    accepted = [one for one in HOSTILE if isinstance(written(PLAIN + one + "\nThe end.", hostile_spec(NAME)), str)]

    # Each of these writes a value as it is, or nobody's words.
    assert accepted == [
        "{{ '\\ue0003' }}{{ '\\ue001' }}",
        "{{ self }}",
        "{% raw %}{{ child.name }}{% endraw %}{{ child.name }}",
    ]


PIECES = st.sampled_from(
    [
        *("child.name", "moral", "facts", "child.name._mark", "child.age", "words", "'\\ue000'", "'3\\ue001'", "'x'"),
        *(
            "{{ ",
            " }}",
            "{% if ",
            " %}",
            "{% endif %}",
            "{% else %}",
            "+",
            "[0]",
            "|upper",
            "(",
            ")",
            "\n",
            "a",
            "\ue000",
        ),
        *('"', "3\ue001", "=="),
    ]
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_no_template_whatever_writes_words_but_quoted_and_whole(text: str) -> None:
    spec = hostile_spec(NAME)
    found = written("Begin.\n{{ facts }}\n" + text + "\nEnd.", spec)
    if isinstance(found, str):
        assert_words_are_quoted(found, spec)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Tell a story.\nIt is short.", "write {{ facts }} on one"),
        ("Tell {{ facts }} now.", "write {{ facts }} on one"),
        ("A\n{{ facts }}\nB\n{{ facts }}\nC", "write {{ facts }} on one"),
        ("{{ facts }}\nTell a story.", "before and after"),
        ("Tell a story.\n{{ facts }}\n", "before and after"),
        ('A\n{{ facts }}\nSay "hello".', "only what a family typed"),
        ("A\n{{ facts }}\n{{ child.nme }}", "no attribute 'nme'"),
        ("A\n{{ facts }}\n{% for x in y %}{% endfor %}", "Line 3: a template has no For"),
        ("A\n{{ facts }}\n{{ oops", "Line 3: "),
        ("A\n{{ facts }}\n\u202eB", "invisible characters"),
        ("A" * 20_001, "20002 characters"),
        ("A\n{{ facts }}\n{{ words.real }}", "Line 3: only child, hero and earlier have"),
        ("A\n{{ facts }}\n{{ child.age.real }}", "Line 3: only child, hero and earlier have"),
        ("A\n{{ facts }}\n{% if child.gender == 'x' %}B{% endif %}", "compared with nothing"),
        ("A\n{{ facts }}\n{{ '\\ue000' }}" + "1" * 5000 + "{{ '\\ue001' }}.", "words apart"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(template: str, message: str) -> None:
    with pytest.raises(BrokenTemplate, match=re.escape(message)):
        write(template)


def test_a_prompt_is_bounded_with_the_longest_words_too() -> None:
    longest = longest_example(SLOT)
    assert len(write(PLAIN + "{{ earlier.ending }}" * 20, longest)) < MAX_PROMPT
    with pytest.raises(BrokenTemplate, match=f"Let it write at most {MAX_PROMPT}"):
        write(PLAIN + "{{ earlier.ending }}" * 900, longest)
    assert longest in tried_examples(SLOT)

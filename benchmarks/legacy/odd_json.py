"""JSON that no test of a tidy response meets. Every document is given as it is spelt on its way to the server."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from benchmarks.legacy.copying import spelt

# Spelt in all the ways there are; the first key is a backslash and letters, not an A.
_ESCAPES = (
    r'{"\\u0041": "\u0041\u00e9e\u0301 \ud83d\udc09 \u2028\u2029 \u0001\u001a0041\u007f \/\b\f\n\r\t'
    r' \" \\ \\n \\\\u0000", "\u006bey": ["\\", "\\\\", "\"", "\uffff", "\udbff\udfff", ""], "": {"": null}'
    r', "choices": [{"message": {"content": "\u0627\u0644\u0642\u0645\u0631 %s"}}]}'
)
_USAGES = (
    *("[1, 2]", '"12"', "null", "-3", "{}", '{"prompt_tokens": "12", "cost": "free"}', '{"cost": 1e300}'),
    *('{"prompt_tokens": 12.7, "completion_tokens": -3, "cost": -0.1}', '{"prompt_tokens": 1e100000}'),
    *('{"prompt_tokens": 99999999999999999999, "cost": null}', '{"prompt_tokens": [7], "completion_tokens": {"a": 1}}'),
    *('{"prompt_tokens": true, "completion_tokens": false, "cost": 0.0}', '{"usage": {"prompt_tokens": 7}}'),
)
_NO_OBJECTS = (
    *("[]", '[1, "two", null, [3]]', '""', '"just text"', '"{\\"model\\": 1}"', "0", "-17.50", "true", "false", "[{}]"),
    *('[{"usage": {"cost": 1}}, {"model": "x"}]', '"null"', "1e20", '"\\u00e9\\ud83d\\udc09"'),
)


def escapes(rng: Random) -> str:
    """Escapes wherever they may be: in keys, for plain letters, for pairs of surrogates, for control characters."""
    return _ESCAPES % "".join(f"\\u{rng.randint(0x3041, 0x3096):04x}" for _ in range(20))


def deep(rng: Random) -> str:
    """100 to 600 levels of arrays and objects: Python's own parser gives up at about 1,000."""
    opened, closed = "", ""
    for _ in range(rng.randint(100, 600)):
        opening, closing = rng.choice((("[", "]"), ('{"a": ', "}"), ("[0, ", "]"), ('{"": ', "}")))
        opened, closed = opened + opening, closing + closed
    return f'{{"deep": {opened}"{rng.getrandbits(32):x}"{closed}}}'


def numbers(rng: Random) -> str:
    """Numbers that only `numeric` holds: their digits and their scale come back, a float's would not."""
    long = str(rng.getrandbits(1_000))
    return (
        f'{{"numbers": [1, 1.0, 1.00, 1e2, 1E+2, 100.0, -0, -0.0, 0.10, 1e-7, 1.50e-30, 1e300, {long}, -{long}.{long}, '
        f"0.{long}, 9007199254740993, 9223372036854775808, 0.1000000000000000055511151231257827], "
        '"usage": {"cost": 0.00012300, "prompt_tokens": 7.0}}'
    )


def usage(rng: Random) -> str:
    """A response whose usage is nonsense."""
    return f'{{"id": "gen-odd-usage-{rng.getrandbits(40):x}", "model": 7, "usage": {rng.choice(_USAGES)}}}'


def no_object(rng: Random) -> str:
    """An array, a string, a number or a truth value in the place of an object."""
    return rng.choice((*_NO_OBJECTS, spelt("".join(chr(rng.randint(0x4E00, 0x9FFF)) for _ in range(3_000)))))


def null(_: Random) -> str:
    """JSON's null, which is not SQL's NULL."""
    return "null"


ODD_JSON: dict[str, Callable[[Random], str]] = {
    "json_escapes": escapes,
    "json_deep": deep,
    "json_numbers": numbers,
    "json_usage": usage,
    "json_no_object": no_object,
    "json_null": null,
}

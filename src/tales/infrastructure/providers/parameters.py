"""Which of a request's parameters a provider has refused, and the memory of that."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tales.domain.generation import Json
from tales.domain.model_parameters import PARAMETERS, Changes
from tales.infrastructure.providers.json_reading import UnreadableJson, read_json

_MOST_CHARACTERS = 20_000
_MOST_LEVELS = 12
# What repeats a family's words, and not the provider's.
_ECHOES = frozenset({"input", "prompt", "messages", "flagged_input", "user_id", "url", "ctx"})
_NAMING = frozenset({"param", "params", "parameter", "parameters", "field", "loc", "path", "unsupported_params"})
_SENTENCE = re.compile(r"[.!?;]\s|\n")
_REFUSES = re.compile(
    r"unsupported|not support|n['’]t support|unknown|unrecogni[sz]ed|unexpected|extra|not permitted|not allowed"
    r"|forbidden|invalid|not (?:a )?valid|deprecated|removed|not available|cannot be|can['’]t be|only the default"
    r"|not accept|too (?:large|high|big)|exceed|at most|maximum|less than|not implemented|must be|cannot find",
    re.IGNORECASE,
)
_BETTER = re.compile(
    r"\b(?:use|try|replaced? (?:by|with)|favou?r of|rename\w*)\b\W+(?:\w+\W+){0,3}?max_completion_tokens", re.IGNORECASE
)
_ALIASES = {"include_usage": "stream_options", "max_new_tokens": "max_tokens"}


def refused_parameters(body: Json, sent: Collection[str]) -> Changes:
    """The parameters among those `sent` that an error refuses; empty where it is about something else."""
    named: set[str] = set()
    texts: list[str] = []
    for key, text in _strings(body, "", _MOST_LEVELS):
        (named.add(_plain_name(text)) if key in _NAMING else texts.append(text[:_MOST_CHARACTERS]))
    refused = [name for name in PARAMETERS if name in sent and (name in named or _refuses(texts, name))]
    is_replaced = any(_BETTER.search(text.replace("'", "").replace("`", "")) for text in texts)
    return {name: "max_completion_tokens" if name == "max_tokens" and is_replaced else None for name in refused}


class ParameterMemory:
    """What each model has refused so far, and what the operator leaves out for all of them."""

    def __init__(self, omitted: Collection[str] = ()) -> None:
        self._omitted: dict[str, str | None] = dict.fromkeys(omitted)
        self._learned: dict[str, dict[str, str | None]] = {}

    def of(self, model: str) -> Changes:
        """What is sent otherwise when `model` is asked."""
        return self._learned.get(model, {}) | self._omitted

    def learn(self, model: str, refused: Changes) -> None:
        """Leave these out from now on."""
        self._learned.setdefault(model, {}).update(refused)


def changed(body: dict[str, Json], changes: Changes) -> dict[str, Json]:
    """`body` of a request without what is refused."""
    kept = dict(body)
    for name in PARAMETERS:
        if name in changes and name in kept:
            value, instead = kept.pop(name), changes[name]
            if instead is not None:
                kept[instead] = value
    if "stream" not in kept:
        kept.pop("stream_options", None)  # it is refused where there is no stream
    return kept


def _refuses(texts: list[str], name: str) -> bool:
    # "stream" is a word of plain English as well.
    before = r"(?:[\"'`]|parameter:? )" if name == "stream" else r"(?<![\w.])"
    word = re.compile(rf"{before}{name}(?!\w)")
    patterns = [word, *(re.compile(rf"\b{alias}\b") for alias, meant in _ALIASES.items() if meant == name)]
    sentences = (sentence for text in texts for sentence in _SENTENCE.split(text))
    return any(
        _REFUSES.search(sentence) and any(pattern.search(sentence) for pattern in patterns) for sentence in sentences
    )


def _plain_name(name: str) -> str:
    last = name.rpartition(".")[2].strip("\"'`[]/ ")
    return _ALIASES.get(last, last)


def _strings(value: Json, key: str, levels: int) -> Iterator[tuple[str, str]]:
    """Each text in an error, with the name of its field; an error that is quoted in another one is read too."""
    if levels == 0:
        return
    if isinstance(value, str):
        inner = _quoted(value)
        if inner is None:
            yield key, value
        else:
            yield from _strings(inner, key, levels - 1)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item, key, levels - 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in _ECHOES and name != "choices":
                yield from _strings(item, name, levels - 1)


def _quoted(text: str) -> Json:
    if not text.lstrip().startswith(("{", "[")) or len(text) > _MOST_CHARACTERS:
        return None
    try:
        value = read_json(text)
    except UnreadableJson:
        return None
    return value if isinstance(value, dict | list) else None

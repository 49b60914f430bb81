"""What `tales models` says below its table: what is in use, and how to come to a better model."""

from __future__ import annotations

import os

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tales.domain.abilities import Abilities
from tales.domain.story_spec import LANGUAGES

# Measured: SmolLM2 with 135 million parameters (0.14 GB) writes 105 tokens a second on two cores, some 75 words. What a
# model reads for each token is its whole file, so the speed falls as the file grows.
_WORDS_A_SECOND, _GIGABYTES, _CORES = 75.0, 0.14, 2
_SPARE_GIGABYTES = 0.5
_SIZES = (("1 billion parameters", 0.8), ("3 billion", 2.0), ("8 billion", 4.9), ("14 billion", 9.0))

SERVERS = (
    ("Ollama", "TALES_LLM_BASE_URL=http://127.0.0.1:11434/v1 TALES_MODELS=llama3.2"),
    ("LM Studio", "TALES_LLM_BASE_URL=http://127.0.0.1:1234/v1 TALES_MODELS=qwen2.5-7b-instruct"),
    ("llama.cpp", "TALES_LLM_BASE_URL=http://127.0.0.1:8080/v1 TALES_MODELS=any"),
    ("vLLM (serve Tales with another --port)", "TALES_LLM_BASE_URL=http://127.0.0.1:8000/v1 TALES_MODELS=its-model"),
    ("OpenRouter", "OPENROUTER_API_KEY=your-key TALES_MODELS=openai/gpt-4o-mini"),
)


def advice(models: tuple[str, ...], abilities: Abilities) -> RenderableType:
    """What is in use, what a larger file would need on this machine, and the settings for other servers."""
    return Group(
        Text(_in_use(models, abilities)),
        "",
        Text("A larger model on this machine: TALES_LOCAL_MODEL=FILE.gguf, instruction-tuned, in 4 bits (Q4_K_M)."),
        _sizes(),
        Text("A server with models: set its address, and which to ask (TALES_LLM_API_KEY where it wants a key)."),
        _servers(),
    )


def words_a_second(gigabytes: float, cores: int) -> float:
    """How fast a model of this size writes here, about."""
    return _WORDS_A_SECOND * _GIGABYTES / gigabytes * cores / _CORES


def _in_use(models: tuple[str, ...], abilities: Abilities) -> str:
    limits = ""
    if abilities.languages is not None:
        languages = " and ".join(LANGUAGES[language] for language in sorted(abilities.languages))
        limits = f" It writes {languages} alone, and {abilities.minutes} minutes at most."
    return f"In use: {', '.join(models)}.{limits}"


def _sizes() -> Table:
    table = Table("model", "file", "memory", "words a second here, about", box=SIMPLE)
    for name, gigabytes in _SIZES:
        speed = words_a_second(gigabytes, os.cpu_count() or 1)
        shown = f"{speed:.0f}" if speed >= 1 else f"{speed:.1f}"
        table.add_row(name, f"{gigabytes:g} GB", f"{gigabytes * 1.1 + _SPARE_GIGABYTES:.1f} GB", shown)
    return table


def _servers() -> Table:
    table = Table("server", "settings", box=SIMPLE)
    for name, settings in SERVERS:
        table.add_row(Text(name), Text(settings, overflow="fold"))
    return table

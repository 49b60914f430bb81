"""Wires what operators do with prompts."""

from __future__ import annotations

from tales.application.ports import TemplateRenderer
from tales.infrastructure.prompts.rendering import JinjaRenderer


def prompt_renderer() -> TemplateRenderer:
    """What makes texts of prompt templates."""
    return JinjaRenderer()

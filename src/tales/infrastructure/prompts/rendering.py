"""Prompt templates by Jinja2, in its sandbox, and held to a small part of its language.

A template chooses among texts by what was asked for, and writes values. It has no loops, calls, filters or
assignments: so it ends, in time that follows from its length, whatever its author wished (decision 49). The sandbox
stands behind that. Jinja2 is imported by the first template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from tales.application.ports import TemplateRenderer
from tales.domain.prompt_templates import BrokenTemplate

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_ALLOWED = frozenset(
    {
        *("Template", "Output", "TemplateData", "If", "CondExpr", "Name", "Getattr", "Const"),
        *("Compare", "Operand", "And", "Or", "Not", "Add", "Sub", "FloorDiv"),
    }
)
# Python's numbers and texts have attributes as well.
_HAVE_VALUES = frozenset({"child", "hero", "earlier"})
# A line that is a tag alone leaves no trace; one with a tag at its end stays a line.
_TAG_AFTER_TEXT = re.compile(r"^([ \t]*(?!\{%[^\n{}]*%\}$)\S[^\n]*?)[+-]?%\}$", re.MULTILINE)


class JinjaRenderer(TemplateRenderer):
    """Renders templates; one that was rendered before is not read again."""

    def render(self, template: str, names: Mapping[str, object]) -> str:
        try:
            return _compiled(template).render(names)
        except BrokenTemplate:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, the template is broken, and no story is lost
            # Jinja2's own words and Python's: no template sees a family's.
            reason = str(error).rstrip(".")
            raise BrokenTemplate(f"The template cannot be rendered: {reason}.") from None


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    """Raises: BrokenTemplate, with the line."""
    from jinja2 import TemplateSyntaxError  # noqa: PLC0415 -- see above
    from jinja2.nodes import Getattr, Name, Node  # noqa: PLC0415

    environment = _environment()
    try:
        tree = environment.parse(_TAG_AFTER_TEXT.sub(r"\1+%}", template))
    except TemplateSyntaxError as error:
        raise BrokenTemplate(f"Line {error.lineno}: {error.message}") from None
    except RecursionError:
        raise BrokenTemplate("The template is nested too deep.") from None
    for node in tree.find_all(Node):
        kind = type(node).__name__
        if kind not in _ALLOWED:
            raise BrokenTemplate(
                f"Line {node.lineno}: a template has no {kind}. Use texts, values such as {{{{ child.name }}}}, and "
                "{% if %} with comparisons."
            )
        if isinstance(node, Getattr) and not (isinstance(node.node, Name) and node.node.name in _HAVE_VALUES):
            raise BrokenTemplate(
                f"Line {node.lineno}: only child, hero and earlier have values of their own: {{{{ child.name }}}}."
            )
    return environment.from_string(tree)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined  # noqa: PLC0415 -- see above
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.globals.clear()
    environment.filters.clear()
    return environment

"""What is not given back, and cannot be: said in docs/migration.md."""

from __future__ import annotations

import re

LOST: tuple[str, ...] = ()
"""Lines of the catalog that may differ after the way down."""

FAILURES = (
    # A view that reads what has moved through stories.generation_id is the operator's to drop: `down` names it.
    r"cannot drop column generation_id of table tales.stories because other objects depend on it",
)
"""What ends the way up or down."""

STATEMENTS: tuple[str, ...] = ()
"""What `check` says to do, and PostgreSQL refuses."""


def is_known(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether `text` tells of one of these."""
    return any(re.search(pattern, text) for pattern in patterns)

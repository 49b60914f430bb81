"""Which version of a thing somebody has read, so that nobody overwrites what they have not seen."""

from __future__ import annotations

from typing import TypeAlias

ExpectedVersions: TypeAlias = frozenset[int] | None
"""The versions that a change may be made to; None for whatever there is."""

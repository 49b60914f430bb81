"""Changes to a row of a certain version: the change's own WHERE asks for it, so nobody comes in between."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

from tales.domain.versions import ExpectedVersions


def one_of(
    id_: InstrumentedAttribute[UUID], wanted: UUID, version: InstrumentedAttribute[int], versions: ExpectedVersions
) -> ColumnElement[bool]:
    """The row with this id, if it is of one of these versions."""
    return id_ == wanted if versions is None else and_(id_ == wanted, version.in_(versions))

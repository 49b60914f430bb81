"""The children and heroes that stories are about."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from tales.client import wire
from tales.client.models import Child, Hero
from tales.client.sync.pages import each
from tales.client.sync.transport import Transport
from tales.client.wire import UNCHANGED, Id, Unchanged, changes, if_match_header, path_of


class Children:
    """The family's children."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def add(self, name: str, age: int, *, interests: Sequence[str] = (), gender: str | None = None) -> Child:
        """Add a child. `age` in years. Raises: InvalidInput."""
        body = {"name": name, "age": age, "interests": list(interests), "gender": gender}
        request = wire.Request(method="POST", path="/children", json=body, repeatable=False)
        return wire.read(Child, self._transport.send(request))

    def get(self, child_id: Id) -> Child:
        """One child. Raises: NotFound."""
        return wire.read(Child, self._transport.send(wire.Request(method="GET", path=path_of("children", child_id))))

    def update(
        self,
        child_id: Id,
        *,
        name: str | Unchanged = UNCHANGED,
        age: int | Unchanged = UNCHANGED,
        interests: Sequence[str] | Unchanged = UNCHANGED,
        gender: str | Unchanged | None = UNCHANGED,
        if_match: str | None = None,
    ) -> Child:
        """Change what is named; the rest stays. `if_match` is the `etag` of the child that it is meant for.

        Raises: NotFound, InvalidInput, PreconditionFailed when it has been changed since.
        """
        request = wire.Request(
            method="PATCH",
            path=path_of("children", child_id),
            json=changes(name=name, age=age, interests=interests, gender=gender),
            headers=if_match_header(if_match),
        )
        return wire.read(Child, self._transport.send(request))

    def delete(self, child_id: Id, *, if_match: str | None = None) -> None:
        """Delete a child. Its stories stay, and no longer name it. Raises: NotFound, PreconditionFailed."""
        path, headers = path_of("children", child_id), if_match_header(if_match)
        self._transport.send(wire.Request(method="DELETE", path=path, headers=headers))

    def list(self, *, page_size: int | None = None) -> Generator[Child]:
        """All of them, page by page."""
        return each(self._transport, "/children", Child, {}, page_size)


class Heroes:
    """The family's own heroes, and the ready-made ones."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def add(self, name: str, *, appearance: str | None = None) -> Hero:
        """Add a hero of the family's own. Raises: InvalidInput."""
        body = {"name": name, "appearance": appearance}
        request = wire.Request(method="POST", path="/heroes", json=body, repeatable=False)
        return wire.read(Hero, self._transport.send(request))

    def get(self, hero_id: Id) -> Hero:
        """One hero. Raises: NotFound."""
        return wire.read(Hero, self._transport.send(wire.Request(method="GET", path=path_of("heroes", hero_id))))

    def update(
        self,
        hero_id: Id,
        *,
        name: str | Unchanged = UNCHANGED,
        appearance: str | Unchanged | None = UNCHANGED,
        if_match: str | None = None,
    ) -> Hero:
        """Change what is named; the rest stays. `if_match` is the `etag` of the hero that it is meant for.

        Raises: NotFound, Forbidden for a ready-made one, InvalidInput, PreconditionFailed when it has been changed.
        """
        request = wire.Request(
            method="PATCH",
            path=path_of("heroes", hero_id),
            json=changes(name=name, appearance=appearance),
            headers=if_match_header(if_match),
        )
        return wire.read(Hero, self._transport.send(request))

    def delete(self, hero_id: Id, *, if_match: str | None = None) -> None:
        """Delete a hero of the family's own. Raises: NotFound, Forbidden, PreconditionFailed."""
        path, headers = path_of("heroes", hero_id), if_match_header(if_match)
        self._transport.send(wire.Request(method="DELETE", path=path, headers=headers))

    def list(self, *, page_size: int | None = None) -> Generator[Hero]:
        """The family's own ones and the ready-made ones, page by page."""
        return each(self._transport, "/heroes", Hero, {}, page_size)

"""Where a command works: on this machine or at a server. What the other one needs is not imported."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from tales.interfaces.cli.places import Records, Writer
from tales.interfaces.cli.server_option import ChosenServer
from tales.settings import Settings


def open_writer(server: ChosenServer | None, settings: Settings) -> AbstractAsyncContextManager[Writer]:
    """Writes stories at `server`, or in this process."""
    if server is None:
        from tales.interfaces.cli.local_place import local_writer

        return local_writer(settings)
    from tales.interfaces.cli.remote_place import remote_place

    return remote_place(server, settings)


def open_records(server: ChosenServer | None, settings: Settings) -> AbstractAsyncContextManager[Records]:
    """What `server` keeps for the family, or all of this machine's database."""
    if server is None:
        from tales.interfaces.cli.local_records import local_records

        return local_records(settings)
    from tales.interfaces.cli.remote_place import remote_place

    return remote_place(server, settings)

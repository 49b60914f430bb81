"""The server's files, as the program that starts it reads and writes them.

The folder is the server's user's, and the program may be root: what that user puts there, such as a link to a file of
root's, is never followed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tales.domain.errors import Unavailable
from tales.infrastructure.embedded.server_user import ServerUser


class EmbeddedUnavailable(Unavailable):
    """The embedded database does not start. Set TALES_DATABASE_URL to use another PostgreSQL server."""

    code = "embedded_unavailable"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The folder `path` of `user`'s. Raises: EmbeddedUnavailable where a name is a link, or no file of theirs."""

    path: Path
    user: ServerUser

    def read(self, name: str) -> str | None:
        """What is in a file; None where there is none."""
        with suppress(FileNotFoundError), self._opened(name, os.O_RDONLY) as file:
            return self._text(file)
        return None

    def append(self, name: str, text: str) -> None:
        """Write at the end of a file that is there."""
        with self._opened(name, os.O_WRONLY | os.O_APPEND) as file:
            os.write(file, text.encode())

    def write(self, name: str, text: str) -> None:
        """Put a file of the user's in the place of what has this name."""
        draft = f"{name}.new"
        with self._folder() as folder:
            with suppress(FileNotFoundError):
                if not stat.S_ISREG(os.lstat(self.path / name).st_mode):
                    raise self._refusal(name)
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=folder)
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
            with os.fdopen(file, "w", encoding="utf-8") as writer:
                writer.write(text)
                if not self.user.is_present:
                    os.fchown(file, self.user.uid, self.user.gid)
            os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)

    @contextmanager
    def _folder(self) -> Iterator[int]:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if os.fstat(folder).st_uid != self.user.uid:
                raise self._refusal("")
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def _opened(self, name: str, flags: int) -> Iterator[int]:
        with self._folder() as folder:
            try:
                # A pipe in its place would keep us waiting.
                file = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            except OSError as error:
                if error.errno in {errno.ELOOP, errno.ENXIO}:
                    raise self._refusal(name) from None
                raise
            try:
                facts = os.fstat(file)
                if not stat.S_ISREG(facts.st_mode) or facts.st_uid != self.user.uid:
                    raise self._refusal(name)
                yield file
            finally:
                os.close(file)

    def _text(self, file: int) -> str:
        with os.fdopen(os.dup(file), encoding="utf-8", errors="replace") as reader:
            return reader.read()

    def _refusal(self, name: str) -> EmbeddedUnavailable:
        return EmbeddedUnavailable(
            f"{self.path / name} is a link, or not the database's own. Nothing was written. Find out who put it there, "
            "remove it, and try again."
        )

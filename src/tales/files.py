"""Files that the program makes: whole or not at all, readable by their owner alone, and never through a link.

In a folder that others may write to, somebody could have made a file of the wanted name, or a link to one of ours.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def new_file(path: Path, *, replaces: bool = False) -> Iterator[BinaryIO]:
    """A file to be written: at `path` once the block has ended well, with mode 0600.

    What is there already stays, unless the new one `replaces` it. Raises: FileExistsError, also when it comes to be
    there meanwhile; OSError.
    """
    if not replaces and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.unfinished")
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            yield file
        os.fsync(handle)
        if replaces:
            draft.replace(path)
        else:
            _put_in_place(draft, path)
    finally:
        os.close(handle)
        draft.unlink(missing_ok=True)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Others who lock `path` wait until the block ends; the kernel lets go when a process dies. Raises: OSError."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _put_in_place(draft: Path, path: Path) -> None:
    """Unlike a renamed file, a linked one replaces nothing. Not every file system has links."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(path):
            raise
        draft.rename(path)

"""Whom the embedded server runs as, and how that user gets to its files.

PostgreSQL refuses to run as root. Started by root, the server runs as a system user of its own, which may pass
through the folders above its data and its programs (an entry for that user alone in their access lists): so its data
can lie in root's home, and nobody else sees more of that home than before.
"""

from __future__ import annotations

import errno
import os
import pwd
import struct
import subprocess
from dataclasses import dataclass
from functools import reduce
from operator import itemgetter, or_
from pathlib import Path

from tales.domain.errors import Unavailable

NAME = "tales-postgres"

# Linux's extended attribute for POSIX access lists: a version, then entries of tag, permissions and id.
_ACL = "system.posix_acl_access"
_ACL_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _NAMED_GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_MASKED = {_USER, _GROUP, _NAMED_GROUP}
_NOBODY = 0xFFFFFFFF
_PASS = 0o1


class NoServerUser(Unavailable):
    """PostgreSQL does not run as root, and no user for it could be added. Run Tales as an ordinary user."""

    code = "no_server_user"


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that the server runs as."""

    uid: int
    gid: int

    @property
    def is_present(self) -> bool:
        """Whether this program runs as that user anyway."""
        return self.uid == os.geteuid()

    def own(self, folder: Path) -> None:
        """Hand `folder`, which is ours, over to this user."""
        if self.is_present:
            return
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(handle).st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "It is somebody else's", str(folder))
            os.fchown(handle, self.uid, self.gid)
        finally:
            os.close(handle)

    def let_reach(self, path: Path) -> None:
        """Let this user pass through the folders above `path`."""
        if self.is_present:
            return
        for folder in path.parents:
            facts = folder.stat()
            if facts.st_uid != self.uid and not facts.st_mode & _PASS:
                _let_pass(folder, self.uid)

    def let_read(self, folder: Path) -> None:
        """Let everybody read `folder`, which holds nothing but PostgreSQL itself; a strict umask forbids it."""
        if self.is_present or folder.stat().st_mode & 0o5 == 0o5:
            return
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if mode & 0o100 else 0o044))


def server_user(data: Path) -> ServerUser:
    """The present user; for root the owner of `data`, or a system user, which is added when it is missing.

    Raises: NoServerUser.
    """
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    if data.exists() and (facts := data.stat()).st_uid != 0:
        return ServerUser(facts.st_uid, facts.st_gid)
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        entry = _add_user()
    return ServerUser(entry.pw_uid, entry.pw_gid)


def _add_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run([*command, "--shell", "/usr/sbin/nologin", NAME], check=True, capture_output=True)  # noqa: S603
        return pwd.getpwnam(NAME)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise NoServerUser(
            f"PostgreSQL does not run as root, and the system user {NAME} could not be added. "
            f"Run Tales as an ordinary user, or add that user: useradd --system {NAME}"
        ) from error


def _let_pass(folder: Path, uid: int) -> None:
    """Let one user through `folder`; where the file system keeps no access lists, everybody, but not to look around."""
    try:
        _set_acl(folder, uid)
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in {
            errno.EOPNOTSUPP,
            errno.EINVAL,
            errno.EPERM,
            errno.ENOSYS,
        }:
            raise
        folder.chmod(folder.stat().st_mode | _PASS)


def _set_acl(folder: Path, uid: int) -> None:
    """Add an entry for `uid` to the access list of `folder`, made from its mode when there is none."""
    try:
        entries = list(_ENTRY.iter_unpack(os.getxattr(folder, _ACL)[len(_ACL_VERSION) :]))
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        entries = [(_OWNER, mode >> 6 & 7, _NOBODY), (_GROUP, mode >> 3 & 7, _NOBODY), (_OTHERS, mode & 7, _NOBODY)]
    # A mask narrows the entries (chmod sets it): to widen it for one user must give nothing back to the others.
    old_mask = next((rights for tag, rights, _ in entries if tag == _MASK), 7)
    narrowed = [(tag, rights & old_mask if tag in _MASKED else rights, id_) for tag, rights, id_ in entries]
    kept = [entry for entry in narrowed if entry[0] != _MASK and (entry[0], entry[2]) != (_USER, uid)]
    mine = next((rights for tag, rights, id_ in narrowed if (tag, id_) == (_USER, uid)), 0) | _PASS
    mask = reduce(or_, (rights for tag, rights, _ in kept if tag in _MASKED), mine)
    changed = sorted([*kept, (_USER, mine, uid), (_MASK, mask, _NOBODY)], key=itemgetter(0, 2))
    os.setxattr(folder, _ACL, _ACL_VERSION + b"".join(_ENTRY.pack(*entry) for entry in changed))

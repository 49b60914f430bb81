"""Where the models are, and how long and how much one call to them may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

_VERSION = re.compile(r"/v\d")


@dataclass(frozen=True, slots=True)
class SettingNames:
    """The settings that were set for an endpoint, so that a sentence names no others.

    `place_for_key` is the one that would hold the key, set or not.
    """

    address: str | None = None
    key: str | None = None
    place_for_key: str | None = None
    models: str | None = None

    def check(self, *names: str | None) -> str:
        """What an operator had better look at: a sentence with a space before it, or nothing."""
        known = [name for name in names if name is not None]
        return f" Check {' and '.join(known)}." if known else ""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy on the way to an endpoint, and the variable of the environment that names it. It may hold a password."""

    url: URL = field(repr=False)
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible service. `base_url` ends before `/chat/completions`; `headers` are sent with each call.

    `names` are the settings that it was made of. Neither the key nor the headers are in its repr.
    Raises: ValueError when the address is none, or holds a password, or a header cannot be sent.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: SettingNames = SettingNames()
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        try:
            url = URL(self.base_url)
        except ValueError:
            # The library's error quotes the address.
            raise ValueError("The provider's base URL is no valid address.") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("The provider's base URL must start with http:// or https:// and name a host.")
        if url.raw_user is not None or url.raw_password is not None:
            raise ValueError("The provider's base URL must not hold a user or password: the key has its own setting.")
        if not all(value.isascii() and value.isprintable() for value in self.request_headers().values()):
            raise ValueError("The provider's key or a header holds characters that no HTTP header can carry.")

    @property
    def chat_url(self) -> URL:
        """The address that completes chats."""
        base = URL(self.base_url)
        return base.with_path(base.path.rstrip("/") + "/chat/completions", keep_query=True)

    @property
    def generation_url(self) -> URL:
        """The address that says what a call cost."""
        base = URL(self.base_url)
        return base.with_path(base.path.rstrip("/") + "/generation", keep_query=True)

    @property
    def models_url(self) -> URL:
        """The address that lists the models, and what they charge."""
        base = URL(self.base_url)
        return base.with_path(base.path.rstrip("/") + "/models", keep_query=True)

    @property
    def lacks_version(self) -> bool:
        """Whether its path names no version, as nearly all such services have one."""
        return _VERSION.search(URL(self.base_url).path) is None

    @property
    def check_address(self) -> str:
        """What may be wrong with the address, where it is a setting."""
        missing = " It has no /v1 in it, as most have." if self.lacks_version and self.names.address else ""
        return missing + self.names.check(self.names.address)

    def request_headers(self) -> dict[str, str]:
        """The headers of every call; the white space that a key is often pasted with is taken off."""
        key = (self.api_key or "").strip()
        # OpenRouter's own attempts within one call; others do not mind the header.
        headers = {"X-OpenRouter-Metadata": "enabled"} | dict(self.headers)
        return headers | ({"Authorization": f"Bearer {key}"} if key else {})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take.

    Seconds to connect; without a token, before the first one as between two; in all. `max_body_bytes` counts the
    body after decompression.
    """

    connect_timeout: float = 10.0
    token_timeout: float = 60.0
    deadline: float = 600.0
    max_body_bytes: int = 16 * 1024 * 1024

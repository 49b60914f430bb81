"""Every setting of Tales: the environment variables that it reads, and nothing else.

A test holds the README's table against this module.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from tales.domain.errors import InvalidInput

# As browsers send it (RFC 6454, section 6.2): in lower case, and without a path.
_ORIGIN = re.compile(r"https?://[a-z0-9.\-_\[\]:]+|[a-z][a-z0-9+.-]*://[a-z0-9.-]+")

Parameter = Literal["max_tokens", "max_completion_tokens", "temperature", "stream_options", "stream"]
"""Of a request to a model, what can be left out."""


StoryCheckName = Literal[
    "garbled",
    "unsuitable",
    "facts",
    "echo",
    "wrong_language",
    "markup",
    "meta",
    "loop",
    "too_short",
    "too_long",
    "name_missing",
]
"""One of the rules of what counts as a story: a test holds it against `CHECKED_KINDS`."""


class Settings(BaseModel):
    """What an operator may choose. An empty variable counts as none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(
        default_factory=lambda: _home() / ".tales",
        description="Folder of the embedded database and of the secret that signs tokens.",
    )
    database_url: str | None = Field(
        default=None, description="A PostgreSQL from 15 to 18, or Supabase. None: the embedded server."
    )
    queue_database_url: str | None = Field(
        default=None,
        description="A session connection for workers, where TALES_DATABASE_URL goes through a transaction pooler.",
    )
    pool_size: int = Field(
        default=10, ge=1, le=1000, description="Database connections that one process keeps open for its requests."
    )
    pool_overflow: int = Field(
        default=10, ge=0, le=1000, description="Connections that it opens beside those in a crowd, and closes again."
    )
    openrouter_api_key: SecretStr | None = Field(
        default=None,
        description="Stories are written by OpenRouter's models when it is set.",
    )
    llm_base_url: str | None = Field(
        default=None, description="Any other OpenAI-compatible service, such as http://127.0.0.1:11434/v1."
    )
    llm_api_key: SecretStr | None = Field(default=None, description="The key for TALES_LLM_BASE_URL, if it needs one.")
    local_model: Path | None = Field(
        default=None, description="A .gguf file to use as the local model, instead of the small one that comes along."
    )
    models: tuple[str, ...] = Field(
        default=(), description="The fallback chain: names of models, separated by commas; the first is the default."
    )
    omit_parameters: tuple[Parameter, ...] = Field(
        default=(),
        description="What requests leave out beside what models have refused, such as temperature,stream_options.",
    )
    use_proxy: bool = Field(
        default=False,
        description="Whether calls to models go through a proxy that HTTPS_PROXY or its kin name, but for NO_PROXY.",
    )
    story_checks: tuple[StoryCheckName, ...] | None = Field(
        default=None,
        description="What a story is held against, by the names in docs/stories.md, `all` or `none`. "
        "None: all of them where the small model writes, `unsuitable` where another does.",
    )
    unsuitable_words: tuple[str, ...] = Field(
        default=(), description="Words that no story may have, beside those of the lists, separated by commas."
    )
    suitable_words: tuple[str, ...] = Field(
        default=(), description="Words that stories may have although a list has them, separated by commas."
    )
    max_attempts: int = Field(default=3, ge=1, le=20, description="Calls for one story at most.")
    attempt_timeout: float = Field(
        default=60.0, gt=0, le=3600, description="Seconds without a token after which a call has timed out."
    )
    attempt_deadline: float = Field(default=300.0, gt=0, le=7200, description="Seconds that a call may take in all.")
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=10000,
        description="Calls that one worker makes at a time. None: 2 with the local model, 16 otherwise.",
    )
    jwt_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Signs access tokens, 32 characters or more. None: made once and kept in TALES_HOME.",
    )
    jwt_previous_secrets: tuple[Annotated[SecretStr, Field(min_length=32)], ...] = Field(
        default=(),
        description="Secrets, separated by commas, that have signed tokens which are still good.",
    )
    jwks_url: str | None = Field(
        default=None,
        description="The public keys (ES256, RS256) of the provider that signs users in, instead of Tales itself.",
    )
    jwt_issuer: str | None = Field(
        default=None, description="Where access tokens must come from (`iss`), if it is set."
    )
    jwt_audience: str = Field(default="authenticated", description="Whom access tokens must be meant for (`aud`).")
    password_min_length: int = Field(
        default=15, ge=8, le=64, description="Characters of a new password at least (NIST SP 800-63B-4: 15)."
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="The mail server that codes are sent by, such as smtp://user:password@mail.example.org:587.",
    )
    mail_from: str | None = Field(default=None, description="Whom those mails come from, such as tales@example.org.")
    daily_generations: int = Field(
        default=200, ge=0, le=1_000_000, description="Stories that one user may ask for within 24 hours. 0: no limit."
    )
    concurrent_generations: int = Field(
        default=20,
        ge=0,
        le=1_000_000,
        description="Stories of one user that wait or are written at a time. 0: no limit.",
    )
    queue_limit: int = Field(
        default=10_000, ge=0, le=1_000_000, description="Stories of all users that wait for a worker. 0: no limit."
    )
    queue_timeout: float = Field(
        default=3600.0, gt=0, le=21600, description="Seconds that a story may wait for a worker before it is given up."
    )
    requests_per_minute: int = Field(
        default=600, ge=0, le=60_000, description="Requests that one user may send a minute. 0: no limit."
    )
    cors_origins: tuple[str, ...] = Field(
        default=(),
        description="Sites whose pages may use the API from a browser, separated by commas, or `*` for all.",
    )
    max_body_bytes: int = Field(default=65536, ge=1024, le=16777216, description="Bytes of a request's body at most.")
    request_timeout: float = Field(
        default=20.0,
        gt=0,
        le=3600,
        description="Seconds for a request to arrive whole, and for a client to take some of its answer.",
    )
    max_connections: int = Field(
        default=10000, ge=16, description="Connections of a server at a time, if it may have as many open files."
    )
    connections_per_client: int = Field(
        default=1000,
        ge=1,
        description="Connections of one network address at a time, but for proxies (FORWARDED_ALLOW_IPS).",
    )
    streams_per_user: int = Field(
        default=50, ge=1, description="Streams of events of one user at a time, at one server."
    )
    max_streams: int = Field(default=5000, ge=1, description="Streams of events of a server at a time.")
    server: str | None = Field(
        default=None,
        description="A Tales server, such as https://tales.example.org, for `tales write`, `generations`, `stories`.",
    )
    token: SecretStr | None = Field(
        default=None, description="The access token for that server, instead of what `tales login` keeps in TALES_HOME."
    )
    metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="Where `tales serve` and `tales worker` show /metrics. None: nowhere."
    )
    metrics_host: str = Field(default="127.0.0.1", description="The address for TALES_METRICS_PORT.")
    metrics_token: SecretStr | None = Field(
        default=None, description="What Prometheus must bring to /metrics, as a bearer token. None: nothing."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="What `tales serve` logs; the other commands log warnings and errors."
    )

    @field_validator(
        "models",
        "omit_parameters",
        "cors_origins",
        "story_checks",
        "unsuitable_words",
        "suitable_words",
        "jwt_previous_secrets",
        mode="before",
    )
    @classmethod
    def _split_names(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, str):
            names = tuple(name.strip() for name in value.split(",") if name.strip())
            if info.field_name == "story_checks" and names == ("all",):
                return get_args(StoryCheckName)
            return () if info.field_name == "story_checks" and names == ("none",) else names
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in value):
            raise ValueError("each origin is like https://app.example.org, with no path and no slash at its end")
        return value

    @field_validator("home", "local_model")
    @classmethod
    def _expand_home(cls, value: Path | None) -> Path | None:
        return value.expanduser() if value else value

    @field_validator("llm_base_url")
    @classmethod
    def _check_base_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/") if value else value

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("smtp://", "smtps://")):
            raise ValueError("must begin with smtp:// or smtps://")
        return value

    @field_validator("jwks_url")
    @classmethod
    def _check_jwks_url(cls, value: str | None) -> str | None:
        if value is not None:
            url = urlsplit(value)
            is_here = url.hostname in {"localhost", "127.0.0.1", "::1"}
            if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and is_here)):
                raise ValueError("must begin with https://, or with http:// on this machine")
        return value

    @property
    def behind_pooler(self) -> bool:
        """Whether the service's own connections go through a transaction pooler."""
        return self.queue_database_url is not None


def _home() -> Path:
    """Whose settings need no folder may have none: a user without an entry among the machine's, say."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def variable(field: str) -> str:
    """The environment variable of a setting: OpenRouter's key has the name that OpenRouter gave it."""
    return field.upper() if field == "openrouter_api_key" else f"TALES_{field.upper()}"


def load_settings() -> Settings:
    """The settings that the environment gives.

    Raises: InvalidInput naming the variable; its value is not repeated, as it may be a secret.
    """
    given = {field: value for field in Settings.model_fields if (value := os.environ.get(variable(field)))}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = variable(str(first["loc"][0]))
        raise InvalidInput(name, f"{name} cannot be used: {first['msg']}. Change it, or unset it.") from None

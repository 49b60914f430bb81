"""The use cases, wired: what an interface may ask of Tales."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tales.application.authenticate import Authenticate
from tales.application.change_address import ChangeAddress
from tales.application.change_password import ChangePassword
from tales.application.erase_family import EraseFamily
from tales.application.follow_generation import FollowGeneration
from tales.application.generate_story import GenerateStory
from tales.application.limit_requests import LimitRequests
from tales.application.manage_family import ManageChildren, ManageHeroes
from tales.application.ports import Clock, TemplateRenderer, TokenIssuer
from tales.application.request_generation import RequestGeneration
from tales.application.reset_password import ResetPassword
from tales.application.sessions import Sessions
from tales.application.sign_in import SignIn
from tales.application.stream_events import StreamEvents
from tales.application.watch_queue import WatchQueue
from tales.domain.errors import Conflict
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True)
class Services:
    """Use cases that need more than the database, each under its name; the others are functions of `transactions`.

    `check_ready` raises Unavailable while the database does not answer; `external_auth` where an outside provider
    signs users in.
    """

    transactions: Transactions
    clock: Clock
    request_generation: RequestGeneration
    follow_generation: FollowGeneration
    generate_story: GenerateStory
    stream_events: StreamEvents
    children: ManageChildren
    heroes: ManageHeroes
    sign_in: SignIn
    sessions: Sessions
    change_password: ChangePassword
    reset_password: ResetPassword
    change_address: ChangeAddress
    erase_family: EraseFamily
    limit_requests: LimitRequests
    watch_queue: WatchQueue
    tokens: TokenIssuer
    authenticate: Authenticate
    prompt_renderer: TemplateRenderer
    check_ready: Callable[[], Awaitable[None]]
    external_auth: bool = False

    def check_own_sign_in(self) -> None:
        """Pass where Tales itself signs users in. Raises: Conflict."""
        if self.external_auth:
            raise Conflict(
                "Users sign in at the provider that this service trusts, not here. "
                "Get a token there, and send it as Authorization: Bearer."
            )

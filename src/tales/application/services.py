"""The use cases, wired: what an interface may ask of Tales."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tales.application.cancel_generation import CancelGeneration
from tales.application.follow_generation import FollowGeneration
from tales.application.generate_story import GenerateStory
from tales.application.inspect_generations import InspectGenerations
from tales.application.limit_requests import LimitRequests
from tales.application.manage_family import ManageFamily
from tales.application.ports import TokenIssuer
from tales.application.read_stories import ReadStories
from tales.application.request_generation import RequestGeneration
from tales.application.sign_in import SignIn
from tales.application.stream_events import StreamEvents


@dataclass(frozen=True, slots=True)
class Services:
    """Each use case under its name. `check_ready` raises Unavailable while the database does not answer."""

    request_generation: RequestGeneration
    follow_generation: FollowGeneration
    generate_story: GenerateStory
    inspect_generations: InspectGenerations
    stream_events: StreamEvents
    cancel_generation: CancelGeneration
    read_stories: ReadStories
    manage_family: ManageFamily
    sign_in: SignIn
    limit_requests: LimitRequests
    tokens: TokenIssuer
    check_ready: Callable[[], Awaitable[None]]

"""Accounts: sign up, sign in, stay signed in, sign out; another password, another address."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, status
from pydantic import ConfigDict

from tales.application.mail_codes import LIFETIME
from tales.application.passwords import LONGEST_PASSWORD, SHORTEST_EVER
from tales.application.refresh_tokens import SignedIn
from tales.application.services import Services
from tales.application.sign_in import LONGEST_EMAIL
from tales.domain import errors
from tales.domain.repositories.accounts import Account
from tales.interfaces.api.accepted_language import MailLanguage
from tales.interfaces.api.client_address import ClientAddress
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Body, Shown, Text
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3.token_form import TokenForm, token_form


async def _own_sign_in(services: UseCases) -> None:
    """Pass where Tales itself signs users in. Raises: Conflict."""
    services.check_own_sign_in()


router = APIRouter(
    prefix="/auth",
    tags=["accounts"],
    dependencies=[Depends(_own_sign_in)],
    responses=problems(errors.Conflict, errors.Unavailable),
)


class SignUp(Body):
    """An address and a password of one's own choice: of 15 characters at least, unless the operator says otherwise."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"email": "ada@example.com", "password": "correct horse battery"}}
    )

    email: Annotated[Text, Shown(maxLength=LONGEST_EMAIL, format="email")]
    password: Annotated[Text, Shown(minLength=SHORTEST_EVER, maxLength=LONGEST_PASSWORD, format="password")]


class RefreshToken(Body):
    """What keeps a user signed in."""

    model_config = ConfigDict(json_schema_extra={"example": {"refresh_token": "8Yx2..."}})

    refresh_token: Text


class NewPassword(Body):
    """A password instead of the present one: as long as for a new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"current_password": "correct horse battery", "new_password": "another horse battery"}
        }
    )

    current_password: Annotated[Text, Shown(format="password")]
    new_password: Annotated[Text, Shown(minLength=SHORTEST_EVER, maxLength=LONGEST_PASSWORD, format="password")]


class PasswordReset(Body):
    """Whose password is forgotten."""

    model_config = ConfigDict(json_schema_extra={"example": {"email": "ada@example.com"}})

    email: Annotated[Text, Shown(maxLength=LONGEST_EMAIL, format="email")]


class PasswordResetConfirmation(Body):
    """The code that came by mail, and a password instead of the forgotten one."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"email": "ada@example.com", "code": "ZbP4...", "new_password": "another horse battery"}
        }
    )

    email: Annotated[Text, Shown(maxLength=LONGEST_EMAIL, format="email")]
    code: Text
    new_password: Annotated[Text, Shown(minLength=SHORTEST_EVER, maxLength=LONGEST_PASSWORD, format="password")]


class NewAddress(Body):
    """An address instead of the present one, and the password."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"email": "ada@example.org", "password": "correct horse battery"}}
    )

    email: Annotated[Text, Shown(maxLength=LONGEST_EMAIL, format="email")]
    password: Annotated[Text, Shown(format="password")]


class NewAddressConfirmation(Body):
    """The code that came by mail to the new address."""

    model_config = ConfigDict(json_schema_extra={"example": {"email": "ada@example.org", "code": "ZbP4..."}})

    email: Annotated[Text, Shown(maxLength=LONGEST_EMAIL, format="email")]
    code: Text


class CodeSent(Answer):
    """A code is on its way, if there is somebody to send it to; it is good for `expires_in` seconds."""

    expires_in: int = LIFETIME


class SignedUp(Answer):
    """A new account."""

    user_id: UUID
    email: str


class Token(Answer):
    """A token for the header `Authorization: Bearer`. `expires_in` seconds; then `refresh_token` gets the next one."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 -- the kind of token, as RFC 6750 names it
    expires_in: int
    refresh_token: str


@router.post(
    "/signup",
    status_code=status.HTTP_201_CREATED,
    summary="Open an account",
    response_model=SignedUp,
    responses=problems(errors.TooManyRequests, body=True),
)
async def sign_up(body: SignUp, services: UseCases, client: ClientAddress) -> Account:
    """Open an account for a family. The next step is a token."""
    return await services.sign_in.sign_up(body.email, body.password, client)


@router.post(
    "/token",
    summary="Get a token",
    responses=problems(errors.Unauthenticated, errors.TooManyRequests, body=True),
    # Each field depends on another one, but without a form there is none.
    openapi_extra={"requestBody": {"required": True}},
)
async def get_token(
    form: Annotated[TokenForm, Depends(token_form)], services: UseCases, client: ClientAddress
) -> Token:
    """Trade an address (as `username`) and a password for tokens (OAuth 2, RFC 6749, section 4.3).

    With `grant_type=refresh_token`, trade a refresh token for the next tokens (section 6).
    """
    if form.refresh_token is not None:
        return _tokens(services, await services.sessions.refresh(form.refresh_token))
    return _tokens(services, await services.sign_in.sign_in(form.username, form.password, client))


@router.post("/refresh", summary="Stay signed in", responses=problems(errors.Unauthenticated, body=True))
async def refresh_token(body: RefreshToken, services: UseCases) -> Token:
    """Trade a refresh token for the next tokens. It works once: one that is used again ends its session.

    So ask for one refresh at a time, and keep the `refresh_token` of the answer.
    """
    return _tokens(services, await services.sessions.refresh(body.refresh_token))


@router.post(
    "/signout",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Sign out",
    responses=problems(errors.Unauthenticated),
)
async def sign_out(actor: CurrentActor, services: UseCases) -> None:
    """End the session of this token. Its access and refresh tokens are good for nothing from now on."""
    await services.sessions.sign_out(actor)


@router.put(
    "/password",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Change the password",
    responses=problems(errors.Unauthenticated, errors.TooManyRequests, body=True),
)
async def change_password(body: NewPassword, actor: CurrentActor, services: UseCases, client: ClientAddress) -> None:
    """Replace the password. All other sessions of the account end; this one goes on."""
    await services.change_password(actor, body.current_password, body.new_password, client)


@router.post(
    "/password-reset",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Forget a password",
    responses=problems(errors.TooManyRequests, body=True),
)
async def request_password_reset(
    body: PasswordReset, services: UseCases, client: ClientAddress, language: MailLanguage
) -> CodeSent:
    """Send a code to the address, if it has an account; the answer does not tell. 409 where no mail is sent.

    The mail is in English, or in German or Russian where `Accept-Language` would rather have it.
    """
    await services.reset_password.request(body.email, client, language)
    return CodeSent()


@router.post(
    "/password-reset/confirm",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Replace a forgotten password",
    responses=problems(body=True),
)
async def reset_password(body: PasswordResetConfirmation, services: UseCases, client: ClientAddress) -> None:
    """Replace the password by the code that came by mail: it works once. All sessions of the account end."""
    await services.reset_password.confirm(body.email, body.code, body.new_password, client)


@router.post(
    "/address",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Ask for another address",
    responses=problems(errors.Unauthenticated, errors.TooManyRequests, body=True),
)
async def request_address(
    body: NewAddress, actor: CurrentActor, services: UseCases, client: ClientAddress, language: MailLanguage
) -> CodeSent:
    """Send a code to the new address, unless it has an account; the answer does not tell. Asks for the password.

    The mail's language is as for a forgotten password.
    """
    await services.change_address.request(actor, body.email, body.password, client, language)
    return CodeSent()


@router.post(
    "/address/confirm",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Change the address",
    responses=problems(errors.Unauthenticated, body=True),
)
async def change_address(
    body: NewAddressConfirmation, actor: CurrentActor, services: UseCases, language: MailLanguage
) -> None:
    """Replace the address by the code that came to the new one. All other sessions end; the former address is told."""
    await services.change_address.confirm(actor, body.email, body.code, language)


def _tokens(services: Services, signed_in: SignedIn) -> Token:
    return Token(
        access_token=services.tokens.issue(signed_in.actor),
        expires_in=services.tokens.lifetime,
        refresh_token=signed_in.refresh_token,
    )

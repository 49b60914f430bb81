"""Accounts: sign up, and get a token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, status
from fastapi.security import OAuth2PasswordRequestForm

from tales.domain import errors
from tales.domain.repositories.accounts import Account
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import answers, bodies

router = APIRouter(prefix="/auth", tags=["accounts"], responses=problems(errors.Unavailable, body=True))


@router.post(
    "/signup",
    status_code=status.HTTP_201_CREATED,
    summary="Open an account",
    response_model=answers.SignedUp,
    responses=problems(errors.Conflict),
)
async def sign_up(body: bodies.SignUp, services: UseCases) -> Account:
    """Open an account for a family. The next step is a token."""
    return await services.sign_in.sign_up(body.email, body.password)


@router.post("/token", summary="Get a token", responses=problems(errors.NotSignedIn))
async def get_token(form: Annotated[OAuth2PasswordRequestForm, Depends()], services: UseCases) -> answers.Token:
    """Trade an address (as `username`) and a password for a token (OAuth 2, RFC 6749, section 4.3)."""
    actor = await services.sign_in.check(form.username, form.password)
    return answers.Token(access_token=services.tokens.issue(actor), expires_in=services.tokens.lifetime)

"""`tales users`: accounts, and who may see every family's generations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from tales.application.accounts import appoint_admin, find_user, read_profile
from tales.application.export_family import export_family
from tales.bootstrap import running_app
from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput
from tales.domain.repositories.accounts import Account
from tales.files import new_file
from tales.interfaces.api.v3.export import export_document
from tales.interfaces.cli.console import err, fail
from tales.interfaces.cli.passwords import ask_password
from tales.interfaces.cli.running import run
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Open accounts, appoint admins, export and erase.")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address of the account.")]


@app.command()
def create(address: Address) -> None:
    """Open an account, and print its user's id. A script gives the password on standard input."""
    account = run(_create(address, ask_password(is_new=True)))
    err.print(f"{account.email} has an account.", markup=False, soft_wrap=True)
    typer.echo(str(account.user_id))


@app.command()
def admin(
    address: Address, revoke: Annotated[bool, typer.Option("--revoke", help="Make an admin a user again.")] = False
) -> None:
    """Let a user see every family's generations. It shows in the next token; --revoke ends all sessions at once."""
    account = run(_appoint(address, is_admin=not revoke))
    state = "is an admin no longer" if revoke else "is an admin, from the next sign-in or refresh on"
    err.print(f"{account.email} {state}.", markup=False, soft_wrap=True)


@app.command()
def reset(address: Address) -> None:
    """Replace a forgotten password, and end all sessions. A script gives the new one on standard input."""
    run(_reset(address, ask_password(is_new=True)))
    err.print(f"{address} has a new password, and is signed in nowhere.", markup=False, soft_wrap=True)


@app.command()
def erase(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The account's e-mail address, or a user's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a user with all that is theirs, for ever: children, heroes, stories, and every call made for them."""
    if not yes and not typer.confirm(f"Erase {address} and all that is theirs, for ever?", err=True):
        raise fail("Nothing was erased.")
    run(_erase(address))
    err.print(f"{address} is erased.", markup=False, soft_wrap=True)


@app.command()
def export(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The account's e-mail address, or a user's id.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE.json", help="Where to write it; it must not exist.")],
) -> None:
    """Write everything of a user's to a file, as one JSON document that only you may read."""
    run(_export(address, to))
    err.print(f"{to} holds everything of {address}.", markup=False, soft_wrap=True)


async def _erase(address: str) -> None:
    async with running_app(load_settings(), with_worker=False) as tales:
        user_id = await find_user(tales.services.transactions, address)
        await tales.services.erase_family.by_operator(user_id)


async def _export(address: str, to: Path) -> None:
    async with running_app(load_settings(), with_worker=False) as tales:
        transactions = tales.services.transactions
        actor = Actor(await find_user(transactions, address))
        profile = await read_profile(transactions, actor)
        with _exported(to) as file:
            async for piece in export_document(profile, export_family(transactions, actor)):
                file.write(piece.encode("ascii"))


@contextmanager
def _exported(path: Path) -> Iterator[BinaryIO]:
    """The file of `--to`. Raises: InvalidInput."""
    try:
        with new_file(path) as file:
            yield file
    except FileExistsError:
        raise InvalidInput("--to", f"{path} exists already. Choose another name.") from None
    except OSError as error:
        raise InvalidInput("--to", f"{path} cannot be written: {error.strerror}. Choose another place.") from None


async def _create(address: str, password: str) -> Account:
    async with running_app(load_settings(), with_worker=False) as tales:
        tales.services.check_own_sign_in()
        return await tales.services.sign_in.sign_up(address, password)


async def _reset(address: str, password: str) -> None:
    async with running_app(load_settings(), with_worker=False) as tales:
        tales.services.check_own_sign_in()
        await tales.services.reset_password.by_operator(address, password)


async def _appoint(address: str, *, is_admin: bool) -> Account:
    async with running_app(load_settings(), with_worker=False) as tales:
        tales.services.check_own_sign_in()
        return await appoint_admin(tales.services.transactions, address, is_admin=is_admin)

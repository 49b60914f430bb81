"""`tales users`: accounts, and who may see every family's generations."""

from __future__ import annotations

from typing import Annotated

import typer

from tales.bootstrap import open_house
from tales.domain.repositories.accounts import Account
from tales.interfaces.cli.passwords import ask_password
from tales.interfaces.cli.running import err, run
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Open accounts, and appoint admins.")

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


async def _create(address: str, password: str) -> Account:
    async with open_house(load_settings(), works=False) as house:
        house.services.check_own_sign_in()
        return await house.services.sign_in.sign_up(address, password)


async def _appoint(address: str, *, is_admin: bool) -> Account:
    async with open_house(load_settings(), works=False) as house:
        house.services.check_own_sign_in()
        return await house.services.appoint_admin(address, is_admin=is_admin)

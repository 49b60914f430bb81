"""Sessions of browsers, as an attacker would try them."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from fastapi import FastAPI
from httpx import Response

from tales.application.first_admin import FirstAdmin
from tales.application.services import Services
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock
from tests.interfaces.api.world import PASSWORD, client_of, problem
from tests.interfaces.web.visiting import PAGE, Visitor, pages, visitor_of

HTTPS = "https://tales.test"


def cookie(answer: Response, name: str) -> dict[str, str]:
    """What a cookie of this answer is kept with."""
    for line in answer.headers.get_list("Set-Cookie"):
        if name in (found := SimpleCookie(line)):
            return {key.lower(): str(value) for key, value in found[name].items() if value} | {
                "value": found[name].value
            }
    raise AssertionError(f"no {name} in {answer.headers.get_list('Set-Cookie')}")


def leads_to_sign_in(answer: Response) -> bool:
    return answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in")


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(app: FastAPI) -> None:
    async with visitor_of(app) as visitor:
        kept = cookie(await visitor.sign_up(), "tales-session")
    assert {"httponly": "True", "samesite": "lax", "path": "/"}.items() <= kept.items()
    assert "domain" not in kept

    async with visitor_of(app, HTTPS) as visitor:
        kept = cookie(await visitor.sign_in(), "__Host-tales-session")
    assert {"httponly": "True", "samesite": "lax", "path": "/", "secure": "True"}.items() <= kept.items()
    assert "domain" not in kept


async def test_over_https_a_cookie_that_anybody_could_have_set_is_not_taken(app: FastAPI, ada: Visitor) -> None:
    value = ada.client.cookies["tales-session"]
    async with visitor_of(app, HTTPS) as visitor:
        visitor.client.cookies.set("tales-session", value)
        assert leads_to_sign_in(await visitor.look("/me"))
        visitor.client.cookies.set("__Host-tales-session", value)
        assert (await visitor.look("/me")).status_code == 200


async def test_a_cookie_that_is_none_of_ours(visitor: Visitor) -> None:
    for value in (b"", b"x", b"x" * 5000, b"\xff", b"null", b"' or true --"):
        headers = [(b"Accept", b"text/html"), (b"Cookie", b"tales-session=" + value)]
        assert leads_to_sign_in(await visitor.client.get("/me", headers=headers)), value


async def test_the_cookie_opens_no_way_into_the_api(ada: Visitor) -> None:
    assert (await ada.look("/me")).status_code == 200
    problem(await ada.client.get("/api/v3/me"), 401, "not_signed_in")
    token = ada.client.cookies["tales-session"]
    answer = await ada.client.get("/api/v3/me", headers={"Authorization": f"Bearer {token}"})
    problem(answer, 401, "not_signed_in")


async def test_a_cookie_that_somebody_has_traded_for_tokens_ends_its_session(ada: Visitor) -> None:
    body = {"refresh_token": ada.client.cookies["tales-session"]}
    stolen = (await ada.client.post("/api/v3/auth/refresh", json=body)).json()
    thief = {"Authorization": f"Bearer {stolen['access_token']}"}
    assert (await ada.client.get("/api/v3/me", headers=thief)).status_code == 200

    assert leads_to_sign_in(await ada.look("/me"))

    problem(await ada.client.get("/api/v3/me", headers=thief), 401, "not_signed_in")


async def test_every_page_but_the_front_door_asks_for_a_session(closed_app: FastAPI) -> None:
    open_to_all = {"/", "/sign-in", "/sign-up", "/forgotten"}
    async with visitor_of(closed_app) as visitor:
        for path in pages(closed_app, "GET"):
            answer = await visitor.look(path)
            if path in open_to_all:
                assert answer.status_code == 200, path
            elif path.startswith(("/web/", "/welcome")) and not path.startswith("/web/plotly/"):
                assert answer.status_code == 404, path
            else:
                assert answer.headers["Location"] == f"/sign-in?next={path.replace('/', '%2F')}", path


OTHER_SITES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://tales.test"},
    {"Origin": "http://elsewhere.example"},
    {"Origin": "http://tales.test:8000"},
    {"Origin": "null"},
    {"Origin": ""},
]


async def test_no_other_site_can_send_a_form(app: FastAPI, ada: Visitor) -> None:
    for path in pages(app, "POST"):
        for headers in OTHER_SITES:
            answer = await ada.send(path, **headers)
            assert answer.status_code == 403, (path, headers)
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await ada.look("/me")).status_code == 200, "still signed in"


async def test_a_form_without_its_token_is_not_taken(app: FastAPI, ada: Visitor, eve: Visitor) -> None:
    for path in pages(app, "POST"):
        for token in ("", "x", eve.token, ada.token.upper(), "\u00fc"):
            assert (await ada.send(path, {"form_token": token})).status_code == 403, path
        answer = await ada.client.post(path, headers=PAGE | {"Origin": ada.origin}, json={"form_token": ada.token})
        assert answer.status_code == 403, path


async def test_a_browser_that_names_the_site_needs_no_origin(ada: Visitor) -> None:
    answer = await ada.send(
        "/look", {"theme": "sepia", "next": "/me"}, **{"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    )

    assert (answer.status_code, answer.headers["Location"]) == (303, "/me")


async def test_nobody_is_signed_in_to_an_account_of_another_site_s_choice(visitor: Visitor, eve: Visitor) -> None:
    await visitor.look("/sign-in")
    account = {"email": "eve@example.org", "password": PASSWORD}

    assert (await visitor.send("/sign-in", account | {"form_token": eve.token})).status_code == 403
    assert (await visitor.send("/sign-in", account, Origin="http://elsewhere.example")).status_code == 403
    assert (await visitor.send("/sign-in", account)).status_code == 303


ELSEWHERE = (
    "//elsewhere.example",
    "https://elsewhere.example",
    "/\\elsewhere.example",
    "\\\\x",
    "/\n/x",
    "javascript:1",
)


@pytest.mark.usefixtures("ada")
async def test_after_signing_in_nobody_is_led_elsewhere(visitor: Visitor) -> None:
    for path in ELSEWHERE:
        page = await visitor.client.get("/sign-in", params={"next": path}, headers=PAGE)
        assert 'name="next" value=""' in page.text, path
        await visitor.look("/sign-in")
        answer = await visitor.send("/sign-in", {"email": "ada@example.org", "password": PASSWORD, "next": path})
        assert answer.headers["Location"] == "/tonight", path
        look = await visitor.send("/look", {"next": path})
        assert look.status_code in {303, 403}
        assert look.headers.get("Location", "/") == "/", path


async def test_a_session_that_was_there_before_signing_in_is_not_the_one_after(eve: Visitor, ada: Visitor) -> None:
    planted = eve.client.cookies["tales-session"]
    ada.client.cookies.set("tales-session", planted, domain="tales.test")
    await ada.sign_in()

    assert [planted] != [one.value for one in ada.client.cookies.jar if one.name == "tales-session"]


async def test_signing_out_ends_the_session_at_once(app: FastAPI, ada: Visitor) -> None:
    async with visitor_of(app) as thief:
        thief.client.cookies.set("tales-session", ada.client.cookies["tales-session"])
        assert (await thief.look("/me")).status_code == 200
        assert (await ada.send("/sign-out")).headers["Location"] == "/"

        assert "tales-session" not in ada.client.cookies
        assert leads_to_sign_in(await thief.look("/me"))


async def test_signing_out_everywhere_ends_the_sessions_of_programs_too(app: FastAPI, ada: Visitor) -> None:
    account = {"username": "ada@example.org", "password": PASSWORD}
    async with visitor_of(app) as phone, client_of(app) as program:
        await phone.sign_in()
        token = (await program.post("/api/v3/auth/token", data=account)).json()["access_token"]
        assert (await ada.send("/sign-out")).status_code == 303
        assert (await phone.look("/me")).status_code == 200, "only the other one was signed out"

        assert (await phone.send("/sign-out", {"everywhere": "1"})).status_code == 303
        assert leads_to_sign_in(await phone.look("/me"))
        answer = await program.get("/api/v3/me", headers={"Authorization": f"Bearer {token}"})
    problem(answer, 401, "not_signed_in")


async def test_a_new_password_ends_all_other_sessions(app: FastAPI, ada: Visitor) -> None:
    async with visitor_of(app) as phone:
        await phone.sign_in()
        wrong = await ada.send("/me/password", {"current_password": "wrong", "new_password": "battery staple horse"})
        assert wrong.status_code == 422
        fields = {"current_password": PASSWORD, "new_password": "battery staple horse"}
        assert (await ada.send("/me/password", fields)).status_code == 303

        assert (await ada.look("/me?changed=1")).status_code == 200
        assert leads_to_sign_in(await phone.look("/me"))


@pytest.mark.usefixtures("ada")
async def test_pages_and_api_count_attempts_together(visitor: Visitor, database: Database) -> None:
    for _ in range(10):
        assert (await visitor.sign_in(password="wrong password")).status_code == 401
    # So long a pause that no machine is too slow for it.
    assert database.execute("update tales.login_attempts set attempts = 20 where kind = 'sign_in'")
    refused = await visitor.sign_in()
    assert refused.status_code == 429
    assert PASSWORD not in refused.text
    form = {"username": "ada@example.org", "password": PASSWORD}
    problem(await visitor.client.post("/api/v3/auth/token", data=form), 429, "too_many_requests")


@pytest.mark.usefixtures("ada")
async def test_an_address_that_has_an_account_says_no_more_than_the_api(visitor: Visitor) -> None:
    unknown = await visitor.sign_in("nobody@example.org")
    known = await visitor.sign_in(password="wrong password")

    assert (unknown.status_code, known.status_code) == (401, 401)
    assert unknown.text.replace("nobody@", "ada@").count("wrong") == known.text.count("wrong")


async def test_a_session_lasts_as_long_as_it_is_used(ada: Visitor, database: Database, clock: FakeClock) -> None:
    def age(days: float) -> None:
        database.execute("update tales.sessions set expires_at = expires_at - %s", timedelta(days=days))

    age(29)
    assert (await ada.look("/me")).status_code == 200, "and is prolonged by that"
    age(29)
    assert (await ada.look("/me")).status_code == 200
    clock.advance(31 * 86400)
    assert leads_to_sign_in(await ada.look("/me"))


async def test_a_form_of_an_ended_session_leads_to_signing_in(ada: Visitor, database: Database) -> None:
    database.execute("delete from tales.sessions")

    answer = await ada.send("/family/children/new", {"name": "Mia", "age": "6"})

    assert answer.headers["Location"] == "/sign-in?ended=1"


async def test_only_who_reads_what_the_server_printed_becomes_the_first_admin(
    app: FastAPI, services: Services, visitor: Visitor, database: Database
) -> None:
    app.state.first_admin = first = FirstAdmin(services.transactions, services.sign_in)
    account = {"email": "ada@example.org", "password": PASSWORD}
    try:
        assert first.token not in repr(first)
        assert await first.is_wanted(), "so the server prints where it begins"
        await visitor.look("/sign-in")
        for guess in ("", "x", first.token[:-1], first.token + "x"):
            assert (await visitor.look(f"/welcome?token={guess}")).status_code == 404
            assert (await visitor.send("/welcome", account | {"token": guess})).status_code == 404
        await visitor.sign_up("eve@example.org")
        assert not database.rows("select from tales.accounts where is_admin")

        assert (await visitor.look(f"/welcome?token={first.token}")).status_code == 200
        answer = await visitor.send("/welcome", account | {"token": first.token})
        assert answer.headers["Location"] == "/family/children/new?first=1"
        assert [row["email"] for row in database.rows("select email from tales.accounts where is_admin")] == [
            "ada@example.org"
        ]
        assert not await first.is_wanted()
        await visitor.look("/me")
        again = account | {"email": "eva@example.org", "token": first.token}
        assert (await visitor.send("/welcome", again)).status_code == 404
    finally:
        del app.state.first_admin

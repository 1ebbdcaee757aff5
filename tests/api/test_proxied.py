"""A service account's proxy may say for which address it calls, where something is asked for; nobody else may."""

import httpx
import pytest
from litestar import Litestar
from litestar.types import Receive, Scope, Send

from horde.server.accounts.passkeys import is_passkey, make_passkey
from horde.server.accounts.register import register as register_account
from horde.server.api.edge.proxied import Proxied
from horde.server.context import Services
from tests.api.actors import register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import Clock, RunningHorde
from tests.server.builders import change as change_now

ASKING = "/api/v2/generate/async"
PEER, CALLER = "192.0.2.1", "198.51.100.7"


async def passkey_of(clock: Clock, *, is_service: bool = True) -> str:
    """The passkey of a new account."""
    name = "Service" if is_service else "Plain"
    account = (await register_account(clock.ctx, name)).user
    async with clock.ctx.database.transaction() as tx:
        passkey = await make_passkey(clock.ctx, tx, account.id)
    if is_service:
        await change_now(clock.ctx, "UPDATE users SET is_service = true WHERE id = $1", id=account.id)
    return passkey


async def address_seen(services: Services, *, path: str = ASKING, method: str = "POST", **headers: str) -> str:
    """From where a call seems to come behind `Proxied`."""
    seen: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    app = Litestar([], openapi_config=None, logging_config=None)
    app.state["services"] = services
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": sent, "client": (PEER, 1)}
    await Proxied(inner, app)(scope, None, None)  # type: ignore[arg-type]
    client = seen[0]["client"]
    assert client
    return client[0]


async def test_passkey_lets_its_proxy_name_the_caller(clock: Clock, services: Services) -> None:
    passkey = await passkey_of(clock)

    assert await address_seen(services, proxy_authorization=passkey, proxied_for=CALLER) == CALLER
    assert await address_seen(services, proxy_authorization=passkey, proxied_for="2001:db8::1") == "2001:db8::1"
    text = "/api/v2/generate/text/async"
    assert await address_seen(services, path=text, proxy_authorization=passkey, proxied_for=CALLER) == CALLER


@pytest.mark.parametrize(
    "headers",
    [
        {"proxied_for": CALLER},
        {"proxied_for": CALLER, "proxy_authorization": "some passkey"},
        {"proxied_for": CALLER, "proxy_authorization": ""},
        {"proxied_for": CALLER, "proxy_authorization": "x" * 5000},
        {"proxied_for": CALLER, "proxy_authorization": "ä"},
    ],
)
async def test_nobody_is_believed_without_it(clock: Clock, services: Services, headers: dict[str, str]) -> None:
    await passkey_of(clock)

    assert await address_seen(services, **headers) == PEER


@pytest.mark.parametrize("proxied_for", ["", "nowhere", "198.51.100.7, 198.51.100.8", "x" * 5000])
async def test_what_is_no_address_is_not_taken_for_one(clock: Clock, services: Services, proxied_for: str) -> None:
    passkey = await passkey_of(clock)

    assert await address_seen(services, proxy_authorization=passkey, proxied_for=proxied_for) == PEER


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/v2/generate/pop"), ("GET", "/api/v2/find_user")])
async def test_only_who_asks_may_be_proxied(clock: Clock, services: Services, method: str, path: str) -> None:
    headers = {"proxy_authorization": await passkey_of(clock), "proxied_for": CALLER}

    assert await address_seen(services, method=method, path=path, **headers) == PEER


async def test_passkey_holds_as_long_as_its_account_is_a_service(clock: Clock) -> None:
    plain, of_service = await passkey_of(clock, is_service=False), await passkey_of(clock)

    assert not await is_passkey(clock.ctx, plain)
    assert await is_passkey(clock.ctx, of_service)


def test_new_passkey_ends_the_old_one_and_is_kept_as_a_hash(horde: RunningHorde, client: httpx.Client) -> None:
    key = register(client)
    change(horde, "UPDATE users SET is_service = true WHERE id > 0")

    def made() -> str:
        answer = client.put("/api/v2/users/1", json={"generate_proxy_passkey": True}, headers={"apikey": key})
        assert (answer.status_code, list(answer.json())) == (200, ["proxy_passkey"])
        return str(answer.json()["proxy_passkey"])

    first, second = made(), made()

    assert first != second
    assert len(second) == 22
    assert "proxy_passkey" not in client.get("/api/v2/find_user", headers={"apikey": key}).json()
    # One row an account, and in it a digest: this would fail otherwise.
    change(horde, "ALTER TABLE proxy_passkeys ADD CHECK (length(digest) = 32 AND user_id = 1)")

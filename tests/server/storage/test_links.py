"""A link lets its holder do one thing with one object for 30 minutes, whatever the address is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from horde.errors import LinkRefused
from horde.server.storage.links import FILES_PATH, Method, Signer, shared_signer
from tests.plugins.hordes import Clock
from tests.server.builders import nodes, one

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = "00000000-0000-4000-8000-000000000001.webp"
SIGNER = Signer(b"a secret")


def taken_apart(link: str) -> dict[str, Any]:
    parts = urlsplit(link)
    query = parse_qs(parts.query, strict_parsing=True)
    assert query.keys() == {"expires", "signature"}
    [expires], [signature] = query["expires"], query["signature"]
    return {"key": parts.path.removeprefix(f"{FILES_PATH}/"), "expires": int(expires), "signature": signature}


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_link_opens_what_it_was_made_for(method: Method) -> None:
    link = SIGNER.link("https://horde.example/base", method, KEY, now=NOON)

    assert link.startswith(f"https://horde.example/base{FILES_PATH}/{KEY}?")
    SIGNER.check(method, **taken_apart(link.replace("/base", "")), now=NOON)


def test_link_is_good_for_thirty_minutes() -> None:
    parts = taken_apart(SIGNER.link("", "GET", KEY, now=NOON))

    SIGNER.check("GET", **parts, now=NOON + timedelta(minutes=30))
    with pytest.raises(LinkRefused, match="expired 5 s ago"):
        SIGNER.check("GET", **parts, now=NOON + timedelta(minutes=30, seconds=5))


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("PUT", {}),
        ("GET", {"key": KEY.replace("1.webp", "2.webp")}),
        ("GET", {"expires": 2**40}),
        ("GET", {"signature": ""}),
        ("GET", {"signature": "0" * 64}),
        ("GET", {"signature": "☃"}),
    ],
)
def test_link_that_was_changed_opens_nothing(method: Method, changes: dict[str, Any]) -> None:
    parts = taken_apart(SIGNER.link("", "GET", KEY, now=NOON))

    with pytest.raises(LinkRefused, match="not valid for this file"):
        SIGNER.check(method, **parts | changes, now=NOON)


def test_link_of_another_horde_opens_nothing() -> None:
    parts = taken_apart(Signer(b"another secret").link("", "GET", KEY, now=NOON))

    with pytest.raises(LinkRefused):
        SIGNER.check("GET", **parts, now=NOON)


async def test_servers_of_one_horde_open_each_others_links(clock: Clock) -> None:
    async with nodes(clock.ctx, 2) as [one_node, other_node]:
        here, there = await shared_signer(one_node.database), await shared_signer(other_node.database)

    there.check("GET", **taken_apart(here.link("", "GET", KEY, now=clock.now)), now=clock.now)
    assert len(await one(clock.ctx, "SELECT value FROM secrets")) == 32

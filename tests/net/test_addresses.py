"""What strangers name is called at a public address or not at all, and at the very address that was looked at."""

import ssl
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from horde.net.addresses import (
    AddressRefused,
    PublicOnly,
    PublicOnlyInThread,
    Resolver,
    is_private_literal,
    is_public,
    without_keep_alive,
)
from tests.server.webhooks.receiver import receiver

PEM = Path(__file__).with_name("receiver.example.pem")
"""A key and a certificate for receiver.example that nobody but these tests trusts."""
PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", PUBLIC_6, "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "198.18.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::7f00:1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2002:7f00:1::", "2002:a00:1::1",
    ],
)  # fmt: skip
def test_all_other_addresses_are_not(address: str) -> None:
    assert not is_public(address)
    assert is_private_literal(address)


def test_network_that_the_operator_named_counts_as_public_and_no_other() -> None:
    named = [ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")]

    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5"):
        assert is_public(address, also=named)
    for address in ("10.2.0.1", "127.0.0.1", "fd00:2::5"):
        assert not is_public(address, also=named)


def test_name_is_nobodys_address_yet() -> None:
    assert not is_private_literal("localhost.example")
    assert is_private_literal("[::1]")


class Names:
    """Answers each look at a host with the next of these lists, and the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.looks = 0

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.looks += 1
        return self.answers[min(self.looks, len(self.answers)) - 1]


class Inner(httpx.AsyncBaseTransport):
    """Notes what it is to connect to; nobody is at the addresses in `away`."""

    def __init__(self, *away: str) -> None:
        self.away = away
        self.calls: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []
        """To the next calls; to all others 200."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(httpx.Request(request.method, request.url, headers=request.headers))
        self.calls[-1].extensions = dict(request.extensions)
        if request.url.host in self.away:
            raise httpx.ConnectError("nobody there")
        return self.answers.pop(0) if self.answers else httpx.Response(200)


async def test_address_that_was_looked_at_is_connected_to_under_the_name() -> None:
    names, inner = Names([PUBLIC], ["127.0.0.1"]), Inner()
    async with httpx.AsyncClient(transport=PublicOnly(inner, resolve=names.resolve)) as client:
        await client.post("https://receiver.example:8443/hook")

    [call] = inner.calls
    assert (str(call.url), names.looks) == (f"https://{PUBLIC}:8443/hook", 1)
    assert call.headers["host"] == "receiver.example:8443"
    assert call.extensions["sni_hostname"] == "receiver.example"


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC]])
async def test_host_with_a_private_address_is_not_called(addresses: list[str]) -> None:
    inner = Inner()
    async with httpx.AsyncClient(transport=PublicOnly(inner, resolve=Names(addresses).resolve)) as client:
        with pytest.raises(AddressRefused, match="which is not a public one"):
            await client.get("https://receiver.example/")

    assert inner.calls == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
async def test_this_machine_is_not_called_however_it_is_written(host: str) -> None:
    with receiver() as target:
        port = httpx.URL(target.url).port
        async with httpx.AsyncClient(transport=PublicOnly(without_keep_alive(connections=1))) as client:
            with pytest.raises((AddressRefused, httpx.ConnectError), match=r"not a public one|is not known"):
                await client.post(f"http://{host}:{port}/hook")

        assert target.heard == []


async def test_redirect_goes_on_under_the_name_and_what_is_said_to_the_same_host_goes_along() -> None:
    names, inner = Names([PUBLIC], [PUBLIC], [PUBLIC]), Inner()
    inner.answers = [
        httpx.Response(302, headers={"Location": "/there"}),
        httpx.Response(302, headers={"Location": "https://receiver.example/and/there"}),
    ]
    async with httpx.AsyncClient(
        transport=PublicOnly(inner, resolve=names.resolve), follow_redirects=True, headers={"Authorization": "a secret"}
    ) as client:
        answer = await client.get("https://receiver.example/here")

    assert str(answer.url) == "https://receiver.example/and/there"
    assert [call.headers["host"] for call in inner.calls] == ["receiver.example"] * 3
    assert [call.headers["authorization"] for call in inner.calls] == ["a secret"] * 3
    assert names.looks == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "[::1]", "localhost"])
def test_this_machine_is_not_called_by_calls_that_block_either(host: str) -> None:
    with receiver() as target:
        port = httpx.URL(target.url).port
        refused = pytest.raises((AddressRefused, httpx.ConnectError), match=r"not a public one|is not known")
        with httpx.Client(transport=PublicOnlyInThread()) as client, refused:
            client.post(f"http://{host}:{port}/hook")

        assert target.heard == []


def test_calls_that_block_reach_networks_that_were_named_and_tell_of_hosts_that_are_not_there() -> None:
    with receiver() as target:
        transport = PublicOnlyInThread(also=[ip_network("127.0.0.1/32")])
        with httpx.Client(transport=transport) as client:
            assert client.post(target.url).status_code == 200
            with pytest.raises(httpx.ConnectError, match="is not known"):
                client.get("https://nobody.invalid/")

        assert len(target.heard) == 1


async def test_next_address_is_tried_where_nobody_is_at_the_first() -> None:
    inner = Inner(PUBLIC_6)
    names = Names([PUBLIC_6, PUBLIC])
    async with httpx.AsyncClient(transport=PublicOnly(inner, resolve=names.resolve)) as client:
        assert (await client.get("https://receiver.example/")).status_code == 200

    assert [call.url.host for call in inner.calls] == [PUBLIC_6, PUBLIC]


async def test_unknown_host_is_a_failed_connection() -> None:
    async with httpx.AsyncClient(transport=PublicOnly(Inner())) as client:
        with pytest.raises(httpx.ConnectError, match="is not known"):
            await client.get("https://nobody.invalid/")
    assert await Resolver()("127.0.0.1", 80) == ["127.0.0.1"]


class ToLoopback(httpx.AsyncBaseTransport):
    """Stands for the Internet: whatever public address is called, a receiver on this machine answers."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._inner = without_keep_alive(connections=1, verify=context)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host="127.0.0.1")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.mark.parametrize(("host", "is_known"), [("receiver.example", True), ("somebody.else.example", False)])
async def test_certificate_must_be_that_of_the_name_not_of_the_address(host: str, is_known: bool) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(PEM)
    trusting = ssl.create_default_context(cafile=str(PEM))
    with receiver(server) as target:
        url = httpx.URL(target.url).copy_with(host=host)
        transport = PublicOnly(ToLoopback(trusting), resolve=Names([PUBLIC]).resolve)
        async with httpx.AsyncClient(transport=transport) as client:
            if is_known:
                assert (await client.post(url)).status_code == 200
            else:
                with pytest.raises(httpx.ConnectError, match="certificate"):
                    await client.post(url)
        assert len(target.heard) == is_known

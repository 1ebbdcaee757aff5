"""Which addresses a block is about."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.errors import BadInput
from horde.server.moderation.networks import Block, Networks, address, known_address, network, site

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def block(text: str, *, hours: float = 1, is_timeout: bool = False) -> Block:
    return Block(network=ip_network(text), is_timeout=is_timeout, ends_at=NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("192.0.2.7", "192.0.2.7/32"), ("192.0.2.7/24", "192.0.2.0/24"), ("2001:db8::1", "2001:db8::1/128"),
     ("2001:db8::1/64", "2001:db8::/64"), ("::ffff:192.0.2.7", "192.0.2.7/32")],
)  # fmt: skip
def test_network_is_read_by_any_address_in_it(text: str, expected: str) -> None:
    assert str(network(text)) == expected


@pytest.mark.parametrize("text", ["", "192.0.2", "192.0.2.7/33", "example.org", "192.0.2.7/x", "1.2.3.4.5", "/24"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="neither an IP address nor a network"):
        network(text)
    with pytest.raises(BadInput, match="not an IP address"):
        address(text)


def test_address_of_nobody_knows_where_is_none() -> None:
    assert known_address("testclient") is None
    assert known_address("fe80::1%eth0") == ip_address("fe80::1")


@pytest.mark.parametrize(
    ("text", "expected"), [("192.0.2.7", "192.0.2.7/32"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
)
def test_site_of_ipv6_is_its_64(text: str, expected: str) -> None:
    assert str(site(address(text))) == expected


def test_address_is_found_in_every_network_around_it_that_still_holds() -> None:
    networks = Networks([
        block("192.0.2.7"), block("192.0.0.0/16", is_timeout=True), block("192.0.2.0/24", hours=0), block("10.0.0.0/8"),
        block("c000:207::/32"),
    ])  # fmt: skip

    assert [str(found.network) for found in networks.around(address("192.0.2.7"), NOW)] == [
        "192.0.2.7/32", "192.0.0.0/16",
    ]  # fmt: skip


@given(
    st.lists(st.ip_addresses().flatmap(lambda ip: st.tuples(st.just(ip), st.integers(0, ip.max_prefixlen)))), st.data()
)
def test_looking_up_says_what_the_standard_library_says(drawn: list[tuple[object, int]], data: st.DataObject) -> None:
    blocks = [block(str(ip_network(pair, strict=False))) for pair in drawn]  # type: ignore[arg-type]
    addresses = [pair[0] for pair in drawn] or [ip_address("192.0.2.1")]
    looked_for = data.draw(st.one_of(st.sampled_from(addresses), st.ip_addresses()))

    found = {str(one.network) for one in Networks(blocks).around(looked_for, NOW)}  # type: ignore[arg-type]

    assert found == {
        str(one.network)
        for one in blocks
        if one.network.version == looked_for.version and looked_for in one.network  # type: ignore[attr-defined]
    }

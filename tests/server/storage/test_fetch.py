"""Who names a URL gets what lies there on the public internet, and nothing that only we can reach."""

import gzip
from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from horde.errors import ImageValidationFailed
from horde.kinds.image_refusals import SourceImageSizeExceeded, SourceImageUrlInvalid
from horde.server.storage.fetch import BYTES_MAX, REDIRECTS_MAX, Fetcher
from tests.plugins.elsewhere import Elsewhere, elsewhere_at
from tests.server.builders import PICTURE

HERE = [ip_network("127.0.0.1/32")]
"""As if this machine were the public internet; 127.0.0.2 stays what it is."""


async def test_what_lies_at_a_url_is_fetched(elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/fox.webp?size=1", PICTURE)

    assert await Fetcher().fetch(url, also_from=HERE) == PICTURE

    [(path, headers)] = elsewhere.asked
    assert (path, headers["Host"]) == ("/fox.webp?size=1", f"127.0.0.1:{elsewhere.port}")
    assert not {"Cookie", "Authorization", "Referer"}.intersection(headers)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_address_of_our_own_is_refused_however_it_is_written(elsewhere: Elsewhere, host: str) -> None:
    elsewhere.put("/", PICTURE)

    with pytest.raises(SourceImageUrlInvalid, match=r"does not lead to the public internet|cannot be fetched"):
        await Fetcher().fetch(f"http://{host}:{elsewhere.port}/")

    assert elsewhere.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://", "http:///x", "http://[::1", "http://exa mple/", "ftp://example.org/x", "file:///etc/passwd", "http://example.org:99999/",
        "http://" + "a" * 70 + ".example/", "http://no-such-name.invalid/", "http://x/" + "y" * 5000,
    ],
)  # fmt: skip
async def test_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(SourceImageUrlInvalid, match="Image validation failed"):
        await Fetcher().fetch(url, also_from=HERE)


@pytest.mark.parametrize("who", ["user:secret", "user", ":secret"])
async def test_url_with_a_password_is_not_fetched(elsewhere: Elsewhere, who: str) -> None:
    url = elsewhere.put("/", PICTURE).replace("//", f"//{who}@")

    with pytest.raises(SourceImageUrlInvalid, match="a password in it"):
        await Fetcher().fetch(url, also_from=HERE)

    assert elsewhere.asked == []


async def test_redirects_are_followed_so_far_and_no_further(elsewhere: Elsewhere) -> None:
    elsewhere.put("/0", PICTURE)
    for number in range(1, REDIRECTS_MAX + 2):
        elsewhere.redirect(f"/{number}", f"{number - 1}")

    assert await Fetcher().fetch(elsewhere.url(f"/{REDIRECTS_MAX}"), also_from=HERE) == PICTURE
    with pytest.raises(SourceImageUrlInvalid, match="redirects more than 3 times"):
        await Fetcher().fetch(elsewhere.url(f"/{REDIRECTS_MAX + 1}"), also_from=HERE)


async def test_redirect_into_our_own_network_is_refused(elsewhere: Elsewhere) -> None:
    with elsewhere_at("127.0.0.2") as inside:
        url = elsewhere.redirect("/", inside.put("/secret", PICTURE))

        with pytest.raises(SourceImageUrlInvalid, match="does not lead to the public internet"):
            await Fetcher().fetch(url, also_from=HERE)

        assert (len(elsewhere.asked), inside.asked) == (1, [])


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://a:b@127.0.0.1/", "http://["])
async def test_redirect_to_what_is_no_web_address_is_refused(elsewhere: Elsewhere, location: str) -> None:
    with pytest.raises(SourceImageUrlInvalid):
        await Fetcher().fetch(elsewhere.redirect("/", location), also_from=HERE)


async def test_connection_goes_to_the_address_that_was_checked(elsewhere: Elsewhere) -> None:
    answers = [["127.0.0.1"], ["127.0.0.2"]]

    async def look_up(host: str, port: int) -> Sequence[str]:
        assert (host, port) == ("fickle.example", elsewhere.port)
        return answers.pop(0)

    elsewhere.put("/", PICTURE)

    found = await Fetcher(look_up).fetch(f"http://fickle.example:{elsewhere.port}/", also_from=HERE)

    assert (found, len(answers)) == (PICTURE, 1)
    assert elsewhere.asked[0][1]["Host"] == f"fickle.example:{elsewhere.port}"


@pytest.mark.parametrize("addresses", [["127.0.0.2"], ["127.0.0.1", "127.0.0.2"], ["fe80::1%eth0"]])
async def test_name_with_an_address_of_our_own_is_refused(elsewhere: Elsewhere, addresses: list[str]) -> None:
    async def look_up(host: str, port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(SourceImageUrlInvalid, match="does not lead to the public internet"):
        await Fetcher(look_up).fetch(f"http://mixed.example:{elsewhere.port}/", also_from=HERE)

    assert elsewhere.asked == []


async def test_name_without_an_address_is_refused() -> None:
    async def look_up(host: str, port: int) -> Sequence[str]:
        return []

    with pytest.raises(SourceImageUrlInvalid, match="cannot be fetched"):
        await Fetcher(look_up).fetch("http://nowhere.example/")


async def test_file_as_large_as_may_be_is_fetched(elsewhere: Elsewhere) -> None:
    content = bytes(BYTES_MAX)

    assert await Fetcher().fetch(elsewhere.put("/", content), also_from=HERE) == content


async def test_file_that_is_too_large_is_refused_by_what_it_says_of_itself(elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/", b"x", headers={"Content-Length": str(BYTES_MAX + 1)}, is_never_ended=True)

    with pytest.raises(SourceImageSizeExceeded, match="5,242,881 bytes"):
        await Fetcher().fetch(url, also_from=HERE)


async def test_file_that_is_too_large_and_does_not_say_so_is_refused_while_it_comes(elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/", bytes(BYTES_MAX + 1), has_length=False, is_never_ended=True)

    with pytest.raises(SourceImageSizeExceeded, match="up to 5,242,880 bytes"):
        await Fetcher().fetch(url, also_from=HERE)


async def test_whoever_does_not_end_is_left_after_a_time(elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/", b"x", has_length=False, is_never_ended=True)

    with pytest.raises(SourceImageUrlInvalid, match=r"within 0\.1 s"):
        await Fetcher(time_s_max=0.1).fetch(url, also_from=HERE)


async def test_what_is_packed_is_not_unpacked(elsewhere: Elsewhere) -> None:
    bomb = gzip.compress(bytes(50 * BYTES_MAX))
    url = elsewhere.put("/", bomb, headers={"Content-Encoding": "gzip"})

    assert await Fetcher().fetch(url, also_from=HERE) == bomb


@pytest.mark.parametrize("status", [304, 403, 404, 500])
async def test_refusal_of_the_other_server_is_told(elsewhere: Elsewhere, status: int) -> None:
    with pytest.raises(ImageValidationFailed, match=f"answers {status}"):
        await Fetcher().fetch(elsewhere.put("/", status=status), also_from=HERE)


async def test_server_that_is_not_there_is_told(elsewhere: Elsewhere) -> None:
    with elsewhere_at("127.0.0.1") as gone:
        url = gone.url("/")

    with pytest.raises(SourceImageUrlInvalid, match="cannot be fetched"):
        await Fetcher().fetch(url, also_from=HERE)

"""What strangers send as a picture is one, of a bearable size, and ends as webp; all else is refused."""

import base64
import io
import struct
import warnings
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from horde.errors import ImageValidationFailed
from horde.server.storage.pictures import (
    PICTURE_BYTES_MAX,
    PICTURE_PIXELS_MAX,
    PICTURE_SIDE_MAX,
    as_webp,
    from_base64,
)
from tests.server.builders import picture

HEAD_BYTES = 34
"""What is read of a plain webp lies in these."""


def opened(content: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(content))
    found.load()
    return found


def noise(format: str, **options: object) -> bytes:
    """A picture that cannot be made much smaller."""
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(buffer, format, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be that large."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def large_webp(width: int, height: int) -> bytes:
    """A webp of a few bytes that claims to be that large."""
    content = bytearray(noise("WEBP", lossless=True))
    start = content.index(b"VP8L") + 9
    content[start : start + 4] = (width - 1 | (height - 1) << 14).to_bytes(4, "little")
    return bytes(content)


async def is_taken(content: bytes) -> bool:
    """Whether we take it."""
    try:
        await as_webp(content)
    except ImageValidationFailed:
        return False
    return True


def is_readable(content: bytes) -> bool:
    """Whether Pillow opens it, in a size that we take."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["WEBP", "PNG", "JPEG"]) as found:
                return found.width * found.height <= PICTURE_PIXELS_MAX
    except (OSError, ValueError, Image.DecompressionBombError):
        return False


async def test_webp_is_kept_to_the_byte() -> None:
    content = picture("WEBP")

    assert await as_webp(content) is content


@pytest.mark.parametrize(
    ("format", "mode"),
    [("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")]
    + [("JPEG", mode) for mode in ("RGB", "L", "CMYK")],
)
async def test_png_and_jpeg_become_webp_in_every_mode(format: str, mode: str) -> None:
    found = opened(await as_webp(picture(format, (24, 16), mode)))

    assert (found.format, found.size) == ("WEBP", (24, 16))


async def test_transparency_is_kept() -> None:
    assert opened(await as_webp(picture("PNG", mode="RGBA"))).mode == "RGBA"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00" * 100, b"not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7",
        picture("GIF"), picture("BMP"), picture("TIFF"), picture("ICO"),
    ],
)  # fmt: skip
async def test_what_is_no_webp_png_or_jpeg_is_refused(content: bytes) -> None:
    with pytest.raises(ImageValidationFailed, match="Image validation failed"):
        await as_webp(content)


@pytest.mark.parametrize("format", ["WEBP", "PNG", "JPEG"])
async def test_picture_that_broke_off_is_refused(format: str) -> None:
    content = noise(format)

    for share in (0.1, 0.5, 0.9):
        with pytest.raises(ImageValidationFailed):
            await as_webp(content[: int(len(content) * share)])


async def test_pixels_of_a_webp_are_left_to_whoever_looks_at_it() -> None:
    damaged = bytearray(noise("WEBP", lossless=True))
    damaged[200:240] = b"\xff" * 40
    content = bytes(damaged)

    assert await as_webp(content) is content


@pytest.mark.parametrize("is_lossless", [False, True])
async def test_webp_is_judged_as_pillow_judges_it_whatever_its_first_bytes_say(is_lossless: bool) -> None:
    whole = noise("WEBP", lossless=is_lossless)

    for place in range(HEAD_BYTES):
        for value in range(256):
            content = whole[:place] + bytes([value]) + whole[place + 1 :]
            assert await is_taken(content) == is_readable(content), f"byte {place} is {value}"


@pytest.mark.parametrize("is_lossless", [False, True])
async def test_webp_that_is_cut_or_goes_on_is_judged_as_pillow_judges_it(is_lossless: bool) -> None:
    whole = noise("WEBP", lossless=is_lossless)

    for content in [*(whole[:size] for size in range(HEAD_BYTES)), whole[:-2], whole[:-1], whole + b"\0", whole * 2]:
        assert await is_taken(content) == is_readable(content), f"{len(content)} bytes"


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
async def test_file_that_only_says_it_is_webp_is_refused(format: str) -> None:
    content = picture(format)

    with pytest.raises(ImageValidationFailed):
        await as_webp(b"RIFF" + content[4:])
    with pytest.raises(ImageValidationFailed):
        await as_webp(b"RIFF" + len(content).to_bytes(4, "little") + b"WEBP" + content)


async def test_webp_with_a_huge_picture_is_refused_though_nobody_unpacks_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(ImageValidationFailed, match="12288x12289 is too large"):
            await as_webp(large_webp(PICTURE_SIDE_MAX, PICTURE_SIDE_MAX + 1))


async def test_picture_that_webp_cannot_hold_is_refused() -> None:
    with pytest.raises(ImageValidationFailed):
        await as_webp(picture("PNG", (20_000, 1)))


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (PICTURE_SIDE_MAX, PICTURE_SIDE_MAX + 1, "12288x12289 is too large"),
        (50_000, 50_000, "not a readable"),
        (2**31 - 1, 2**31 - 1, "not a readable"),
        (1, 2**31 - 1, "not a readable"),
        (0, 0, "not a readable"),
    ],
)
async def test_small_file_with_a_huge_picture_is_refused_before_it_is_unpacked(
    width: int, height: int, reason: str
) -> None:
    with warnings.catch_warnings():
        # Pillow warns from half of its own limit on; ours lies between.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(ImageValidationFailed, match=reason):
            await as_webp(bomb(width, height))


async def test_file_that_is_too_large_is_refused_without_a_look() -> None:
    with pytest.raises(ImageValidationFailed, match=f"at most {PICTURE_BYTES_MAX}"):
        await as_webp(picture("PNG") + bytes(PICTURE_BYTES_MAX))


@settings(deadline=None)
@given(
    format=st.sampled_from(["WEBP", "PNG", "JPEG"]),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=3)), min_size=1),
    kept=st.floats(0, 1),
)
async def test_damaged_picture_is_taken_or_refused_and_nothing_else(
    format: str, damage: list[tuple[float, bytes]], kept: float
) -> None:
    content = bytearray(picture(format, (16, 16)))
    for place, scratch in damage:
        at = int(place * len(content))
        content[at : at + len(scratch)] = scratch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        sent = bytes(content[: int(kept * len(content)) + 1])
        try:
            taken = await as_webp(sent)
        except ImageValidationFailed:
            return
        # What was a webp before is as it was sent; its pixels may be damaged.
        assert taken is sent or opened(taken).format == "WEBP"
        with Image.open(io.BytesIO(taken)) as found:
            assert found.format == "WEBP"


@pytest.mark.parametrize("head", ["", "data:image/webp;base64,", "data:,"])
def test_base64_is_read_with_and_without_a_header(head: str) -> None:
    assert from_base64(head + base64.b64encode(picture()).decode()) == picture()


@pytest.mark.parametrize("text", ["R2D2!", "é", "YQ", "YQ==YQ==x", "a b c d", "YQ\n=="])
def test_text_that_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(ImageValidationFailed, match="not base64"):
        from_base64(text)

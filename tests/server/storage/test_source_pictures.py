"""What requestors send is decoded whole and written anew; what is broken, huge or no picture goes no further."""

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
from horde.kinds.image_refusals import SourceImageResolutionExceeded, SourceImageUnreadable
from horde.server.storage.source_pictures import PIXELS_MAX, read_base64, read_picture
from tests.server.builders import picture

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='file:///etc/passwd'/></svg>"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n(%pipe%id) (r) file\n"


def opened(content: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(content))
    found.load()
    return found


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be that large."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["WEBP", "PNG", "JPEG", "AVIF", "GIF", "BMP", "TIFF", "PPM"])
def test_every_format_that_is_named_becomes_webp(format: str) -> None:
    found = opened(read_picture(picture(format, (24, 16)), "picture").webp)

    assert (found.format, found.size) == ("WEBP", (24, 16))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_every_mode_of_png_is_read(mode: str) -> None:
    found = read_picture(picture("PNG", (24, 16), mode), "picture")

    assert opened(found.webp).size == (24, 16)
    assert found.has_alpha == (mode in ("RGBA", "LA"))


def test_printers_colours_are_read() -> None:
    assert opened(read_picture(picture("JPEG", mode="CMYK"), "picture").webp).mode == "RGB"


def test_what_lies_under_transparent_parts_is_kept() -> None:
    image = Image.new("RGBA", (8, 8), (200, 10, 10, 0))

    found = read_picture(saved(image, "PNG"), "picture")

    assert found.has_alpha
    red, _, _, alpha = opened(found.webp).getpixel((4, 4))  # type: ignore[misc]  # four, as the mode says
    assert (red > 190, alpha) == (True, 0)


def test_mask_is_kept_to_the_pixel() -> None:
    mask = Image.new("L", (16, 16), 0)
    mask.paste(255, (5, 3, 6, 4))

    found = opened(read_picture(saved(mask, "PNG"), "mask").webp)

    assert found.convert("L").tobytes() == mask.tobytes()


def test_picture_that_lies_on_its_side_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.new("RGB", (24, 16)), "JPEG", exif=exif)

    found = opened(read_picture(content, "picture").webp)

    assert (found.size, dict(found.getexif())) == ((16, 24), {})


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_picture_counts(format: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    content = saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100)

    found = opened(read_picture(content, "picture").webp)

    red, green, _ = found.convert("RGB").getpixel((4, 4))  # type: ignore[misc]  # three, as the mode says
    assert (getattr(found, "n_frames", 1), red > 200, green < 50) == (1, True, True)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00" * 100, b"not a picture", SVG, EPS, b"%PDF-1.7", b"GIF89a", b"RIFF\x00\x00\x00\x00WEBP",
        picture("ICO", (16, 16)), picture("TGA"), picture("JPEG2000"), picture("EPS"),
    ],
)  # fmt: skip
def test_what_is_no_picture_of_these_formats_is_refused(content: bytes) -> None:
    with pytest.raises(SourceImageUnreadable, match="Image validation failed"):
        read_picture(content, "picture")


@pytest.mark.parametrize("format", ["WEBP", "PNG", "JPEG", "AVIF", "GIF", "BMP", "TIFF", "PPM"])
def test_picture_that_broke_off_is_refused(format: str) -> None:
    content = saved(Image.effect_noise((64, 64), 80).convert("RGB"), format)

    for share in (0.1, 0.5, 0.9):
        with pytest.raises(SourceImageUnreadable):
            read_picture(content[: int(len(content) * share)], "picture")


def test_pixels_of_a_webp_are_looked_at_too() -> None:
    damaged = bytearray(saved(Image.effect_noise((64, 64), 80).convert("RGB"), "WEBP", lossless=True))
    damaged[200:2000] = b"\xff" * 1800

    with pytest.raises(SourceImageUnreadable):
        read_picture(bytes(damaged), "picture")


def test_picture_as_large_as_may_be_is_read() -> None:
    content = saved(Image.new("L", (3072, 3072)), "PNG")

    assert opened(read_picture(content, "picture").webp).size == (3072, 3072)


@pytest.mark.parametrize(
    ("width", "height"),
    [(3072, 3073), (PIXELS_MAX // 64 + 1, 64), (20_000, 1), (12_000, 12_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)],
)
def test_small_file_with_a_huge_picture_is_refused_before_it_is_unpacked(width: int, height: int) -> None:
    with warnings.catch_warnings():
        # Pillow warns from half of its own limit on; ours is below.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(SourceImageResolutionExceeded, match="pixels"):
            read_picture(bomb(width, height), "picture")


def test_text_that_unpacks_to_more_than_its_picture_is_refused() -> None:
    text = b"zTXt" + b"x\x00\x00" + zlib.compress(bytes(200_000_000))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    content = picture("PNG")

    with pytest.raises(SourceImageUnreadable):
        read_picture(content[:33] + chunk + content[33:], "picture")


@settings(deadline=None)
@given(
    format=st.sampled_from(["WEBP", "PNG", "JPEG", "AVIF", "GIF", "BMP", "TIFF", "PPM"]),
    damage=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=3)), min_size=1),
    kept=st.floats(0, 1),
)
def test_damaged_picture_is_read_or_refused_and_nothing_else(
    format: str, damage: list[tuple[float, bytes]], kept: float
) -> None:
    content = bytearray(picture(format, (16, 16)))
    for place, scratch in damage:
        at = int(place * len(content))
        content[at : at + len(scratch)] = scratch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read_picture(bytes(content[: int(kept * len(content)) + 1]), "picture")
        except ImageValidationFailed:
            return
        assert opened(found.webp).format == "WEBP"


@pytest.mark.parametrize("head", ["", "data:image/png;base64,", "data:,"])
def test_base64_is_read_with_and_without_a_header(head: str) -> None:
    text = head + base64.b64encode(picture("PNG")).decode()

    assert opened(read_base64(text, "picture").webp).size == (8, 8)


@pytest.mark.parametrize("text", ["", "R2D2!", "é", "YQ", "/etc/passwd", "ftp://example.org/x", "file:///etc/passwd"])
def test_text_that_is_neither_base64_nor_a_picture_is_refused(text: str) -> None:
    with pytest.raises(SourceImageUnreadable):
        read_base64(text, "picture")

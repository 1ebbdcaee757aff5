"""Pictures that come along with a request, from the requestor to the worker, and every way to be refused with one."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest
from PIL import Image

from horde.server.settings import Settings
from tests.api.actors import Json, ask, deliver, picture, pop, register, status
from tests.api.v2.by_hand import change
from tests.plugins.elsewhere import Elsewhere, elsewhere_at
from tests.plugins.hordes import RunningHorde, running

ASYNC = "/api/v2/generate/async"
READS_LINKS = "AI Horde Worker reGen:13:x"
READS_NO_LINKS = "AI Horde Worker:13:x"
CASCADE = "Stable Cascade 1.0"
SQUARE = base64.b64encode(picture("PNG")).decode()
HALF_CLEAR = Image.new("RGBA", (64, 64), (255, 0, 0, 0))


def in_base64(image: Image.Image, format: str = "PNG") -> str:
    buffer = io.BytesIO()
    image.save(buffer, format)
    return base64.b64encode(buffer.getvalue()).decode()


def read(content: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(content))
    found.load()
    return found


def fetched(link: object) -> Image.Image:
    """What a worker finds behind a link, without any key."""
    answer = httpx.get(str(link))
    assert answer.status_code == 200, answer.text
    return read(answer.content)


def take(client: httpx.Client, agent: str = READS_LINKS, **fields: Any) -> Json:
    """A job for a worker that can do everything."""
    job = pop(client, bridge_agent=agent, **fields)
    assert job["id"], job["skipped"]
    return job


def refused(client: httpx.Client, **fields: Any) -> tuple[int, str, str]:
    """Status, code and message of a refusal, which leaves nothing behind."""
    answer = client.post(ASYNC, json={"prompt": "x", **fields})
    assert answer.json().keys() == {"message", "rc"}, answer.text
    return answer.status_code, answer.json()["rc"], answer.json()["message"]


def stored(horde: RunningHorde) -> list[str]:
    """What lies in the storage, by the ends of the names."""
    return sorted(path.name[36:] for path in horde.settings.objects_dir.iterdir())


@pytest.mark.parametrize("processing", ["img2img", "inpainting", "outpainting"])
def test_picture_and_mask_reach_the_worker_by_links(client: httpx.Client, processing: str) -> None:
    sent = in_base64(Image.new("RGB", (96, 64), "blue"), "JPEG")
    mask = in_base64(Image.new("L", (96, 64), 255))
    models = ["a model for inpainting"]
    ask(client, source_image=sent, source_mask=mask, source_processing=processing, models=models)

    job = take(client, models=["stable_diffusion", *models])

    assert job["source_processing"] == processing
    found = fetched(job["source_image"])
    assert (found.format, found.size) == ("WEBP", (96, 64))
    assert fetched(job["source_mask"]).convert("L").getpixel((50, 50)) == 255
    assert job["extra_source_images"] is None
    assert deliver(client, job["id"]).status_code == 200


def test_program_that_reads_no_links_gets_base64(client: httpx.Client) -> None:
    ask(client, source_image=SQUARE, source_mask=SQUARE)

    job = take(client, READS_NO_LINKS)

    assert [read(base64.b64decode(job[name])).format for name in ("source_image", "source_mask")] == ["WEBP", "WEBP"]
    assert job["source_processing"] == "img2img"


def test_old_worker_that_knows_a_link_by_its_https_gets_base64_from_a_horde_without(client: httpx.Client) -> None:
    ask(client, source_image=SQUARE)

    assert read(base64.b64decode(take(client, "AI Horde Worker:24:x")["source_image"])).format == "WEBP"


def test_every_job_of_a_request_has_its_picture(client: httpx.Client) -> None:
    ask(client, source_image=SQUARE, params={"n": 2})

    first, second = take(client), take(client)

    assert [fetched(job["source_image"]).size for job in (first, second)] == [(64, 64), (64, 64)]


def test_pictures_to_be_remixed_reach_the_worker_with_their_strengths(
    horde: RunningHorde, client: httpx.Client
) -> None:
    with horde.client(register(client)) as user:
        change(horde, "UPDATE users SET is_trusted = true WHERE id <> 0")
        extras = [{"image": in_base64(Image.new("RGB", (64 * n, 64)), "PNG"), "strength": n / 4} for n in (1, 2)]
        extras.append({"image": SQUARE})
        ask(user, source_image=SQUARE, extra_source_images=extras, source_processing="remix", models=[CASCADE])

    job = take(client, models=[CASCADE])

    assert job["source_processing"] == "remix"
    found = [(fetched(extra["image"]).size, extra["strength"]) for extra in job["extra_source_images"]]
    assert found == [((64, 64), 0.25), ((128, 64), 0.5), ((64, 64), 1.0)]


def test_extra_pictures_can_be_remixed_without_another_one(client: httpx.Client) -> None:
    ask(client, extra_source_images=[{"image": SQUARE}], source_processing="remix", models=[CASCADE])

    job = take(client, models=[CASCADE])

    assert (job["source_image"], job["source_processing"], len(job["extra_source_images"])) == (None, "remix", 1)


def test_without_a_picture_its_processing_has_no_effect(client: httpx.Client) -> None:
    ask(client, source_processing="inpainting", source_image="", source_mask="")

    job = pop(client)

    assert job["id"]
    assert (job["source_image"], job["source_mask"], job["source_processing"]) == (None, None, "img2img")


@pytest.mark.parametrize(
    ("asked", "offered", "key"),
    [
        ({}, {"bridge_agent": "Somebody's script:1:x"}, "bridge_version"),
        ({}, {"bridge_agent": READS_LINKS, "allow_img2img": False}, "img2img"),
        ({"source_processing": "inpainting"}, {"bridge_agent": READS_LINKS, "allow_painting": False}, "painting"),
    ],
)
def test_worker_that_takes_no_pictures_gets_none(client: httpx.Client, asked: Json, offered: Json, key: str) -> None:
    ask(client, source_image=SQUARE, source_mask=SQUARE, **asked)

    job = pop(client, **offered)

    assert job["id"] is None
    assert job["skipped"][key] == 1


def test_transparent_part_is_a_mask_enough_for_inpainting(client: httpx.Client) -> None:
    ask(client, source_image=in_base64(HALF_CLEAR), source_processing="inpainting", models=["an inpainting model"])

    assert fetched(take(client, models=["an inpainting model"])["source_image"]).mode == "RGBA"


def test_pictures_leave_with_their_request(horde: RunningHorde, client: httpx.Client) -> None:
    request_id = ask(client, source_image=SQUARE, source_mask=SQUARE)
    assert stored(horde) == ["_msk.webp", "_src.webp"]

    change(horde, f"UPDATE requests SET expires_at = now() - interval '1 hour' WHERE id = '{request_id}'")

    while client.get(f"/api/v2/generate/check/{request_id}").status_code != 404:
        pass
    assert stored(horde) == []


def test_price_is_that_of_a_request_with_a_picture_and_nothing_is_stored_for_it(
    horde: RunningHorde, client: httpx.Client
) -> None:
    def price(**fields: Any) -> float:
        answer = client.post(ASYNC, json={"prompt": "x", "dry_run": True, **fields})
        assert answer.status_code == 200, answer.text
        return float(answer.json()["kudos"])

    # Not even looked at (contract/lifecycle.md, section 2: row 33 comes before 34).
    assert price(source_image="no picture") > price()
    assert stored(horde) == []


def test_call_that_is_repeated_with_its_key_stores_nothing_twice(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as user:
        body = {"prompt": "x", "source_image": SQUARE}
        answers = [user.post(ASYNC, json=body, headers={"Idempotency-Key": "one"}).json() for _ in range(2)]

    assert answers[0] == answers[1]
    assert stored(horde) == ["_src.webp"]


# ---------------------------------------------------------------------------------------------- refused
@pytest.mark.parametrize(
    ("fields", "rc"),
    [
        ({"source_image": "aGFsbG8="}, "SourceImageUnreadable"),
        ({"source_image": "no base64!"}, "SourceImageUnreadable"),
        ({"source_image": "data:image/png;base64,"}, "SourceImageUnreadable"),
        ({"source_image": base64.b64encode(picture("PNG")[:60]).decode()}, "SourceImageUnreadable"),
        ({"source_image": SQUARE, "source_mask": "aGFsbG8="}, "SourceImageUnreadable"),
        ({"source_image": in_base64(Image.new("1", (3072, 3136)))}, "SourceImageResolutionExceeded"),
        ({"source_image": "http://"}, "SourceImageUrlInvalid"),
        ({"source_image": "https://no-such-name.invalid/x.png"}, "SourceImageUrlInvalid"),
        ({"source_image": "HTTP://127.0.0.1/x.png"}, "SourceImageUrlInvalid"),
        ({"source_image": SQUARE, "source_processing": "inpainting"}, "InpaintingMissingMask"),
    ],
)
def test_picture_that_cannot_be_used_is_refused_and_leaves_nothing(
    shared_horde: RunningHorde, shared_client: httpx.Client, fields: Json, rc: str
) -> None:
    found = refused(shared_client, **fields)

    assert found[:2] == (400, rc)
    assert "Image validation failed" in found[2]
    assert stored(shared_horde) == []
    assert pop(shared_client)["id"] is None


@pytest.mark.parametrize(
    ("fields", "rc"),
    [
        ({"source_mask": SQUARE}, "SourceMaskUnnecessary"),
        ({"extra_source_images": [{"image": SQUARE}]}, "InvalidExtraSourceImages."),
        ({"source_image": SQUARE, "extra_source_images": [{"image": SQUARE}]}, "InvalidExtraSourceImages."),
        ({"extra_source_images": [{"image": SQUARE}] * 2}, "MoreThanMinExtraSourceImage."),
        ({"extra_source_images": [{"image": SQUARE}] * 6}, "TooManyExtraSourceImages."),
        ({"source_image": SQUARE, "source_processing": "remix"}, "InvalidRemix"),
        ({"models": ["pix2pix"]}, "SourceImageRequiredForModel"),
        ({"models": ["Stable Diffusion 2 Depth"]}, "SourceImageRequiredForModel"),
        ({"models": ["ControlNet canny"]}, "UnexpectedModelName"),
        (
            {
                "source_processing": "remix",
                "extra_source_images": [{"image": SQUARE}],
                "params": {"transparent": True},
            },
            "InvalidTransparencyImg2Img",
        ),
        ({"source_image": SQUARE, "params": {"control_type": "canny", "transparent": True}}, "InvalidTransparencyCN"),
        ({"params": {"control_type": "canny"}}, "ControlNetSourceMissing"),
        ({"params": {"control_type": "canny"}, "models": ["pix2pix"]}, "ControlNetUnsupported"),
        ({"source_image": SQUARE, "params": {"control_type": "hed"}, "models": ["SDXL 1.0"]}, "ControlNetMismatch"),
        (
            {"source_image": SQUARE, "source_processing": "inpainting", "params": {"control_type": "hed"}},
            "ControlNetInpaintingMismatch",
        ),
    ],
)
def test_picture_that_is_not_for_this_request_is_refused(
    shared_horde: RunningHorde, shared_client: httpx.Client, fields: Json, rc: str
) -> None:
    assert refused(shared_client, **fields)[:2] == (400, rc)
    assert stored(shared_horde) == []


def test_text_longer_than_any_picture_is_refused_by_its_length(shared_client: httpx.Client) -> None:
    answer = shared_client.post(ASYNC, json={"prompt": "x", "source_image": "A" * (20 * 1024 * 1024 + 1)})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["source_image"])


def test_picture_is_looked_at_last_of_all(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as user:
        ask(user, params={"n": 20})

        found = refused(user, params={"n": 11}, source_image="no picture")

        assert found[:2] == (429, "TooManyPrompts")
        assert stored(horde) == []


# --------------------------------------------------------------------------------------------- by URL
@contextmanager
def beside(settings: Settings, networks: str = "127.0.0.1/32", **changes: Any) -> Iterator[RunningHorde]:
    """A horde whose operator lets pictures be fetched from this machine."""
    with running(msgspec.structs.replace(settings, source_url_networks=networks, **changes)) as horde:
        yield horde


@pytest.fixture
def near(settings: Settings) -> Iterator[httpx.Client]:
    with beside(settings) as horde, horde.client() as client:
        yield client


def test_picture_is_fetched_by_its_url_once_and_handed_on_from_here(near: httpx.Client, elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/fox.png", picture("PNG", (96, 64)))
    ask(near, source_image=url, source_mask=elsewhere.redirect("/moved", "/fox.png"), params={"n": 2})

    jobs = [take(near), take(near)]

    assert [path for path, _ in elsewhere.asked] == ["/fox.png", "/moved", "/fox.png"]
    for job in jobs:
        assert job["source_image"].startswith(str(near.base_url).rstrip("/"))
        assert fetched(job["source_image"]).size == fetched(job["source_mask"]).size == (96, 64)


def test_what_lies_at_a_url_and_cannot_be_used_is_refused(near: httpx.Client, elsewhere: Elsewhere) -> None:
    page = elsewhere.put("/page", b"<!doctype html>", headers={"Content-Type": "text/html"})
    large = elsewhere.put("/large", bytes(6 * 1024 * 1024))
    huge = elsewhere.put("/huge", base64.b64decode(in_base64(Image.new("1", (3072, 3136)))))

    assert refused(near, source_image=page)[:2] == (400, "SourceImageUnreadable")
    assert refused(near, source_image=large)[:2] == (400, "SourceImageSizeExceeded")
    assert refused(near, source_image=huge)[:2] == (400, "SourceImageResolutionExceeded")
    assert refused(near, source_image=elsewhere.url("/nothing"))[:2] == (400, "SourceImageUrlInvalid")


def test_url_into_our_own_network_is_refused_also_behind_a_redirect(near: httpx.Client, elsewhere: Elsewhere) -> None:
    with elsewhere_at("127.0.0.2") as inside:
        secret = inside.put("/secret.png", picture("PNG"))

        for url in (secret, elsewhere.redirect("/", secret), "http://169.254.169.254/latest/meta-data/"):
            assert refused(near, source_image=url)[:2] == (400, "SourceImageUrlInvalid")

        assert inside.asked == []


def test_operator_can_have_nothing_fetched(settings: Settings, elsewhere: Elsewhere) -> None:
    with beside(settings, source_urls="off") as horde, horde.client() as client:
        url = elsewhere.put("/fox.png", picture("PNG"))

        assert refused(client, source_image=url)[:2] == (400, "SourceImageUrlInvalid")
        assert elsewhere.asked == []

        assert status(client, ask(client, source_image=SQUARE))["waiting"] == 1

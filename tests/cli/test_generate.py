"""`horde generate`: pictures into files, their paths to stdout, all else to stderr."""

import io
import json
import signal
from pathlib import Path

import httpx
import pytest
from PIL import Image

from horde.cli.main import status_of
from horde.cli.output import FAILED, INTERRUPTED, MISUSED
from horde.cli.progress import stage, waiting_time
from horde.wire.v2 import CheckAnswer
from tests.api.actors import deliver, picture, pop, serve_one
from tests.cli.commands import END_S_MAX, started, until_it_says
from tests.plugins.hordes import RunningHorde
from tests.worker.shifts import demo_worker

NOWHERE = "http://127.0.0.1:9"
SMALL = ["--width", "64", "--height", "64", "--steps", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HORDE_URL", "HORDE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_picture_is_written_and_only_its_path_goes_to_stdout(
    horde: RunningHorde, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with demo_worker(horde.url):
        assert status_of(["generate", "a stable", "-o", "out.webp", *SMALL, "--horde", horde.url]) == 0

    captured = capsys.readouterr()
    assert captured.out == "out.webp\n"
    assert captured.err.splitlines()[-1] == "done"
    assert (here / "out.webp").read_bytes()[8:12] == b"WEBP"


def test_several_pictures_are_numbered_and_converted(
    horde: RunningHorde, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with demo_worker(horde.url):
        assert status_of(["generate", "a stable", "-n", "2", "-o", "out.png", *SMALL, "--horde", horde.url]) == 0

    assert capsys.readouterr().out.splitlines() == ["out-1.png", "out-2.png"]
    with Image.open(io.BytesIO((here / "out-2.png").read_bytes())) as image:
        assert (image.format, image.size) == ("PNG", (64, 64))


def test_picture_to_begin_from_goes_along_with_its_mask(horde: RunningHorde, client: httpx.Client, here: Path) -> None:
    for name, colour in (("source.png", "red"), ("mask.png", "white")):
        Image.new("RGB", (64, 64), colour).save(here / name)
    words = [
        "--source-image", "source.png", "--source-mask", "mask.png", "--source-processing", "inpainting",
        "--denoising", "0.5", "--model", "an inpainting model",
    ]  # fmt: skip
    with started("generate", "a stable", *words, "-o", str(here / "out.webp"), *SMALL, HORDE_URL=horde.url) as process:
        until_it_says(process, "waiting")
        job = serve_one(client, bridge_agent="AI Horde Worker reGen:13:x", models=["an inpainting model"])
        process.communicate(timeout=END_S_MAX)

    assert process.returncode == 0
    assert (job["source_processing"], job["payload"]["denoising_strength"]) == ("inpainting", 0.5)
    with Image.open(io.BytesIO(httpx.get(job["source_image"]).content)) as found:
        assert found.format == "WEBP"
    assert httpx.get(job["source_mask"]).status_code == 200


def test_file_without_a_name_is_called_after_prompt_and_seed(
    horde: RunningHorde, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HORDE_URL", horde.url)
    with demo_worker(horde.url):
        assert status_of(["generate", "A horde of (stable) robots", "--seed", "42", *SMALL]) == 0

    assert capsys.readouterr().out == "a-horde-of-stable-robots-42.webp\n"


def test_json_tells_machines_all_there_is(horde: RunningHorde, capsys: pytest.CaptureFixture[str]) -> None:
    with demo_worker(horde.url):
        words = ["generate", "a stable", "-n", "2", "-o", "out.webp", "--seed", "7", "--json", *SMALL]
        assert status_of([*words, "--horde", horde.url]) == 0

    told = json.loads(capsys.readouterr().out)
    assert len(told["id"]) == 36
    assert told["kudos"] >= 0
    assert sorted((image["file"], image["seed"], image["worker"]) for image in told["images"]) == [
        ("out-1.webp", "9", "tested worker"),
        ("out-2.webp", "10", "tested worker"),
    ]


def test_request_that_nobody_can_serve_is_given_up_when_told_so(
    horde: RunningHorde, client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["generate", "a stable", "--no-wait", *SMALL, "--horde", horde.url]) == FAILED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-3] == "error: no worker can make this now"
    assert pop(client)["id"] is None


def test_ctrl_c_cancels_the_request(horde: RunningHorde, client: httpx.Client) -> None:
    with started("generate", "a stable", *SMALL, HORDE_URL=horde.url) as process:
        until_it_says(process, "no worker can make it now")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=END_S_MAX)

    assert process.returncode == INTERRUPTED
    assert stdout == ""
    assert "cancelled the request" in stderr
    assert "Traceback" not in stderr
    assert pop(client)["id"] is None


def test_pictures_that_were_ready_are_written_when_the_request_is_cancelled(
    horde: RunningHorde, client: httpx.Client, here: Path
) -> None:
    with started(
        "generate", "a stable", "-n", "2", "-o", str(here / "out.webp"), *SMALL, HORDE_URL=horde.url
    ) as process:
        until_it_says(process, "0 of 2 ready")
        serve_one(client)
        until_it_says(process, "1 of 2 ready")
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=END_S_MAX)

    assert process.returncode == INTERRUPTED
    assert stdout == f"{here / 'out-1.webp'}\n"
    assert (here / "out-1.webp").read_bytes() == picture()


def test_pictures_that_were_ready_are_written_when_workers_fail_at_the_others(
    horde: RunningHorde, client: httpx.Client, here: Path
) -> None:
    with started(
        "generate", "a stable", "-n", "2", "-o", str(here / "out.webp"), *SMALL, HORDE_URL=horde.url
    ) as process:
        until_it_says(process, "0 of 2 ready")
        serve_one(client)
        for _ in range(3):
            deliver(client, pop(client)["id"], state="faulted", generation="faulted").raise_for_status()
        stdout, stderr = process.communicate(timeout=END_S_MAX)

    assert process.returncode == FAILED
    assert stdout == f"{here / 'out-1.webp'}\n"
    assert "pictures that are ready: 1" in stderr


@pytest.mark.parametrize(
    ("words", "status", "fragment"),
    [
        (["-o", "out.gif"], MISUSED, "No picture can be written as .gif"),
        (["-o", "missing/out.webp"], MISUSED, "there is no folder missing"),
        (["--width", "100"], MISUSED, "params.width"),
        (["--width", "wide"], MISUSED, "wide"),
        (["--horde", "nowhere"], MISUSED, "'nowhere' is not the address of a horde"),
        (["--source-image", "missing.png"], MISUSED, "missing.png cannot be read: No such file"),
        (["--denoising", "2"], MISUSED, "params.denoising_strength"),
        ([], FAILED, f"{NOWHERE} does not answer"),
    ],
)
def test_refusal_is_one_line_and_a_hint(
    words: list[str],
    status: int,
    fragment: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HORDE_URL", NOWHERE)

    assert status_of(["generate", "a stable", *words]) == status

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert fragment in captured.err.splitlines()[0]
    assert "\n\nhint: " in captured.err


def progress(**fields: object) -> CheckAnswer:
    at_first = CheckAnswer(
        finished=0, processing=0, restarted=0, waiting=1, done=False, faulted=False, wait_time=0, queue_position=0,
        kudos=0, is_possible=True,
    )  # fmt: skip
    for name, value in fields.items():
        setattr(at_first, name, value)
    return at_first


@pytest.mark.parametrize(
    ("fields", "text", "time"),
    [
        ({}, "waiting", ""),
        ({"queue_position": 3, "wait_time": 12}, "waiting, number 3 in the queue", ", about 12 s"),
        ({"is_possible": False, "wait_time": 12}, "no worker can make it now, waiting for one (Ctrl-C cancels)", ""),
        ({"processing": 1, "waiting": 0}, "being made", ""),
        ({"processing": 1, "waiting": 2, "finished": 1}, "being made, 1 of 4 ready", ""),
        ({"done": True, "finished": 4, "waiting": 0}, "done, 4 of 4 ready", ""),
    ],
)
def test_progress_is_said_in_words(fields: dict[str, object], text: str, time: str) -> None:
    assert (stage(progress(**fields)), waiting_time(progress(**fields))) == (text, time)

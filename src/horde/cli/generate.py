"""`horde generate`: ask a horde for pictures and write them into files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import stamina
from cyclopts import Parameter
from stamina.instrumentation import RetryDetails

from horde.cli.horde_options import ApiKey, HordeUrl
from horde.cli.output import FAILED, CommandFailed, answer, say
from horde.cli.progress import ProgressLine
from horde.cli.refusals import refusals
from horde.client import (
    ANONYMOUS_KEY,
    DEFAULT_URL,
    CheckAnswer,
    Horde,
    HordeError,
    Image,
    RequestFaulted,
    RequestHandle,
)
from horde.client.images import check_suffix
from horde.kinds.base import SourceProcessing

NAME_WORDS_MAX = 6
"""Words of the prompt that name a file, when nobody said how to call it."""


def generate(
    prompt: str,
    /,
    *,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="file to write: .webp, .png or .jpg")
    ] = None,
    n: Annotated[int, Parameter(name=["--number", "-n"], help="how many pictures; files get -1, -2, ...")] = 1,
    negative: Annotated[str, Parameter(help="what should not be seen")] = "",
    width: Annotated[int, Parameter(help="pixels, a multiple of 64")] = 512,
    height: Annotated[int, Parameter(help="pixels, a multiple of 64")] = 512,
    steps: Annotated[int | None, Parameter(help="how often the picture is refined")] = None,
    seed: Annotated[str | None, Parameter(help="the same seed makes the same picture again")] = None,
    model: Annotated[
        list[str] | None, Parameter(help="take one of these models; any, unless said", negative="")
    ] = None,
    source_image: Annotated[Path | None, Parameter(help="picture to begin from")] = None,
    source_mask: Annotated[Path | None, Parameter(help="picture that says which part of it to paint over")] = None,
    source_processing: Annotated[SourceProcessing, Parameter(help="what to do with it")] = "img2img",
    denoising: Annotated[float | None, Parameter(help="how far to go from it, 0.01 to 1")] = None,
    nsfw: Annotated[bool, Parameter(help="take pictures that may be not safe for work", negative="")] = False,
    wait: Annotated[bool, Parameter(help="wait for a worker when none can do it now")] = True,
    as_json: Annotated[bool, Parameter(name="--json", help="answer in JSON", negative="")] = False,
    horde: HordeUrl = DEFAULT_URL,
    key: ApiKey = ANONYMOUS_KEY,
) -> int:
    """Ask a horde for pictures of a prompt, wait for them and write them.

    The paths written go to stdout, everything else to stderr. Ctrl-C cancels the request.
    """
    _check_output(output)
    # The library's own way is a log line on stdout, where the paths go.
    stamina.instrumentation.set_on_retry_hooks([_say_retry])
    with refusals(), Horde(horde, key) as opened:
        request = opened.generate(
            prompt,
            negative_prompt=negative,
            n=n,
            width=width,
            height=height,
            steps=steps,
            seed=seed,
            models=model or [],
            nsfw=nsfw,
            source_image=_content(source_image),
            source_mask=_content(source_mask),
            source_processing=source_processing,
            denoising_strength=denoising,
        )
        with ProgressLine() as line:
            watch = _Watch(line, may_wait=wait)
            ended = _end_of(request, watch)
        # Also what was ready before somebody had enough: it is made and paid for.
        images = request.images() if watch.last is not None and watch.last.finished else []
    paths = [image.save(path) for image, path in zip(images, _paths(output, prompt, images, n), strict=True)]
    _tell(request, watch, images, paths, as_json=as_json)
    if isinstance(ended, HordeError):
        raise CommandFailed(ended.message, hint=ended.hint, status=FAILED) from ended
    if ended is not None:
        raise ended
    return 0


@dataclass
class _Watch:
    """Hears how far the request is."""

    line: ProgressLine
    may_wait: bool
    last: CheckAnswer | None = None

    def look(self, progress: CheckAnswer) -> None:
        self.last = progress
        self.line.show(progress)
        if not (progress.is_possible or progress.done or self.may_wait):
            raise CommandFailed(
                "no worker can make this now",
                hint="leave out --no-wait to wait for one, or ask for another model or a smaller size.",
                status=FAILED,
            )


def _end_of(request: RequestHandle, watch: _Watch) -> BaseException | None:
    """Wait for the end of a request; what ended it before all its pictures were ready, if anything did."""
    try:
        request.wait(watch.look)
    except RequestFaulted as fault:
        return fault
    except (KeyboardInterrupt, CommandFailed) as wish:
        request.cancel()
        say(f"cancelled the request {request.id}")
        return wish
    return None


def _check_output(output: Path | None) -> None:
    """Refuse a file that cannot be written before anybody works for it."""
    if output is None:
        return
    with refusals():
        check_suffix(output.suffix)
    if not output.parent.is_dir():
        raise CommandFailed(f"there is no folder {output.parent}", hint=f"make it: mkdir -p {output.parent}")


def _content(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}", hint="name a picture that is there.") from error


def _paths(output: Path | None, prompt: str, images: list[Image], n: int) -> list[Path]:
    if output is None:
        words = re.findall(r"\w+", prompt.lower())[:NAME_WORDS_MAX]
        return [Path("-".join([*words, image.seed]) + ".webp") for image in images]
    if n == 1:
        return [output for _ in images]
    return [output.with_stem(f"{output.stem}-{at}") for at in range(1, len(images) + 1)]


def _tell(request: RequestHandle, watch: _Watch, images: list[Image], paths: list[Path], *, as_json: bool) -> None:
    for path, image in zip(paths, images, strict=True):
        if not as_json:
            answer(str(path))
        if image.is_censored:
            say(f"{path} is a placeholder: the worker censored the picture")
    if as_json:
        made = [
            {"file": str(path), "seed": image.seed, "worker": image.worker_name, "model": image.model}
            for path, image in zip(paths, images, strict=True)
        ]
        kudos = watch.last.kudos if watch.last is not None else 0
        answer(json.dumps({"id": request.id, "kudos": kudos, "images": made}))


def _say_retry(details: RetryDetails) -> None:
    say(f"{details.caused_by} Trying again in {details.wait_for:.1f} s.")

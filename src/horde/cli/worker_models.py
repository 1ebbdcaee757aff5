"""`horde worker models`: fetch, list and remove the models of back ends that load them themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from horde.cli.output import FAILED, CommandFailed, answer
from horde.worker.models.download import DownloadFailed, Told
from horde.worker.models.reference import BadReference, ModelFile, file_at, files_of
from horde.worker.models.shelf import NoSuchModel, Shelf
from horde.worker.settings import Settings

app = App(name="models", help="Fetch, list and remove models. A worker goes on serving meanwhile.")
MIB = 1024 * 1024
MODELS = "models"
"""Their folder among the worker's data."""


@app.command(name="list")
def list_models() -> int:
    """List the models that are here whole."""
    shelf = _shelf()
    found = shelf.models()
    for model, size in found:
        answer(f"{model.name}  {size / MIB:,.0f} MiB  {', '.join(file.name for file in model.files)}")
    if not found:
        answer(f"no models in {shelf.folder}; `horde worker models get NAME --url https://...` fetches one")
    return 0


@app.command
def get(
    name: Annotated[str, Parameter(help="the name that requestors give it")],
    *,
    url: Annotated[str | None, Parameter(help="the address of its file, e.g. on a hub")] = None,
    sha256: Annotated[str | None, Parameter(help="what the file must be")] = None,
    reference: Annotated[Path | None, Parameter(help="a model reference that knows its files")] = None,
) -> int:
    """Fetch a model; what was begun before goes on from there."""
    if (url is None) == (reference is None):
        raise CommandFailed(f"where {name!r} is to be had is not clear", hint="give either --url or --reference")
    try:
        files = files_of(reference, name) if reference is not None else [file_at(url or "", sha256=sha256)]
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            stored = _shelf().get(name, files, lambda file: _bar(progress, file))
    except BadReference as error:
        raise CommandFailed(str(error)) from error
    except DownloadFailed as error:
        raise CommandFailed(str(error), hint="calling it again goes on where it broke off.", status=FAILED) from error
    for file in stored.files:
        answer(f"{name}: {file.name}, SHA-256 {file.sha256}")
    return 0


@app.command
def remove(name: Annotated[str, Parameter(help="as `horde worker models list` shows it")]) -> int:
    """Delete a model."""
    try:
        freed = _shelf().remove(name)
    except NoSuchModel as error:
        raise CommandFailed(str(error), hint="`horde worker models list` names those that there are.") from error
    answer(f"{name} is deleted; {freed / MIB:,.0f} MiB are free again")
    return 0


def _shelf() -> Shelf:
    return Shelf(Settings.from_environment().data / MODELS)


def _bar(progress: Progress, file: ModelFile) -> Told:
    task = progress.add_task(file.name, total=None)
    return lambda so_far, whole: progress.update(task, completed=so_far, total=whole)

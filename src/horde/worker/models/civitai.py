"""Finds LoRAs and textual inversions where requestors have their names from: at CivitAI, by its public API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final, TypeVar

import httpx
import msgspec

from horde import __version__
from horde.kinds.agents import OUR_AGENT
from horde.net.addresses import Network, PublicOnly, PublicOnlyInThread, is_private_literal, without_keep_alive
from horde.worker.backends.base import AddOnKind
from horde.worker.models.download import Transport
from horde.worker.models.reference import BadReference, ModelFile, file_at
from horde.worker.sources import is_local

CIVITAI_URL: Final = "https://civitai.com/api/v1"
SECONDS_MAX = 20.0
CONNECTIONS = 4
ANSWER_BYTES_MAX = 4 * 1024 * 1024
FOUND_MAX = 20
"""How many a search brings, of which the one is taken that bears the very name."""
KIB = 1024
SUFFIX = ".safetensors"
"""The only format that is taken: others can run code while they are read."""

Query = Mapping[str, str | int | list[str]]
TYPES: Final[Mapping[AddOnKind, Sequence[str]]] = {
    "lora": ("LORA", "LoCon", "DoRA"),
    "ti": ("TextualInversion",),
}
"""What these are called there."""


class NotOffered(Exception):
    """There is nothing of this name that could be used here; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request names."""

    kind: AddOnKind
    name: str
    """A name, or the number of a model there."""
    is_version: bool = False
    """Whether the name is the number of one version of a model."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is to be had."""

    file: ModelFile
    size_bytes: int
    triggers: tuple[str, ...]
    """Words in a prompt that wake it."""
    is_nsfw: bool


class _Hashes(msgspec.Struct):
    sha256: str = msgspec.field(default="", name="SHA256")


class _File(msgspec.Struct, rename="camel"):
    name: str = ""
    download_url: str = ""
    primary: bool = False
    size_kib: float = msgspec.field(default=0.0, name="sizeKB")
    hashes: _Hashes | None = None


class _OfModel(msgspec.Struct):
    type: str = ""
    nsfw: bool = False


class _Version(msgspec.Struct, rename="camel"):
    trained_words: list[str] | None = None
    files: list[_File] = []
    model: _OfModel = msgspec.field(default_factory=_OfModel)


class _Model(msgspec.Struct, rename="camel"):
    name: str = ""
    type: str = ""
    nsfw: bool = False
    model_versions: list[_Version] = []


class _Found(msgspec.Struct):
    items: list[_Model] = []


_Answer = TypeVar("_Answer")


class Civitai:
    """CivitAI, or another that answers as it does.

    Nothing that it names or leads to is fetched from the owner's own network, unless it is there itself.
    """

    def __init__(self, url: str = CIVITAI_URL, token: str = "") -> None:
        self.headers: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
        """What downloads from it have to say as well."""
        self._also = _networks_of(url)
        plain: httpx.AsyncBaseTransport = without_keep_alive(connections=CONNECTIONS)
        self._http = httpx.AsyncClient(
            transport=plain if self._also is None else PublicOnly(plain, also=self._also),
            base_url=url,
            timeout=SECONDS_MAX,
            follow_redirects=True,
            headers={**self.headers, "User-Agent": f"{OUR_AGENT}/{__version__}"},
        )

    @property
    def transport(self) -> Transport | None:
        """What connects for downloads from it; None: they may come from anywhere."""
        also = self._also
        return None if also is None else lambda: PublicOnlyInThread(also=also)

    async def find(self, wanted: Wanted) -> Offer:
        """Where it is to be had. Raises NotOffered for what is not there, and httpx.HTTPError if nobody answers."""
        is_number = wanted.name.isascii() and wanted.name.isdigit()
        if wanted.is_version:
            if not is_number:
                raise NotOffered(f"a version is a number, not {wanted.name!r}")
            version = await self._ask(f"/model-versions/{wanted.name}", {}, _Version)
            return _offer(wanted, version, version.model.type, is_nsfw=version.model.nsfw)
        model = await (self._ask(f"/models/{wanted.name}", {}, _Model) if is_number else self._named(wanted))
        if not model.model_versions:
            raise NotOffered(f"{wanted.name!r} has no version")
        return _offer(wanted, model.model_versions[0], model.type, is_nsfw=model.nsfw)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _named(self, wanted: Wanted) -> _Model:
        query: Query = {"query": wanted.name, "types": list(TYPES[wanted.kind]), "limit": FOUND_MAX}
        found = (await self._ask("/models", query, _Found)).items
        same = [model for model in found if model.name.casefold() == wanted.name.casefold()]
        if not same:
            raise NotOffered(f"nothing there is called {wanted.name!r}")
        return same[0]

    async def _ask(self, path: str, query: Query, kind: type[_Answer]) -> _Answer:
        async with self._http.stream("GET", path, params=query) as answer:
            if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.BAD_REQUEST):
                raise NotOffered(f"{path} is not there")
            answer.raise_for_status()
            content = bytearray()
            async for chunk in answer.aiter_bytes():
                content += chunk
                if len(content) > ANSWER_BYTES_MAX:
                    raise NotOffered(f"the answer for {path} has more than {ANSWER_BYTES_MAX:,} bytes")
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise NotOffered(f"the answer for {path} cannot be read: {error}") from error


def _networks_of(url: str) -> Sequence[Network] | None:
    """Where beside the public Internet its files may come from; None: anywhere, for one in the owner's own network."""
    host = httpx.URL(url).host
    if is_private_literal(host):
        return [ip_network(host)]
    return None if is_local(url) else []


def _offer(wanted: Wanted, version: _Version, kind: str, *, is_nsfw: bool) -> Offer:
    if kind not in TYPES[wanted.kind]:
        raise NotOffered(f"{wanted.name!r} is of the type {kind!r}, not {' or '.join(TYPES[wanted.kind])}")
    files = sorted((file for file in version.files if file.name.endswith(SUFFIX)), key=lambda file: not file.primary)
    if not files:
        raise NotOffered(f"{wanted.name!r} has no {SUFFIX} file")
    chosen = files[0]
    if chosen.hashes is None or not chosen.hashes.sha256:
        raise NotOffered(f"no checksum is told of {wanted.name!r}")
    try:
        file = file_at(chosen.download_url, chosen.name, chosen.hashes.sha256)
    except BadReference as error:
        raise NotOffered(str(error)) from error
    return Offer(file, int(chosen.size_kib * KIB), tuple(version.trained_words or ()), is_nsfw)

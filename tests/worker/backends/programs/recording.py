"""What was said between a back end of ours and a real program, as files."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parents[1] / "recordings"
HOME = b"/home/owner"
"""In the recordings, where the program lies."""
LENT = b"horde-00000000-"
"""In the recordings, how the names of files begin that are lent to the program."""
VOLATILE = frozenset({"client_id", "genkey", "sampler_seed", "seed"})
"""Words of a request that differ from run to run and change nothing in what is answered."""


class Body(msgspec.Struct, omit_defaults=True):
    """A body in the form in which a person can read most of it."""

    json: msgspec.Raw = msgspec.Raw(b"")
    text: str = ""
    base64: str = ""

    @classmethod
    def of(cls, content: bytes) -> Body:
        try:
            msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            try:
                return cls(text=content.decode())
            except UnicodeDecodeError:
                return cls(base64=base64.b64encode(content).decode())
        return cls(json=msgspec.Raw(content))

    @property
    def content(self) -> bytes:
        if bytes(self.json):
            return bytes(self.json)
        return self.text.encode() or base64.b64decode(self.base64)


class Exchange(msgspec.Struct, omit_defaults=True):
    """One request, its answer, and what a websocket said from then on until the next request of this kind."""

    method: str
    path: str
    """With its query."""
    asked: Body
    status: int
    content_type: str
    answered: Body
    socket: list[Body] = []

    def fits(self, method: str, path: str, asked: bytes) -> bool:
        """Whether this answers that request."""
        return (self.method, self.path) == (method, path) and _steady(self.asked.content) == _steady(asked)


class Recording(msgspec.Struct):
    """All that was said in one scene."""

    program: str
    """Which program, of which version."""
    origin: str
    """How the exchanges came to be here."""
    exchanges: list[Exchange]


def read(file: Path) -> Recording:
    return msgspec.json.decode(file.read_bytes(), type=Recording)


def write(file: Path, recording: Recording) -> None:
    """One exchange a line, so that a change can be seen for what it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [msgspec.json.format(msgspec.json.encode(exchange), indent=-1) for exchange in recording.exchanges]
    head = msgspec.json.encode({"program": recording.program, "origin": recording.origin})
    file.write_bytes(head[:-1] + b',"exchanges":[\n' + b",\n".join(lines) + b"\n]}\n")


def _steady(asked: bytes) -> object:
    """A request without what differs from run to run: volatile words, and the borders between parts of a form."""
    try:
        body = msgspec.json.decode(asked)
    except (msgspec.DecodeError, UnicodeDecodeError):
        border = asked.split(b"\r\n", 1)[0]
        return asked.replace(border, b"--") if border.startswith(b"--") else asked
    if isinstance(body, dict):
        return {name: value for name, value in body.items() if name not in VOLATILE}
    return body

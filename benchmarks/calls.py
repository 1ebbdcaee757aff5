"""The calls of the wire of v2 as whole HTTP requests, and what is read of their answers."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from benchmarks.needs import STEPS, Need, Offer

ANONYMOUS_KEY = "0000000000"
BRIDGE_AGENT = "AI Horde Worker reGen:13.0.0:https://example.org/worker"
CLIENT_AGENT = "bench:1:https://example.org/bench"
PROMPT = "a horde of stable robots at work under a wide evening sky, oil on canvas, number {number:010d}"


class Accepted(msgspec.Struct):
    """Of generate/async."""

    id: str
    kudos: float


class Payload(msgspec.Struct):
    """Of generate/pop, the inner part."""

    prompt: str | None = None


class Popped(msgspec.Struct):
    """Of generate/pop."""

    payload: Payload
    id: str | None = None
    ids: list[str] = []


class Submitted(msgspec.Struct):
    """Of generate/submit."""

    reward: float
    credited: float | None = None
    escrowed: float = 0.0

    @property
    def earned(self) -> float:
        """What came to the account; a horde that says nothing of it gives all of the reward."""
        return (self.reward if self.credited is None else self.credited) - self.escrowed


class Progress(msgspec.Struct):
    """Of generate/check."""

    done: bool
    faulted: bool
    waiting: int


class Generation(msgspec.Struct):
    """Of generate/status, one picture."""

    id: str
    img: str


class Status(Progress):
    """Of generate/status."""

    generations: list[Generation]


class Registered(msgspec.Struct):
    """Of register."""

    api_key: str


class Account(msgspec.Struct):
    """Of find_user."""

    kudos: float


class Heartbeat(msgspec.Struct):
    """Of status/heartbeat."""

    queue: int


read_accepted = msgspec.json.Decoder(Accepted).decode
read_popped = msgspec.json.Decoder(Popped).decode
read_submitted = msgspec.json.Decoder(Submitted).decode
read_progress = msgspec.json.Decoder(Progress).decode
read_status = msgspec.json.Decoder(Status).decode
read_registered = msgspec.json.Decoder(Registered).decode
read_account = msgspec.json.Decoder(Account).decode
read_heartbeat = msgspec.json.Decoder(Heartbeat).decode


def get(path: str, *, key: str = "") -> bytes:
    """A GET."""
    apikey = f"apikey: {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{apikey}Client-Agent: {CLIENT_AGENT}\r\n\r\n".encode()


def post(path: str, body: bytes, *, key: str = "") -> bytes:
    """A POST of JSON."""
    apikey = f"apikey: {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\n{apikey}Client-Agent: {CLIENT_AGENT}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def generate_async(key: str, number: int, need: Need) -> bytes:
    """Ask for one picture, to be handed over inline; `number` is found again in the job's prompt."""
    body: Mapping[str, object] = {
        "prompt": PROMPT.format(number=number),
        "params": {"sampler_name": "k_euler", "width": need.width, "height": need.height, "steps": STEPS, "n": 1},
        "nsfw": need.nsfw,
        "models": [need.model],
        "r2": False,
    }
    return post("/api/v2/generate/async", msgspec.json.encode(body), key=key)


def number_of(prompt: str) -> int:
    """The number that `generate_async` put into the prompt."""
    return int(prompt[-10:])


def pop(key: str, name: str, offer: Offer) -> bytes:
    """A worker asks for one job."""
    body: Mapping[str, object] = {
        "name": name,
        "models": offer.models,
        "nsfw": offer.nsfw,
        "max_pixels": offer.max_pixels,
        "bridge_agent": BRIDGE_AGENT,
        "threads": 1,
        "amount": 1,
        "priority_usernames": [],
        "blacklist": [],
        "allow_img2img": True,
        "allow_painting": True,
        "allow_lora": True,
    }
    return post("/api/v2/generate/pop", msgspec.json.encode(body), key=key)


def submit(key: str, job_id: str, picture: bytes) -> bytes:
    """A worker hands in a picture that is in base64 already."""
    body = b'{"id":"%s","generation":"%s","seed":1,"state":"ok","gen_metadata":[]}' % (job_id.encode(), picture)
    return post("/api/v2/generate/submit", body, key=key)


def check(request_id: str) -> bytes:
    """How far a request is."""
    return get(f"/api/v2/generate/check/{request_id}")


def status(request_id: str) -> bytes:
    """How far a request is, with its pictures."""
    return get(f"/api/v2/generate/status/{request_id}")


def register(name: str) -> bytes:
    """Make an account."""
    return post("/register", msgspec.json.encode({"username": name}))


def find_user(key: str) -> bytes:
    """The account of a key."""
    return get("/api/v2/find_user", key=key)


def heartbeat() -> bytes:
    """The state of the horde."""
    return get("/api/v2/status/heartbeat")

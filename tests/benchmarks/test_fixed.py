"""The limit of the HTTP layer is measured with the bytes that the server under test really sent."""

from collections.abc import MutableMapping
from pathlib import Path

from benchmarks import calls
from benchmarks.fixed import Fixed, route_of, write_answers
from benchmarks.needs import NEEDS

ID = "dacd04fa-187d-4206-9f16-7009a6d9987f"
RECORDED = b"HTTP/1.1 202 Accepted\r\ndate: today\r\nContent-Type: application/json\r\ncontent-length: 2\r\n\r\n{}"


async def test_recorded_answer_comes_back_after_the_whole_body_was_read(tmp_path: Path) -> None:
    write_answers(tmp_path, {route_of(calls.check(ID)): RECORDED})
    parts: list[MutableMapping[str, object]] = [{"more_body": True}, {"more_body": False}]
    sent: list[MutableMapping[str, object]] = []

    async def receive() -> MutableMapping[str, object]:
        return parts.pop(0)

    async def send(message: MutableMapping[str, object]) -> None:
        sent.append(message)

    path = f"/api/v2/generate/check/{ID.replace('d', 'e')}"
    await Fixed(tmp_path)({"type": "http", "method": "GET", "path": path}, receive, send)

    assert parts == []
    start, body = sent
    assert (start["status"], body["body"]) == (202, b"{}")
    assert start["headers"] == [(b"content-type", b"application/json"), (b"content-length", b"2")]


def test_number_of_a_request_is_found_again_in_its_prompt() -> None:
    request = calls.generate_async("key", 1234, NEEDS[0])

    assert calls.number_of(calls.PROMPT.format(number=1234)) == 1234
    assert calls.PROMPT.format(number=1234).encode() in request

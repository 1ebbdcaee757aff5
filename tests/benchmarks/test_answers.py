"""The parser gives the same answers however the bytes are cut."""

import pytest

from benchmarks.answers import Answers, Unreadable

WHOLE = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 11\r\n\r\n{"done": 1}'
CHUNKED = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nA;note=x\r\n0123456789\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
STREAM = WHOLE + CHUNKED + EMPTY + WHOLE


@pytest.mark.parametrize("piece", [1, 2, 7, 50, len(STREAM)])
def test_answers_come_out_whole_and_in_order_however_they_are_cut(piece: int) -> None:
    answers = Answers()

    found = [answer for at in range(0, len(STREAM), piece) for answer in answers.feed(STREAM[at : at + piece])]

    assert [(answer.status, answer.body) for answer in found] == [
        (200, b'{"done": 1}'),
        (202, b"abcd0123456789"),
        (204, b""),
        (200, b'{"done": 1}'),
    ]


def test_answer_is_not_given_before_its_last_byte() -> None:
    answers = Answers()

    assert answers.feed(WHOLE[:-1]) == []
    assert len(answers.feed(WHOLE[-1:])) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-somebody else\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil I close",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000,
    ],
)
def test_bytes_without_a_known_end_are_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        Answers().feed(data)

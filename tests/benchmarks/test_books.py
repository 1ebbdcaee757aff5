"""The books notice every broken promise: a figure of a server that cheats is never printed."""

from collections.abc import Callable

import pytest

from benchmarks.books import Books, Entry, Violated
from benchmarks.needs import A_TENTH, EVERYTHING, NEEDS, NOTHING, can_do

PICTURE = b"a picture"


def asked(books: Books, request_id: str = "request") -> Entry:
    entry = books.ask("requestor", NEEDS[0])
    books.accepted(entry, request_id)
    return entry


def delivered(books: Books) -> Entry:
    entry = books.handed_out(asked(books).number, "job", "owner", EVERYTHING)
    books.delivered(entry, 6.25, earned=3.5, picture=PICTURE)
    return entry


def test_request_that_went_its_whole_way_balances() -> None:
    books = Books()
    books.received_picture(delivered(books), [("job", PICTURE)])

    books.check_nothing_is_lost(waiting_on_server=0)
    books.check_paid("owner", 17.5, opening=14)

    assert books.received == 1


def handed_out_twice(books: Books) -> None:
    number = asked(books).number
    books.handed_out(number, "job", "owner", EVERYTHING)
    books.handed_out(number, "another job", "owner", EVERYTHING)


def handed_out_after_its_end(books: Books) -> None:
    entry = delivered(books)
    books.received_picture(entry, [("job", PICTURE)])
    books.handed_out(entry.number, "another job", "owner", EVERYTHING)


def one_job_id_for_two(books: Books) -> None:
    for request_id in ("one", "two"):
        books.handed_out(asked(books, request_id).number, "job", "owner", EVERYTHING)


def one_request_id_for_two(books: Books) -> None:
    asked(books)
    asked(books)


def given_to_who_cannot(books: Books) -> None:
    books.handed_out(asked(books).number, "job", "owner", NOTHING)


def ended_with_another_picture(books: Books) -> None:
    books.received_picture(delivered(books), [("job", b"another picture")])


def ended_without_a_picture(books: Books) -> None:
    books.received_picture(delivered(books), [])


def ended_with_the_job_of_another(books: Books) -> None:
    books.received_picture(delivered(books), [("another job", PICTURE)])


def taken_twice(books: Books) -> None:
    books.delivered(delivered(books), 6.25, earned=3.5, picture=PICTURE)


def not_rewarded(books: Books) -> None:
    entry = books.handed_out(asked(books).number, "job", "owner", EVERYTHING)
    books.delivered(entry, 0, earned=0, picture=PICTURE)


def lost_in_the_queue(books: Books) -> None:
    asked(books)
    books.check_nothing_is_lost(waiting_on_server=0)


def lost_under_way(books: Books) -> None:
    books.handed_out(asked(books).number, "job", "owner", EVERYTHING)
    books.check_nothing_is_lost(waiting_on_server=0)


def paid_too_little(books: Books) -> None:
    delivered(books)
    books.check_paid("owner", 17.49, opening=14)


@pytest.mark.parametrize(
    "broken",
    [
        handed_out_twice,
        handed_out_after_its_end,
        one_job_id_for_two,
        one_request_id_for_two,
        given_to_who_cannot,
        ended_with_another_picture,
        ended_without_a_picture,
        ended_with_the_job_of_another,
        taken_twice,
        not_rewarded,
        lost_in_the_queue,
        lost_under_way,
        paid_too_little,
    ],
)
def test_broken_promise_is_noticed(broken: Callable[[Books], None]) -> None:
    with pytest.raises(Violated):
        broken(Books())


@pytest.mark.parametrize("count", [100, 200])
def test_a_tenth_of_the_needs_is_a_tenth_at_every_backlog(count: int) -> None:
    assert sum(can_do(A_TENTH, need) for need in NEEDS[:count]) == count / 10
    assert all(can_do(EVERYTHING, need) for need in NEEDS[:count])
    assert not any(can_do(NOTHING, need) for need in NEEDS[:count])

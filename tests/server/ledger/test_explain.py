"""Every entry of a statement says in a line what happened."""

from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest

from horde.server.ledger.book import EventKind
from horde.server.ledger.explain import WORDS, explanation
from horde.server.ledger.statement import Entry

REQUEST, JOB = UUID(int=1), UUID(int=2)
ASKED = f"request {REQUEST}"


def entry(kind: str, spendable: int = 0, held: int = 0, escrow: int = 0, **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "seq": 1, "id": UUID(int=3), "kind": kind, "at": datetime(2026, 1, 1, tzinfo=UTC), "request_id": REQUEST,
        "job_id": JOB, "worker_id": None, "note": None, "spendable_mk": spendable, "held_mk": held,
        "escrow_mk": escrow, "lifted_mk": 0, "spendable_after_mk": 0, "held_after_mk": 0, "escrow_after_mk": 0,
        "others": [],
    }  # fmt: skip
    return Entry(**(values | changes))


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (entry("opening", 14_000, lifted_mk=14_000), "the account stands at its floor: 14.000 given"),
        (entry("ask", -11_000, 10_000), f"{ASKED}: reserved 10.000, paid 1.000 for asking"),
        (entry("ask", -1_000), f"{ASKED}: paid 1.000 for asking"),
        (entry("ask", 0, lifted_mk=1_000), f"{ASKED}: paid 1.000 for asking; 1.000 given to stay at the floor"),
        (entry("job", 750, -10_000), f"{ASKED}: paid 9.250 to worker Atlas, 0.750 returned"),
        (entry("job", 0, -10_000), f"{ASKED}: paid 10.000 to worker Atlas"),
        (entry("job", 5_000, -5_000), f"{ASKED}: made by worker Atlas for nothing, 5.000 returned"),
        (entry("job", -4_000, -6_000), f"{ASKED}: paid 10.000 to worker Atlas, 4.000 of it not reserved before"),
        (
            entry("job", 0, -6_000, lifted_mk=4_000),
            f"{ASKED}: paid 10.000 to worker Atlas, 4.000 of it not reserved before; 4.000 given to stay at the floor",
        ),
        (entry("job", 750, -10_000, request_id=None), f"job {JOB}: paid 9.250 to worker Atlas, 0.750 returned"),
        (entry("job", 4_130, 0, 4_120), f"job {JOB}: earned 8.250 by worker Atlas, 4.120 of it in escrow"),
        (entry("job", 1_234_500), f"job {JOB}: earned 1,234.500 by worker Atlas"),
        (entry("return", 3_000, -3_000, note="cancelled"), f"{ASKED}: 3.000 returned (cancelled)"),
        (entry("uptime", escrow=52_000), "worker Atlas: 52.000 for being online, in escrow"),
        (entry("uptime", 52_000), "worker Atlas: 52.000 for being online"),
        (entry("promotion", 60_000, 0, -60_000), "trusted: 60.000 of escrow can be spent"),
        (entry("gift", -5_000, others=["Bob#2"]), "gave 5.000 to Bob#2"),
        (entry("gift", 5_000, others=["Ada#1"]), "got 5.000 from Ada#1"),
        (entry("award", 5_000, note="for the operator's eyes"), "awarded 5.000"),
        (entry("admin", 5_000), "an admin gave 5.000"),
        (entry("admin", -5_000), "an admin took 5.000"),
        (entry("monthly", 300_000_000), "monthly kudos: 300,000.000"),
        (entry("style", 2_000), "a style of yours was used: 2.000"),
    ],
)
def test_entry_is_explained(moved: Entry, words: str) -> None:
    assert explanation(moved, "Atlas") == words


def test_every_kind_of_event_has_its_words() -> None:
    assert WORDS.keys() == set(get_args(EventKind))


def test_worker_that_is_gone_is_not_named() -> None:
    assert explanation(entry("job", 9_000), None) == f"job {JOB}: earned 9.000 by a worker that is gone"

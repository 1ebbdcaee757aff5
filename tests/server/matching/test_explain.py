"""Why nobody can do a request, in words: true, and what is easiest to mend first."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.kinds import KINDS
from horde.kinds.base import Kind, Needs, Offer
from horde.server.matching.explain import VERBS, Explanation, Resting, Shortfall, explain
from horde.server.matching.rules import RULES, can_serve, failures
from tests.kinds.any_offer import able, any_needs, any_offer

X = Needs(kind="image", models=("X",), sizes=(("pixels", 1024 * 1024),), nsfw=True)
GOOD = able(X)
SMALL = replace(GOOD, sizes={"pixels": 512 * 512})
SMALLER = replace(GOOD, sizes={"pixels": 256 * 256})
PRUDE = replace(GOOD, nsfw=False)
OTHER = replace(GOOD, models=frozenset({"Y"}))
MEGAPIXEL = "1,048,576 pixels (for example 1024x1024)"
QUARTER = "262,144 pixels (for example 512x512)"


def explained(needs: Needs, *offers: Offer) -> Explanation:
    found = explain(needs, offers)
    assert found is not None, "somebody can do it"
    return found


def but(offer: Offer, **changes: Any) -> Offer:
    return replace(offer, **changes)


@pytest.mark.parametrize(
    ("offers", "sentence"),
    [
        ([], "No worker is online."),
        ([but(GOOD, kind="text")], "No worker online does image requests."),
        ([OTHER], "No worker online offers model X."),
        ([OTHER, but(OTHER, nsfw=False)], "No worker online offers model X."),
        ([SMALL, SMALLER], f"No worker online takes {MEGAPIXEL}; the most is {QUARTER}."),
        ([but(GOOD, sizes={})], f"No worker online takes {MEGAPIXEL}."),
        (
            [SMALL, SMALLER, SMALL, OTHER],
            f"3 workers online offer model X, but do not take {MEGAPIXEL}; the most is {QUARTER}."
            f" 1 other worker takes {MEGAPIXEL}, but does not offer model X.",
        ),
        (
            [PRUDE, PRUDE, but(OTHER, nsfw=False, sizes={"pixels": 1})],
            "No worker online takes nsfw requests.",
        ),
        (
            [PRUDE, PRUDE, OTHER, OTHER, OTHER],  # who has the model is nearer
            "2 workers online offer model X, but do not take nsfw requests."
            " 3 other workers take nsfw requests, but do not offer model X.",
        ),
        (
            [PRUDE, but(OTHER, sizes={"pixels": 1})],
            "1 worker online offers model X, but does not take nsfw requests.",
        ),
        (
            [but(OTHER, nsfw=False), but(OTHER, sizes={"pixels": 512 * 512}), but(OTHER, sizes={"pixels": 1})],
            f"No worker online offers model X. 2 workers come nearest, but also do not take {MEGAPIXEL};"
            f" the most is {QUARTER}.",
        ),
        (
            [but(OTHER, nsfw=False), but(SMALL, models=frozenset({"Y"}), nsfw=False)],
            "No worker online offers model X, and none takes nsfw requests.",
        ),
        ([OTHER] * 1_200, "No worker online offers model X."),
        (
            [PRUDE] * 1_200 + [but(OTHER, sizes={"pixels": 1})],
            "1,200 workers online offer model X, but do not take nsfw requests.",
        ),
    ],
)
def test_sentence_names_what_is_easiest_to_mend(offers: list[Offer], sentence: str) -> None:
    assert explained(X, *offers).sentence == sentence


@pytest.mark.parametrize(
    ("needs", "offer", "sentence"),
    [
        ({"models": ("A", "B")}, {}, "No worker online offers model A or B."),
        ({"models": tuple("ABCDE")}, {}, "No worker online offers any of the 5 models named (A, B, C, ...)."),
        ({"models": ("x" * 255,)}, {}, f"No worker online offers model {'x' * 80}."),
        ({"trusted_workers": True}, {"is_trusted": False}, "No worker online is trusted."),
        ({"workers": ("a",)}, {}, "No worker online is one of the workers named."),
        (
            {"workers": ("not listed",), "worker_blacklist": True},
            {},
            "No worker online is outside the list of workers to avoid.",
        ),
        ({"features": ("lora",)}, {"declined": frozenset({"lora"})}, "No worker online takes LoRAs."),
        ({"features": ("tiling",)}, {}, "No worker online has a program that knows tiling."),
        ({"features": ("many_steps",)}, {"limits_steps": True}, "No worker online takes more than 30 steps."),
        (
            {"features": ("k_euler_a karras",)},
            {},
            "No worker online has a program that runs samplers like k_euler_a karras.",
        ),
    ],
)
def test_every_demand_has_its_words(needs: dict[str, Any], offer: dict[str, Any], sentence: str) -> None:
    plain = able(Needs(kind="image"))
    features = plain.features - {"tiling", "k_euler_a karras"}

    found = explained(Needs(kind="image", **needs), replace(plain, **{"features": features} | offer))

    assert found.sentence == sentence


IDLE, PAUSED = (Resting(GOOD, "in maintenance"), Resting(GOOD, "paused"))
WAIT = "Hint: wait until it serves everybody again, or start another worker (horde worker)."


@pytest.mark.parametrize(
    ("offers", "resting", "sentence"),
    [
        ([], [IDLE], f"1 worker online could do it, but it is in maintenance. {WAIT}"),
        ([], [PAUSED, PAUSED], f"2 workers online could do it, but they are paused. {WAIT}"),
        ([PRUDE], [IDLE, PAUSED], f"2 workers online could do it, but they are in maintenance or paused. {WAIT}"),
        ([], [Resting(OTHER, "paused")], "1 worker is online, but it is paused. No worker online offers model X."),
        (
            [],
            [Resting(OTHER, "paused")] * 2,
            "2 workers are online, but they are paused. No worker online offers model X.",
        ),
        ([PRUDE], [Resting(OTHER, "paused")], "No worker online takes nsfw requests."),
        ([], [Resting(but(GOOD, kind="text"), "paused")], "No worker is online."),
    ],
)
def test_worker_that_rests_is_told_of_where_it_is_the_reason(
    offers: list[Offer], resting: list[Resting], sentence: str
) -> None:
    found = explain(X, offers, resting)

    assert found is not None
    assert (found.sentence, found.online) == (sentence, len(offers))


def test_worker_that_rests_is_not_told_of_when_another_can_do_it() -> None:
    assert explain(X, [GOOD], [IDLE]) is None


def test_long_list_of_lacks_is_counted() -> None:
    hopeless = but(OTHER, nsfw=False, sizes={"pixels": 1}, is_trusted=False, is_slow=True)
    demand = Needs(kind="image", models=("X",), sizes=X.sizes, nsfw=True, trusted_workers=True, slow_workers=False)

    assert explained(demand, hopeless).sentence == (
        "No worker online offers model X, and none takes nsfw requests, and none is trusted (2 more things missing)."
    )


def test_counts_say_who_lacks_what_and_who_lacks_nothing_else() -> None:
    found = explained(X, PRUDE, SMALL, SMALLER, but(SMALL, nsfw=False))

    assert found.online == 4
    assert found.short_of == (
        Shortfall(
            rule="size: pixels",
            skip_key="max_pixels",
            words=f"takes {MEGAPIXEL}",
            workers=3,
            lacking_only_this=2,
            limit=512 * 512,
        ),
        Shortfall(
            rule="nsfw",
            skip_key="nsfw",
            words="takes nsfw requests",
            workers=2,
            lacking_only_this=1,
            limit=None,
        ),
    )


def test_nothing_is_explained_when_somebody_can_do_it() -> None:
    assert explain(X, [OTHER, PRUDE, GOOD]) is None


def test_words_of_every_rule_begin_with_a_verb_that_can_be_denied() -> None:
    assert {rule.says(X).partition(" ")[0] for rule in RULES} <= VERBS.keys()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@given(data=st.data())
def test_explanation_is_there_exactly_when_nobody_can_and_counts_as_matching_does(
    kind: Kind[Any], data: st.DataObject
) -> None:
    needs = data.draw(any_needs(kind))
    offers = data.draw(st.lists(any_offer(needs), max_size=6))

    found = explain(needs, iter(offers))

    assert (found is None) is any(can_serve(offer, needs) for offer in offers)
    if found is not None:
        assert found.online == len(offers)
        assert found.sentence.startswith("No worker" if not offers else ("No worker online", *"123456"))
        assert found.sentence.endswith(".")
        lacks = Counter(key for offer in offers for key in failures(needs, offer))
        assert {short.skip_key for short in found.short_of} == lacks.keys()
        assert all(0 < short.workers <= lacks[short.skip_key] for short in found.short_of)
        assert all(0 <= short.lacking_only_this <= short.workers for short in found.short_of)

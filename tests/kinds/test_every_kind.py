"""What holds for every kind of the registry, whatever it is that it makes."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.errors import BadInput
from horde.kinds import KINDS
from horde.kinds.base import Kind, Needs, asked_by
from horde.units import Kudos
from tests.kinds.any_draft import NAMES, any_draft, any_params

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())

LOADS = st.fixed_dictionaries({"threads": st.integers(0, 1000), "queued": st.integers(0, 2000)})


def test_kinds_are_listed_under_their_own_names() -> None:
    assert {name: kind.name for name, kind in KINDS.items()} == {name: name for name in KINDS}


@every_kind
@given(data=st.data())
def test_parameters_survive_the_database(kind: Kind[Any], data: st.DataObject) -> None:
    params = data.draw(any_params(kind))

    stored = msgspec.json.encode(msgspec.to_builtins(params))

    assert msgspec.convert(msgspec.json.decode(stored), kind.params) == params


@every_kind
@given(data=st.data())
def test_needs_survive_the_database(kind: Kind[Any], data: st.DataObject) -> None:
    needs = kind.needs(data.draw(any_draft(kind)))

    assert needs.kind == kind.name
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(needs)), Needs) == needs


@every_kind
@given(data=st.data())
def test_order_and_repetition_of_names_do_not_make_another_lane(kind: Kind[Any], data: st.DataObject) -> None:
    draft = data.draw(any_draft(kind))

    same = replace(draft, models=draft.models[::-1] + draft.models, workers=draft.workers[::-1] + draft.workers)

    assert kind.needs(same) == kind.needs(draft)


@every_kind
@given(data=st.data(), is_trusted=st.booleans(), can_pay=st.booleans())
def test_trust_parts_requests_only_where_it_decides(
    kind: Kind[Any], data: st.DataObject, is_trusted: bool, can_pay: bool
) -> None:
    needs = kind.needs(data.draw(any_draft(kind)))

    safe = asked_by(needs, is_trusted=is_trusted, can_pay=can_pay, is_from_unsafe_ip=False)
    unsafe = asked_by(needs, is_trusted=is_trusted, can_pay=can_pay, is_from_unsafe_ip=True)

    assert (safe == needs) is (is_trusted or can_pay)
    assert (safe.is_from_unsafe_ip, safe.is_vouched_for) == (False, False)
    assert (unsafe.is_from_unsafe_ip, unsafe.is_vouched_for) == (True, is_trusted)


@every_kind
@given(data=st.data())
def test_sizes_can_be_said_in_words(kind: Kind[Any], data: st.DataObject) -> None:
    for name, size in kind.needs(data.draw(any_draft(kind))).sizes:
        assert f"{size:,} " in kind.size_in_words(name, size)
        assert kind.size_in_words(name, 0).startswith("0 ")


@every_kind
@given(data=st.data())
def test_work_and_lease_are_positive(kind: Kind[Any], data: st.DataObject) -> None:
    draft = data.draw(any_draft(kind))
    params, lease_s = draft.params, kind.lease_s(draft.params, draft.models)

    assert isinstance(kind.things(params), int)
    assert isinstance(lease_s, int)
    assert kind.things(params) > 0
    assert lease_s > 0
    assert kind.lease_factor_extra_slow >= 1


@every_kind
@given(data=st.data(), has_foreign_style=st.booleans())
def test_prices_are_whole_thousandths_and_never_negative(
    kind: Kind[Any], data: st.DataObject, has_foreign_style: bool
) -> None:
    draft, model = data.draw(any_draft(kind)), data.draw(NAMES)

    price = kind.price(draft)
    worth = kind.worth(price, model, kind.needs(draft))
    charge, tax = kind.charge_terms(draft).of(worth), kind.tax(draft, has_foreign_style=has_foreign_style)

    assert {type(amount) for amount in (price, worth, charge, tax, kind.estimate(draft))} == {int}
    assert 0 <= price <= worth < charge
    assert worth > 0
    assert tax >= kind.tax(draft) >= 0


@every_kind
@given(data=st.data())
def test_estimate_covers_what_the_first_model_makes(kind: Kind[Any], data: st.DataObject) -> None:
    draft = data.draw(any_draft(kind).filter(lambda draft: draft.models))

    worth = kind.worth(kind.price(draft), draft.models[0], kind.needs(draft))

    estimate = kind.estimate(draft)
    assert estimate >= draft.n * kind.charge_terms(draft).of(worth) + kind.tax(draft)
    assert estimate >= draft.n * kind.price(draft)


@every_kind
@given(data=st.data())
def test_estimate_grows_with_the_number_of_jobs(kind: Kind[Any], data: st.DataObject) -> None:
    draft = data.draw(any_draft(kind))

    one, two, three = (kind.estimate(replace(draft, n=n)) for n in (1, 2, 3))

    assert 0 < two - one == three - two


@every_kind
@given(data=st.data(), worths=st.lists(st.integers(0, 10**9), min_size=2, max_size=2))
def test_charge_grows_with_the_worth_and_covers_it(kind: Kind[Any], data: st.DataObject, worths: list[int]) -> None:
    terms = kind.charge_terms(data.draw(any_draft(kind)))
    small, big = sorted(Kudos(worth * 10) for worth in worths)

    assert 0 < terms.of(small) <= terms.of(big)
    assert terms.of(big) > big


@every_kind
@given(data=st.data(), load=LOADS)
def test_downgrade_costs_no_more_and_mends_what_it_may(
    kind: Kind[Any], data: st.DataObject, load: dict[str, Any]
) -> None:
    draft = data.draw(any_draft(kind))

    small = kind.downgraded(draft, **load)

    assert kind.estimate(small) <= kind.estimate(draft)
    assert kind.downgraded(small, **load) == small
    assert replace(small, params=draft.params, slow_workers=draft.slow_workers) == draft


@every_kind
@given(data=st.data(), load=LOADS, more=st.integers(0, 1000))
def test_what_is_heavy_stays_heavy_when_the_queue_grows(
    kind: Kind[Any], data: st.DataObject, load: dict[str, Any], more: int
) -> None:
    draft = data.draw(any_draft(kind))

    if kind.heavy(draft, **load):
        assert kind.heavy(draft, **load | {"queued": load["queued"] + more})


@every_kind
@given(data=st.data(), size=st.integers(1, 2**31 - 1), amount=st.integers(1, 20))
def test_batch_lies_between_one_and_what_was_asked_for(
    kind: Kind[Any], data: st.DataObject, size: int, amount: int
) -> None:
    draft = data.draw(any_draft(kind))
    sizes = {name: size for name, _ in kind.needs(draft).sizes}

    assert 1 <= kind.batch_max(draft.params, sizes, amount) <= amount
    assert 1 <= kind.batch_max(draft.params, {}, amount) <= amount


@every_kind
@given(data=st.data(), n=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_payload_can_be_sent_and_holds_no_null(kind: Kind[Any], data: st.DataObject, n: int, seed: int) -> None:
    draft = data.draw(any_draft(kind))

    sent = msgspec.json.decode(msgspec.json.encode(kind.payload(draft.params, draft.prompt, n, seed)))

    assert sent.get("prompt", draft.prompt) == draft.prompt  # not every kind has prompts
    assert not _holds_null({name: value for name, value in sent.items() if name != "special"})


@every_kind
@given(data=st.data())
def test_check_refuses_with_nothing_but_bad_input(kind: Kind[Any], data: st.DataObject) -> None:
    draft = data.draw(any_draft(kind))

    with suppress(BadInput):
        kind.check(draft)


def _holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_null(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_holds_null(inner) for inner in value)
    return value is None

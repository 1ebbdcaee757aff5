"""`X-Fields` lets through what it names, of successes alone."""

import contextlib
import string
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from horde.server.api.edge.masks import DEPTH_MAX, LENGTH_MAX, BadMask, Mask, applied, parse
from tests.api.actors import ask, pop

NAMES = st.text(string.ascii_letters + "_-" + string.digits, min_size=1, max_size=5)
MASKS: st.SearchStrategy[Mask] = st.recursive(
    st.dictionaries(NAMES, st.none(), min_size=1, max_size=3),
    lambda below: st.dictionaries(NAMES, below, min_size=1, max_size=3),
    max_leaves=8,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=10,
)


def written(mask: Mask) -> str:
    return ",".join(name if below is None else f"{name}{{{written(below)}}}" for name, below in mask.items())


@given(MASKS)
def test_written_mask_is_read_again(mask: Mask) -> None:
    text = written(mask)
    try:
        read = parse(text)
    except BadMask:
        assert len(text) > LENGTH_MAX or text.count("{") >= DEPTH_MAX
        return

    assert read == parse(f"{{{text}}}") == mask


@given(st.text(st.sampled_from("ab*_-{},  é\0"), max_size=30))
@example("{" * 5000)
@example("a{" * 1000 + "a" + "}" * 1000)
def test_any_text_is_a_mask_or_refused(text: str) -> None:
    with contextlib.suppress(BadMask):
        assert parse(text)


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        ("a{" * DEPTH_MAX + "a" + "}" * DEPTH_MAX, f"more than {DEPTH_MAX} braces"),
        ("a" * (LENGTH_MAX + 1), f"at most {LENGTH_MAX} are read"),
    ],
)
def test_mask_is_bounded(mask: str, reason: str) -> None:
    with pytest.raises(BadMask, match=reason):
        parse(mask)


@given(MASKS, VALUES)
def test_masked_value_is_a_part_of_the_value(mask: Mask, value: Any) -> None:
    part = applied(mask, value)

    assert is_part(part, value)
    assert applied(mask, part) == part


def is_part(part: Any, value: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(value, dict) and all(
            name in value and is_part(below, value[name]) for name, below in part.items()
        )
    if isinstance(part, list):
        return isinstance(value, list) and len(part) == len(value) and all(map(is_part, part, value))
    return bool(part == value)


@pytest.mark.parametrize(
    ("mask", "left"),
    [
        ("id", {"id": 1}),
        (" id , name ", {"id": 1, "name": "n"}),
        ("{id}", {"id": 1}),
        ("nobody", {}),
        ("id,nobody", {"id": 1}),
        ("team{name}", {"team": {"name": "t"}}),
        ("jobs{id},name", {"jobs": [{"id": 2}, {"id": 3}], "name": "n"}),
        ("post-processing", {"post-processing": True}),
        ("*", {"id": 1, "name": "n", "team": {"name": "t", "id": 4}, "jobs": [{"id": 2}, {"id": 3, "x": 0}],
               "post-processing": True}),
        ("*,team{id}", {"id": 1, "name": "n", "team": {"id": 4}, "jobs": [{"id": 2}, {"id": 3, "x": 0}],
                        "post-processing": True}),
        ("id{below}", {"id": 1}),
    ],
)  # fmt: skip
def test_mask_leaves_what_it_names(mask: str, left: object) -> None:
    whole = {"id": 1, "name": "n", "team": {"name": "t", "id": 4}, "jobs": [{"id": 2}, {"id": 3, "x": 0}],
             "post-processing": True}  # fmt: skip

    assert applied(parse(mask), whole) == left
    assert applied(parse(mask), [whole, whole]) == [left, left]


@pytest.mark.parametrize("mask", ["a{", "a}", "a,", ",a", "a{}", "a b", "a{b}c", "{a", "!", "{}", "a,,b", "{a}{b}"])
def test_mask_with_a_mistake_is_refused_before_anything_is_done(client: httpx.Client, mask: str) -> None:
    answer = client.post("/api/v2/generate/async", json={"prompt": "x"}, headers={"X-Fields": mask})

    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    assert answer.json()["message"].startswith("Mask parse error: ")
    assert client.get("/api/v2/status/performance").json()["queued_requests"] == 0


def test_every_kind_of_success_is_masked(client: httpx.Client) -> None:
    def masked(method: str, path: str, mask: str, **sent: Any) -> Any:
        answer = client.request(method, f"/api/v2/{path}", headers={"X-Fields": mask}, **sent)
        assert answer.is_success, answer.text
        assert int(answer.headers["content-length"]) == len(answer.content)
        return answer.json()

    request_id = masked("POST", "generate/async", "id", json={"prompt": "x", "params": {"width": 64, "height": 64}})
    job = masked("POST", "generate/pop", "id,payload{seed}", json={"name": "w", "models": ["stable_diffusion"]})

    assert list(request_id) == ["id"]
    assert (list(job), list(job["payload"])) == (["id", "payload"], ["seed"])
    assert masked("GET", f"generate/check/{request_id['id']}", "done,processing") == {"done": False, "processing": 1}
    assert masked("GET", "workers", "name") == [{"name": "w"}]
    assert masked("GET", "workers", "unknown") == [{}]
    assert masked("GET", "status/heartbeat", "message") == {"message": "OK"}
    assert masked("DELETE", f"generate/status/{request_id['id']}", "faulted") == {"faulted": False}


def test_refusals_are_not_masked(shared_client: httpx.Client) -> None:
    answer = shared_client.get("/api/v2/generate/check/none", headers={"X-Fields": "id"})

    assert (answer.status_code, set(answer.json())) == (404, {"message", "rc"})


def test_other_dialects_have_no_masks(client: httpx.Client) -> None:
    ask(client)
    pop(client)

    assert "kudos" in client.get("/api/v1/users", headers={"X-Fields": "a{"}).text

"""What moderators can do over HTTP, and what others notice of it."""

from typing import Any

import httpx
import pytest

from tests.api.actors import NOBODYS_ID, ask, pop, register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import ANONYMOUS, RunningHorde

ADDRESSES, FILTERS = "/api/v2/operations/ipaddr", "/api/v2/filters"
WORKER_ADDRESS = "/api/v2/operations/block_worker_ipaddr"
HERE = "127.0.0.1"
OK = {"message": "OK"}
Keys = dict[str, str]
Answer = tuple[int, Any]


@pytest.fixture
def keys(horde: RunningHorde, client: httpx.Client) -> Keys:
    """Of Mona, a moderator, and of Bob, who is none."""
    made = {name: register(client, name) for name in ("mona", "bob")}
    change(horde, "UPDATE users SET is_moderator = true, is_trusted = true WHERE id = 1")
    return made


def call(client: httpx.Client, method: str, path: str, key: str = ANONYMOUS, **fields: Any) -> Answer:
    has_body = method in ("POST", "PUT", "PATCH") or bool(fields)
    answer = client.request(method, path, headers={"apikey": key}, json=fields if has_body else None)
    return answer.status_code, answer.json()


def refused(answer: Answer) -> tuple[int, str]:
    return answer[0], answer[1]["rc"]


def asked(client: httpx.Client, key: str = ANONYMOUS, **fields: Any) -> Answer:
    body = {"prompt": "a fox", "params": {"width": 64, "height": 64, "steps": 1}} | fields
    return call(client, "POST", "/api/v2/generate/async", key, **body)


def add(client: httpx.Client, keys: Keys, regex: str, filter_type: int, **fields: Any) -> Any:
    status, made = call(client, "PUT", FILTERS, keys["mona"], regex=regex, filter_type=filter_type, **fields)
    assert status == 200, made
    return made


ROUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", ADDRESSES, {}),
    ("POST", ADDRESSES, {"ipaddr": "192.0.2.7", "hours": 1}),
    ("DELETE", ADDRESSES, {"ipaddr": "192.0.2.7"}),
    ("GET", f"{ADDRESSES}/192.0.2.7", {}),
    ("PUT", f"{WORKER_ADDRESS}/{NOBODYS_ID}", {"days": 1}),
    ("DELETE", f"{WORKER_ADDRESS}/{NOBODYS_ID}", {}),
    ("GET", FILTERS, {}),
    ("PUT", FILTERS, {"regex": "x", "filter_type": 10}),
    ("POST", FILTERS, {"prompt": "x"}),
    ("GET", f"{FILTERS}/regex", {}),
    ("GET", f"{FILTERS}/1", {}),
    ("PATCH", f"{FILTERS}/1", {"regex": "x"}),
    ("DELETE", f"{FILTERS}/1", {}),
]


@pytest.mark.parametrize(("method", "path", "fields"), ROUTES, ids=[f"{method} {path}" for method, path, _ in ROUTES])
def test_only_moderators_moderate(shared_client: httpx.Client, method: str, path: str, fields: dict[str, Any]) -> None:
    assert refused(call(shared_client, method, path, "unknown", **fields)) == (401, "InvalidAPIKey")
    assert refused(call(shared_client, method, path, ANONYMOUS, **fields)) == (403, "NotModerator")
    with httpx.Client(base_url=shared_client.base_url) as nobody:
        answer = nobody.request(method, path, json=fields or None)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["apikey"])


# ------------------------------------------------------------------------------------------- addresses
def test_blocked_address_is_listed_until_it_is_let_in(client: httpx.Client, keys: Keys) -> None:
    assert call(client, "POST", ADDRESSES, keys["mona"], ipaddr="192.0.2.7/24", hours=2) == (200, OK)
    assert call(client, "POST", ADDRESSES, keys["mona"], ipaddr="192.0.2.7", hours=1) == (200, OK)

    status, blocks = call(client, "GET", ADDRESSES, keys["mona"])
    assert (status, [block["ipaddr"] for block in blocks]) == (200, ["192.0.2.0/24", "192.0.2.7/32"])
    assert [round(block["seconds"], -2) for block in blocks] == [7200, 3600]
    status, blocks = call(client, "GET", f"{ADDRESSES}/192.0.2.9", keys["mona"])
    assert (status, [block["ipaddr"] for block in blocks]) == (200, ["192.0.2.0/24"])

    assert call(client, "DELETE", ADDRESSES, keys["mona"], ipaddr="192.0.2.0/24") == (200, OK)
    assert [block["ipaddr"] for block in call(client, "GET", ADDRESSES, keys["mona"])[1]] == ["192.0.2.7/32"]


@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [("POST", ADDRESSES, {"ipaddr": "192.0.2.777", "hours": 1}), ("DELETE", ADDRESSES, {"ipaddr": "192.0.2.777"}),
     ("GET", f"{ADDRESSES}/192.0.2", {})],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_the_key_is_looked_at(
    shared_client: httpx.Client, method: str, path: str, fields: dict[str, Any]
) -> None:
    assert refused(call(shared_client, method, path, "unknown", **fields)) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("method", "path", "fields", "at"),
    [
        ("POST", ADDRESSES, {"ipaddr": "192.0.2.7", "hours": 0}, "hours"),
        ("POST", ADDRESSES, {"ipaddr": "192.0.2.7", "hours": 721}, "hours"),
        ("POST", ADDRESSES, {"ipaddr": "192.0.2.7", "hours": "1"}, "hours"),
        ("POST", ADDRESSES, {"ipaddr": "192.0.", "hours": 1}, "ipaddr"),
        ("POST", ADDRESSES, {"hours": 1}, "ipaddr"),
        ("DELETE", ADDRESSES, {"ipaddr": "1" * 41}, "ipaddr"),
        ("PUT", f"{WORKER_ADDRESS}/x", {"days": 31}, "days"),
        ("PUT", FILTERS, {"regex": "x", "filter_type": 9}, "filter_type"),
        ("PUT", FILTERS, {"regex": "x", "filter_type": 30}, "filter_type"),
        ("PUT", FILTERS, {"filter_type": 10}, "regex"),
        ("PUT", FILTERS, {"regex": "", "filter_type": 10}, "regex"),
        ("POST", FILTERS, {}, "prompt"),
        ("POST", FILTERS, {"prompt": "x", "filter_type": "x"}, "filter_type"),
        ("PATCH", f"{FILTERS}/1", {"filter_type": 30}, "filter_type"),
    ],
)
def test_body_out_of_its_bounds_breaks_the_schema(
    shared_client: httpx.Client, method: str, path: str, fields: dict[str, Any], at: str
) -> None:
    status, answer = call(shared_client, method, path, **fields | {"unknown": 1})

    assert (status, list(answer["errors"])) == (400, [at])


def test_who_is_blocked_neither_asks_nor_serves_nor_registers(client: httpx.Client, keys: Keys) -> None:
    request_id = ask(client)
    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["bob"]}) as bob:
        pop(bob, name="bobs")
        call(client, "POST", ADDRESSES, keys["mona"], ipaddr="127.0.0.0/8", hours=1)
        popped = bob.post("/api/v2/generate/pop", json={"name": "bobs", "models": ["any"], "bridge_agent": "x:1:y"})

    assert refused(asked(client)) == (403, "TimeoutIP")
    assert refused(asked(client, dry_run=True)) == (403, "TimeoutIP")
    text = client.post("/api/v2/generate/text/async", json={"prompt": "Once"})
    assert (text.status_code, text.json()["rc"]) == (403, "TimeoutIP")
    assert "127.0.0.1 is kept out for another 3600 seconds." in asked(client)[1]["message"]
    assert (popped.status_code, popped.json()["rc"]) == (403, "TimeoutIP")
    registered = client.post("/register", json={"username": "eve"})
    assert (registered.status_code, registered.json()["rc"]) == (403, "TimeoutIP")
    v1 = client.post("/api/v1/generate/sync", json={"prompt": "a fox", "api_key": ANONYMOUS})
    assert v1.status_code == 403

    check = f"/api/v2/generate/check/{request_id}"
    assert refused(call(client, "GET", check)) == (403, "Forbidden")
    assert client.get(check, headers={"Client-Agent": "ArtBot:1:here"}).status_code == 200
    assert client.get(check, headers={"X-Fields": "done"}).status_code == 403

    call(client, "DELETE", ADDRESSES, keys["mona"], ipaddr="127.0.0.0/8")
    assert asked(client)[0] == 202
    assert call(client, "GET", check)[0] == 200


def test_blocked_worker_of_a_trusted_account_goes_on(client: httpx.Client, horde: RunningHorde, keys: Keys) -> None:
    call(client, "POST", ADDRESSES, keys["mona"], ipaddr=HERE, hours=1)

    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["bob"]}) as bob:
        change(horde, "UPDATE users SET is_trusted = true WHERE id = 2")
        pop(bob, name="trusted")
        change(horde, "UPDATE users SET is_trusted = false, is_vpn = true WHERE id = 2")
        pop(bob, name="vpn")


@pytest.mark.parametrize(
    ("origin", "blocked"), [("8.8.8.8", "8.8.8.8/32"), ("2001:4860:4860::/64", "2001:4860:4860::/64")]
)
def test_workers_address_is_blocked_and_let_in(
    horde: RunningHorde, client: httpx.Client, keys: Keys, origin: str, blocked: str
) -> None:
    pop(client, name="far")
    change(horde, f"UPDATE workers SET address = '{origin}'")
    worker_id = client.get("/api/v2/workers/name/far").json()["id"]

    assert call(client, "PUT", f"{WORKER_ADDRESS}/{worker_id}", keys["mona"], days=3) == (200, OK)
    [block] = call(client, "GET", ADDRESSES, keys["mona"])[1]
    assert (block["ipaddr"], round(block["seconds"], -2)) == (blocked, 3 * 24 * 3600)
    assert call(client, "DELETE", f"{WORKER_ADDRESS}/{worker_id}", keys["mona"]) == (200, OK)
    assert call(client, "GET", ADDRESSES, keys["mona"]) == (200, [])


@pytest.mark.parametrize("path", ["/api/v2/workers/name/far", "/api/v2/workers", "/api/v2/workers/{id}"])
def test_moderators_see_who_is_behind_a_worker(
    horde: RunningHorde, client: httpx.Client, keys: Keys, path: str
) -> None:
    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["bob"]}) as bob:
        pop(bob, name="far", max_pixels=3072 * 3072 + 1)
    change(horde, "UPDATE workers SET address = '8.8.8.8', is_paused = true, changed_at = clock_timestamp()")
    change(horde, "UPDATE users SET contact = 'bob@example.org' WHERE id = 2")
    path = path.format(id=client.get("/api/v2/workers/name/far").json()["id"])

    def seen(key: str) -> Any:
        status, answer = call(client, "GET", path, key)
        assert status == 200, answer
        found = answer[0] if isinstance(answer, list) else answer
        return {name: found.get(name) for name in ("owner", "contact", "ipaddr", "paused", "suspicious")}

    assert seen(keys["mona"]) == {
        "owner": "bob#2", "contact": "bob@example.org", "ipaddr": "8.8.8.8", "paused": True, "suspicious": 1,
    }  # fmt: skip
    for other in (keys["bob"], ANONYMOUS, "unknown"):
        assert set(seen(other).values()) == {None}


def test_worker_that_is_not_there_or_at_home_cannot_be_blocked(client: httpx.Client, keys: Keys) -> None:
    pop(client, name="near")
    worker_id = client.get("/api/v2/workers/name/near").json()["id"]

    for method, fields in (("PUT", {"days": 1}), ("DELETE", {})):
        for unknown in (NOBODYS_ID, "x"):
            answer = call(client, method, f"{WORKER_ADDRESS}/{unknown}", keys["mona"], **fields)
            assert refused(answer) == (404, "WorkerNotFound")
        answer = call(client, method, f"{WORKER_ADDRESS}/{worker_id}", keys["mona"], **fields)
        assert refused(answer) == (400, "BadRequest")


def test_worker_of_a_flagged_account_gets_no_work(horde: RunningHorde, client: httpx.Client, keys: Keys) -> None:
    change(horde, "UPDATE users SET is_flagged = true WHERE id = 2")

    answer = call(
        client, "POST", "/api/v2/generate/pop", keys["bob"], name="bobs", models=["any"], bridge_agent="x:1:y"
    )

    assert refused(answer) == (403, "WorkerFlaggedMaintenance")


# --------------------------------------------------------------------------------------------- filters
def test_filter_is_added_shown_changed_and_deleted(client: httpx.Client, keys: Keys) -> None:
    made = add(client, keys, "dragon", 20, description="no dragons", replacement="lizard")
    path = f"{FILTERS}/{made['id']}"

    assert made == {
        "id": made["id"], "regex": "dragon", "filter_type": 20, "description": "no dragons", "replacement": "lizard",
        "user": "mona#1",
    }  # fmt: skip
    assert call(client, "GET", path, keys["mona"]) == (200, made)
    assert call(client, "GET", FILTERS, keys["mona"]) == (200, [made])
    assert add(client, keys, "dragon", 20, description="again") == made
    changed = made | {"regex": "wyrm"}
    assert call(client, "PATCH", path, keys["mona"], regex="wyrm", filter_type=0, description="") == (200, changed)
    assert call(client, "DELETE", path, keys["mona"]) == (200, OK)
    assert call(client, "GET", FILTERS, keys["mona"]) == (200, [])


def test_plain_filter_has_no_description_and_an_empty_replacement(client: httpx.Client, keys: Keys) -> None:
    made = add(client, keys, "dragon", 20)

    assert "description" not in made
    assert made["replacement"] == ""


def test_filters_are_listed_by_type_and_text(client: httpx.Client, keys: Keys) -> None:
    for regex, kind in (("dragon", 20), ("elf", 10), ("el+k", 20)):
        add(client, keys, regex, kind)

    def listed(query: str) -> list[str]:
        return [found["regex"] for found in call(client, "GET", f"{FILTERS}?{query}", keys["mona"])[1]]

    assert listed("filter_type=20") == ["dragon", "el+k"]
    assert listed("contains=el") == ["elf", "el+k"]
    assert listed("contains=el&filter_type=10") == ["elf"]
    assert call(client, "GET", f"{FILTERS}?filter_type=x", keys["mona"])[0] == 400


def test_filters_of_a_type_are_one_expression(client: httpx.Client, keys: Keys) -> None:
    for regex, kind in (("dragon", 20), ("wyrm", 20), ("elf", 10)):
        add(client, keys, regex, kind)

    both = {"filter_type": 20, "regex": "(?:dragon)|(?:wyrm)"}
    assert call(client, "GET", f"{FILTERS}/regex", keys["mona"]) == (
        200, [{"filter_type": 10, "regex": "(?:elf)"}, {"filter_type": 11}, both],
    )  # fmt: skip
    assert call(client, "GET", f"{FILTERS}/regex?filter_type=20", keys["mona"]) == (200, [both])


def test_prompt_can_be_tried_without_consequences(client: httpx.Client, keys: Keys) -> None:
    for regex, kind in ((r"dragon\w*", 20), ("elf", 10)):
        add(client, keys, regex, kind)

    def tried(**fields: Any) -> Any:
        return call(client, "POST", FILTERS, keys["mona"], **fields)

    assert tried(prompt="an E-L-F on dragonback") == (200, {"suspicion": "2", "matches": ["ELF", "dragonback"]})
    assert tried(prompt="an elf, dragon", filter_type="20") == (200, {"suspicion": "1", "matches": ["dragon"]})
    assert tried(prompt=7) == (200, {"suspicion": "0", "matches": []})
    assert asked(client)[0] == 202


@pytest.mark.parametrize(
    ("method", "filter_id", "fields", "refusal"),
    [
        ("GET", "7", {}, (404, "FilterNotFound")),
        ("GET", "9" * 30, {}, (404, "FilterNotFound")),
        ("PATCH", "7", {"regex": "x"}, (404, "FilterNotFound")),
        ("PATCH", "7", {}, (404, "FilterNotFound")),
        ("PATCH", "x", {"regex": "x"}, (404, "FilterNotFound")),
        ("PATCH", "1", {}, (400, "NoFilterModSelected")),
        ("PATCH", "1", {"regex": "", "filter_type": 0, "replacement": ""}, (400, "NoFilterModSelected")),
        ("PATCH", "1", {"filter_type": 5}, (400, "BadRequest")),
        ("PATCH", "1", {"regex": "("}, (400, "BadRequest")),
        ("DELETE", "7", {}, (404, "FilterNotFound")),
        ("DELETE", "x", {}, (404, "FilterNotFound")),
    ],
)
def test_filter_that_is_not_there_or_cannot_be_is_refused(
    client: httpx.Client, keys: Keys, method: str, filter_id: str, fields: dict[str, Any], refusal: tuple[int, str]
) -> None:
    add(client, keys, "dragon", 20)

    assert refused(call(client, method, f"{FILTERS}/{filter_id}", keys["mona"], **fields)) == refusal


def test_filter_by_what_is_no_number_is_not_found_before_the_key_is_looked_at(shared_client: httpx.Client) -> None:
    assert refused(call(shared_client, "GET", f"{FILTERS}/x", "unknown")) == (404, "FilterNotFound")


def test_expression_that_cannot_be_run_is_refused(client: httpx.Client, keys: Keys) -> None:
    answer = call(client, "PUT", FILTERS, keys["mona"], regex="(?=x)y", filter_type=10)

    assert refused(answer) == (400, "BadRequest")
    assert "RE2" in answer[1]["message"]


# --------------------------------------------------------------------------------------------- prompts
def test_corrupt_prompt_is_refused_or_replaced(client: httpx.Client, keys: Keys) -> None:
    add(client, keys, "elf", 10, replacement="knight")
    add(client, keys, "dragon", 20)
    corrupt = "an (elf:1.3) and a dragon ### blurry"

    assert refused(asked(client, prompt=corrupt, replacement_filter=False)) == (400, "CorruptPrompt")
    assert refused(asked(client, prompt=corrupt, replacement_filter=False, dry_run=True)) == (400, "CorruptPrompt")
    assert refused(asked(client, prompt=corrupt + " dragon" * 1000)) == (400, "BadRequest")
    ask(client, prompt=corrupt)
    job = pop(client, name="worker")

    prompt = job["payload"]["prompt"]
    assert prompt.startswith("an knight and a dragon###child, ")
    assert prompt.endswith(", blurry")

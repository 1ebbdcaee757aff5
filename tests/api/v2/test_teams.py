"""Teams over HTTP."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.actors import NOBODYS_ID, Json, ask, pop, register, serve_one
from tests.api.v2 import alchemists
from tests.api.v2.by_hand import change
from tests.plugins.hordes import ANONYMOUS, RunningHorde

TEAMS, WORKERS = "/api/v2/teams", "/api/v2/workers"
Keys = dict[str, str]


@pytest.fixture
def client(horde: RunningHorde) -> Iterator[httpx.Client]:
    """A client without a key: a team is shown to nobody who has one, but to moderators."""
    with horde.client(key=None) as opened:
        yield opened


@pytest.fixture
def keys(horde: RunningHorde, client: httpx.Client) -> Keys:
    """Of a moderator, of Ada who is trusted, and of Bob who is not."""
    made = {name: register(client, name) for name in ("moderator", "ada", "bob")}
    change(horde, "UPDATE users SET is_moderator = true, is_trusted = true WHERE id = 1")
    change(horde, "UPDATE users SET is_trusted = true WHERE id = 2")
    return made | {"nobody": ANONYMOUS, "unknown": "unknown"}


def call(client: httpx.Client, method: str, path: str, key: str | None = None, **fields: Any) -> tuple[int, Any]:
    headers = {} if key is None else {"apikey": key}
    answer = client.request(method, path, headers=headers, json=None if method == "GET" else fields)
    return answer.status_code, answer.json()


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["rc"]


def found(client: httpx.Client, key: str, name: str = "Foxes", **fields: Any) -> str:
    status, made = call(client, "POST", TEAMS, key, name=name, **fields)
    assert status == 200, made
    return str(made["id"])


def worker_of(client: httpx.Client, key: str, name: str, **fields: Any) -> str:
    with httpx.Client(base_url=client.base_url, headers={"apikey": key}) as owner:
        pop(owner, name=name, **fields)
    return str(client.get(f"{WORKERS}/name/{name}").json()["id"])


def joined(client: httpx.Client, key: str, worker_id: str, team_id: str) -> tuple[int, Any]:
    return call(client, "PUT", f"{WORKERS}/{worker_id}", key, team=team_id)


def test_founded_team_is_there_with_every_field(client: httpx.Client, keys: Keys) -> None:
    status, made = call(client, "POST", TEAMS, keys["ada"], name=" The  Foxes ", info="We are red.")

    assert (status, made) == (200, {"id": made["id"], "name": "The Foxes", "info": "We are red."})
    team = {
        "name": "The Foxes", "id": made["id"], "creator": "ada#2", "requests_fulfilled": 0, "kudos": 0.0, "uptime": 0,
        "info": "We are red.", "worker_count": 0, "workers": [], "models": [],
    }  # fmt: skip
    assert call(client, "GET", f"{TEAMS}/{made['id']}") == (200, team)
    assert call(client, "GET", f"{TEAMS}/{made['id']}", keys["moderator"]) == (200, team)
    assert call(client, "GET", TEAMS) == (200, [team])


def test_team_without_info_leaves_it_out(client: httpx.Client, keys: Keys) -> None:
    team_id = found(client, keys["ada"])

    assert "info" not in client.get(f"{TEAMS}/{team_id}").json()


@pytest.mark.parametrize(
    ("caller", "name", "refusal"),
    [
        ("unknown", "Wolves", (401, "InvalidAPIKey")),
        ("nobody", "Wolves", (403, "AnonForbidden")),
        ("bob", "Wolves", (403, "UntrustedTeamCreation")),
        ("bob", "Foxes", (403, "UntrustedTeamCreation")),
        ("ada", "fOXES", (400, "TeamNameAlreadyExists")),
        ("ada", "  Foxes ", (400, "TeamNameAlreadyExists")),
        ("ada", "     ", (400, "BadRequest")),
    ],
)
def test_refused_team_is_not_founded(
    client: httpx.Client, keys: Keys, caller: str, name: str, refusal: tuple[int, str]
) -> None:
    found(client, keys["ada"])

    assert refused(call(client, "POST", TEAMS, keys[caller], name=name)) == refusal
    assert len(client.get(TEAMS).json()) == 1


@pytest.mark.parametrize(
    ("fields", "path"),
    [({"info": "no name"}, "name"), ({"name": "ab"}, "name"), ({"name": "x" * 101}, "name"),
     ({"name": "abc", "info": "ab"}, "info"), ({"name": "abc", "info": "x" * 1001}, "info")],
)  # fmt: skip
def test_team_out_of_its_bounds_breaks_the_schema(shared_client: httpx.Client, fields: Json, path: str) -> None:
    answer = shared_client.post(TEAMS, json=fields)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [path])


@pytest.mark.parametrize("team_id", [NOBODYS_ID, "x"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_unknown_team_is_not_found(shared_horde: RunningHorde, method: str, team_id: str) -> None:
    with shared_horde.client(key=None) as nobody:
        assert refused(call(nobody, method, f"{TEAMS}/{team_id}")) == (404, "TeamNotFound")


def test_texts_of_a_team_are_harmless_in_pages_that_show_them(client: httpx.Client, keys: Keys) -> None:
    team_id = found(client, keys["ada"], "<b>Foxes</b>", info=" <script>&</script> ")

    team = client.get(f"{TEAMS}/{team_id}").json()
    assert (team["name"], team["info"]) == ("&lt;b&gt;Foxes&lt;/b&gt;", "&lt;script&gt;&amp;&lt;/script&gt;")
    changed = {"name": "<i>Wolves", "info": "> we"}
    assert call(client, "PATCH", f"{TEAMS}/{team_id}", keys["ada"], **changed) == (
        200, {"name": "&lt;i&gt;Wolves", "info": "&gt; we"}
    )  # fmt: skip
    assert refused(call(client, "POST", TEAMS, keys["ada"], name="<I>wolves")) == (400, "TeamNameAlreadyExists")


def test_key_at_a_team_must_be_a_moderators(client: httpx.Client, keys: Keys) -> None:
    team_id = found(client, keys["ada"])

    assert refused(call(client, "GET", f"{TEAMS}/{team_id}", keys["ada"])) == (403, "NotModerator")
    assert refused(call(client, "GET", f"{TEAMS}/{team_id}", keys["unknown"])) == (401, "InvalidAPIKey")


# ---------------------------------------------------------------------------------------------- workers
def test_alchemist_of_a_team_is_named_as_elsewhere_and_its_forms_are_no_models(
    client: httpx.Client, keys: Keys
) -> None:
    foxes = found(client, keys["ada"])
    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["bob"]}) as bob:
        alchemists.pop(bob, name="Merlin")
    merlin = client.get(f"{WORKERS}/name/Merlin").json()
    joined(client, keys["bob"], merlin["id"], foxes)

    team = client.get(f"{TEAMS}/{foxes}").json()
    assert [worker["type"] for worker in team["workers"]] == [merlin["type"]] == ["interrogation"]
    assert team["models"] == []


def test_workers_join_and_leave(client: httpx.Client, keys: Keys) -> None:
    foxes, wolves = found(client, keys["ada"]), found(client, keys["ada"], "Wolves")
    atlas = worker_of(client, keys["bob"], "Atlas", models=["sdxl", "flux"])
    zeus = worker_of(client, keys["moderator"], "Zeus", models=["flux"])

    assert joined(client, keys["bob"], atlas, foxes) == (200, {"team": "Foxes"})
    assert joined(client, keys["moderator"], zeus, foxes) == (200, {"team": "Foxes"})

    team = client.get(f"{TEAMS}/{foxes}").json()
    assert (team["worker_count"], team["models"]) == (2, [{"name": "flux", "count": 2}, {"name": "sdxl", "count": 1}])
    assert team["workers"][0] == {"type": "image", "name": "Atlas", "id": atlas, "online": True}
    assert client.get(f"{WORKERS}/{atlas}").json()["team"] == {"name": "Foxes", "id": foxes}
    assert joined(client, keys["bob"], atlas, wolves) == (200, {"team": "Wolves"})
    assert client.get(f"{TEAMS}/{foxes}").json()["worker_count"] == 1
    assert joined(client, keys["moderator"], atlas, "") == (200, {"team": "None"})
    assert client.get(f"{WORKERS}/{atlas}").json()["team"] == {"name": None, "id": None}


def test_only_owner_and_moderators_say_in_which_team_a_worker_is(client: httpx.Client, keys: Keys) -> None:
    team_id, atlas = found(client, keys["ada"]), worker_of(client, keys["bob"], "Atlas")
    nobodys = worker_of(client, ANONYMOUS, "Nemo")

    assert refused(joined(client, keys["ada"], NOBODYS_ID, team_id)) == (404, "WorkerNotFound")
    assert refused(joined(client, keys["unknown"], atlas, team_id)) == (401, "InvalidAPIKey")
    assert refused(joined(client, keys["ada"], atlas, team_id)) == (403, "NotModerator")
    assert refused(joined(client, ANONYMOUS, nobodys, team_id)) == (403, "AnonForbiddenWorker")
    assert refused(joined(client, keys["bob"], atlas, NOBODYS_ID)) == (404, "TeamNotFound")
    assert refused(joined(client, keys["bob"], atlas, "Foxes")) == (404, "TeamNotFound")
    assert refused(call(client, "PUT", f"{WORKERS}/{atlas}", keys["bob"], other=1)) == (400, "NoWorkerModSelected")
    assert client.get(f"{TEAMS}/{team_id}").json()["worker_count"] == 0


def test_team_counts_what_its_workers_do(client: httpx.Client, keys: Keys) -> None:
    team_id = found(client, keys["ada"])
    atlas = worker_of(client, keys["bob"], "Atlas")
    with httpx.Client(base_url=client.base_url, headers={"apikey": ANONYMOUS}) as nobody:
        ask(nobody, params={"n": 2})
    with httpx.Client(base_url=client.base_url, headers={"apikey": keys["bob"]}) as bob:
        serve_one(bob, name="Atlas")  # before it joins
        joined(client, keys["bob"], atlas, team_id)
        serve_one(bob, name="Atlas")

    team, worker = client.get(f"{TEAMS}/{team_id}").json(), client.get(f"{WORKERS}/{atlas}").json()
    assert team["requests_fulfilled"] == 1
    assert team["kudos"] == worker["kudos_rewards"] / 2 > 0


# ------------------------------------------------------------------------------------ changing, deleting
def test_owner_and_moderators_change_a_team(client: httpx.Client, keys: Keys) -> None:
    team_id = found(client, keys["ada"], info="We are red.")
    atlas = worker_of(client, keys["bob"], "Atlas")
    joined(client, keys["bob"], atlas, team_id)
    path = f"{TEAMS}/{team_id}"

    assert call(client, "PATCH", path, keys["ada"], name="FOXES") == (200, {"name": "FOXES"})
    assert call(client, "PATCH", path, keys["ada"], name="FOXES", info="We are red.") == (
        200, {"name": "FOXES", "info": "We are red."}
    )  # fmt: skip
    assert call(client, "PATCH", path, keys["moderator"], info="We are grey.") == (200, {"info": "We are grey."})
    assert client.get(f"{WORKERS}/{atlas}").json()["team"]["name"] == "FOXES"
    assert client.get(path).json()["info"] == "We are grey."


def test_refused_change_leaves_the_team_as_it_was(client: httpx.Client, keys: Keys) -> None:
    team_id = found(client, keys["ada"])
    found(client, keys["ada"], "Wolves")
    before, path = client.get(f"{TEAMS}/{team_id}").json(), f"{TEAMS}/{team_id}"

    assert refused(call(client, "PATCH", path, None, info="stolen")) == (401, "InvalidAPIKey")
    assert refused(call(client, "PATCH", path, keys["unknown"], info="stolen")) == (401, "InvalidAPIKey")
    assert refused(call(client, "PATCH", path, keys["bob"], info="stolen")) == (403, "NotOwner")
    assert refused(call(client, "PATCH", path, keys["bob"], name="stolen")) == (403, "NotModerator")
    assert refused(call(client, "PATCH", path, keys["ada"])) == (400, "NoTeamModSelected")
    assert refused(call(client, "PATCH", path, keys["ada"], name="wolves", info="new")) == (
        400, "TeamNameAlreadyExists"
    )  # fmt: skip
    assert refused(call(client, "DELETE", path, None)) == (401, "InvalidAPIKey")
    assert refused(call(client, "DELETE", path, keys["bob"])) == (403, "NotModerator")
    assert client.get(path).json() == before


@pytest.mark.parametrize("caller", ["ada", "moderator"])
def test_deleted_team_lets_its_workers_go(client: httpx.Client, keys: Keys, caller: str) -> None:
    team_id, atlas = found(client, keys["ada"]), worker_of(client, keys["bob"], "Atlas")
    joined(client, keys["bob"], atlas, team_id)

    done = call(client, "DELETE", f"{TEAMS}/{team_id}", keys[caller])

    assert done == (200, {"deleted_id": team_id, "deleted_name": "Foxes"})
    assert client.get(f"{WORKERS}/{atlas}").json()["team"] == {"name": None, "id": None}
    assert client.get(TEAMS).json() == []

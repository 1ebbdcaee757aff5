"""Collections of styles over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from tests.api.actors import NOBODYS_ID, Json, register
from tests.api.v2.by_hand import change
from tests.api.v2.test_styles import IMAGE, TEXT, Keys, call, made, refused
from tests.plugins.hordes import ANONYMOUS, RunningHorde

COLLECTIONS, BY_NAME = "/api/v2/collections", "/api/v2/collection_by_name"


@pytest.fixture
def client(horde: RunningHorde) -> Iterator[httpx.Client]:
    with horde.client(key=None) as opened:
        yield opened


@pytest.fixture
def keys(horde: RunningHorde, client: httpx.Client) -> Keys:
    """Of a moderator, of Ada who is trusted, of Bob who has no role, of one who is deleted."""
    made = {name: register(client, name) for name in ("moderator", "ada", "bob", "gone")}
    change(horde, "UPDATE users SET is_moderator = true, is_trusted = true WHERE id = 1")
    change(horde, "UPDATE users SET is_trusted = true WHERE id = 2")
    change(horde, "UPDATE users SET deleted_at = now() WHERE id = 4")
    return made | {"nobody": ANONYMOUS, "unknown": "unknown"}


def collected(client: httpx.Client, key: str, styles: list[str], name: str = "Paintings", **fields: object) -> str:
    status, answer = call(client, "POST", COLLECTIONS, key, **{"name": name, "styles": styles, **fields})
    assert status == 200, answer
    assert answer == {"id": answer["id"], "message": "OK", "warnings": []}
    return str(answer["id"])


def test_anybody_with_a_key_collects_styles_of_anybody(client: httpx.Client, keys: Keys) -> None:
    oil, ink = made(client, keys["ada"], "Oil"), made(client, keys["ada"], "Ink", public=False)

    collection_id = collected(client, keys["bob"], [ink, "style::Oil", "ada#2::Ink"])

    collection = {
        "id": collection_id, "name": "Paintings", "type": "image", "info": None, "public": True, "use_count": 0,
        "styles": [{"name": "Ink", "id": ink}, {"name": "Oil", "id": oil}],
    }  # fmt: skip
    assert call(client, "GET", f"{COLLECTIONS}/{collection_id}") == (200, collection)
    assert call(client, "GET", COLLECTIONS) == (200, [collection])
    for name in ("Paintings", "collection::Paintings", "bob%233::Paintings", "collection::bob%233::Paintings"):
        assert call(client, "GET", f"{BY_NAME}/{name}") == (200, collection)
    for name in ("paintings", "style::Paintings", "ada%232::Paintings", "::"):
        assert refused(call(client, "GET", f"{BY_NAME}/{name}")) == (404, "CollectionNotFound")


def test_list_has_public_collections_by_type(horde: RunningHorde, client: httpx.Client, keys: Keys) -> None:
    oil, bard = made(client, keys["ada"], "Oil"), made(client, keys["ada"], "Bard", path=TEXT)
    for name, style in (("A", oil), ("B", bard), ("C", oil)):
        collected(client, keys["bob"], [style], name)
    collected(client, keys["bob"], [oil], "Unlisted", public=False)
    change(horde, "UPDATE style_collections SET use_count = 5 WHERE name = 'C'")

    def names(query: str) -> list[str]:
        return [found["name"] for found in client.get(f"{COLLECTIONS}?{query}").json()]

    assert names("sort=age") == names("sort=age&type=all") == ["A", "B", "C"]
    assert names("type=image") == ["C", "A"]
    assert names("type=text") == ["B"]
    assert names("page=2") == []
    assert client.get(f"{COLLECTIONS}?type=video").status_code == 400


REFUSED: list[tuple[str, Json, tuple[int, str]]] = [
    ("unknown", {"styles": []}, (400, "BadRequest")),
    ("unknown", {}, (401, "InvalidAPIKey")),
    ("gone", {}, (403, "DeletedUser")),
    ("nobody", {}, (403, "StylesAnonForbidden")),
    ("bob", {"styles": ["Oil", "none"]}, (400, "BadRequest")),
    ("bob", {"styles": ["Oil", NOBODYS_ID]}, (400, "BadRequest")),
    ("bob", {"styles": ["collection::Paintings"]}, (400, "BadRequest")),
    ("bob", {"styles": ["Oil", "Bard"]}, (400, "BadRequest")),
    ("bob", {"name": "Paintings"}, (400, "BadRequest")),
    ("bob", {"name": "a::b"}, (400, "BadRequest")),
]


def test_refused_collection_is_not_made(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["ada"], "Oil")
    made(client, keys["ada"], "Bard", path=TEXT)
    collected(client, keys["bob"], ["Oil"])

    for caller, fields, refusal in REFUSED:
        body = {"name": "Others", "styles": ["Oil"], **fields}
        assert refused(call(client, "POST", COLLECTIONS, keys[caller], **body)) == refusal, (caller, fields)
    assert len(client.get(COLLECTIONS).json()) == 1


def test_owner_changes_what_is_given_and_the_rest_stays(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["ada"], "Oil")
    bard = made(client, keys["ada"], "Bard", path=TEXT)
    path = f"{COLLECTIONS}/{collected(client, keys['bob'], ['Oil'])}"
    before = client.get(path).json()

    done = {"id": before["id"], "message": "OK", "warnings": []}
    assert call(client, "PATCH", path, keys["bob"], name="Best", info="The best of all.") == (200, done)
    assert client.get(path).json() == before | {"name": "Best", "info": "The best of all."}
    assert call(client, "PATCH", path, keys["bob"], styles=[bard], public=False) == (200, done)
    changed = before | {"name": "Best", "info": "The best of all.", "public": False, "type": "text",
                        "styles": [{"name": "Bard", "id": bard}]}  # fmt: skip
    assert client.get(path).json() == changed


def test_refused_change_leaves_the_collection_as_it_was(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["ada"], "Oil")
    path = f"{COLLECTIONS}/{collected(client, keys['bob'], ['Oil'])}"
    collected(client, keys["bob"], ["Oil"], "Taken")
    before = client.get(path).json()

    assert refused(call(client, "PATCH", path, keys["unknown"], name="x")) == (401, "InvalidAPIKey")
    assert refused(call(client, "PATCH", path, keys["moderator"], name="x")) == (403, "Forbidden")
    wrong: list[Json] = [{"styles": []}, {"styles": ["none"]}, {"name": "Taken"}]
    for fields in wrong:
        assert refused(call(client, "PATCH", path, keys["bob"], **fields)) == (400, "BadRequest")
    assert client.get(path).json() == before


@pytest.mark.parametrize("caller", ["bob", "moderator"])
def test_owner_and_moderators_delete_a_collection(client: httpx.Client, keys: Keys, caller: str) -> None:
    oil = made(client, keys["ada"], "Oil")
    path = f"{COLLECTIONS}/{collected(client, keys['bob'], [oil])}"

    assert refused(call(client, "DELETE", path, keys["unknown"])) == (401, "InvalidAPIKey")
    assert refused(call(client, "DELETE", path, keys["ada"])) == (403, "Forbidden")
    assert call(client, "DELETE", path, keys[caller]) == (200, {"message": "OK"})
    assert refused(call(client, "GET", path)) == (404, "CollectionNotFound")
    assert client.get(f"{IMAGE}/{oil}").status_code == 200


@pytest.mark.parametrize("collection_id", [NOBODYS_ID, "x"])
def test_unknown_collection_is_not_found(client: httpx.Client, keys: Keys, collection_id: str) -> None:
    path = f"{COLLECTIONS}/{collection_id}"
    for method in ("GET", "PATCH", "DELETE"):
        assert refused(call(client, method, path, keys["bob"])) == (404, "CollectionNotFound")


def test_deleted_style_leaves_its_collections(client: httpx.Client, keys: Keys) -> None:
    oil, ink = made(client, keys["ada"], "Oil"), made(client, keys["ada"], "Ink")
    path = f"{COLLECTIONS}/{collected(client, keys['bob'], [oil, ink])}"

    call(client, "DELETE", f"{IMAGE}/{oil}", keys["ada"])

    assert client.get(path).json()["styles"] == [{"name": "Ink", "id": ink}]

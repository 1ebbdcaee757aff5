"""Styles over HTTP: making, reading, changing, deleting, and their examples."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.actors import NOBODYS_ID, Json, register
from tests.api.v2.by_hand import change
from tests.plugins.hordes import ANONYMOUS, RunningHorde

STYLES = "/api/v2/styles"
IMAGE, TEXT = f"{STYLES}/image", f"{STYLES}/text"
MODELS = ["stable_diffusion"]
Keys = dict[str, str]


@pytest.fixture
def client(horde: RunningHorde) -> Iterator[httpx.Client]:
    with horde.client(key=None) as opened:
        yield opened


@pytest.fixture
def keys(horde: RunningHorde, client: httpx.Client) -> Keys:
    """Of a moderator, of Ada who is trusted, of Bob who has no role, of Cid who is a customizer."""
    made = {name: register(client, name) for name in ("moderator", "ada", "bob", "cid", "gone")}
    change(horde, "UPDATE users SET is_moderator = true, is_trusted = true WHERE id = 1")
    change(horde, "UPDATE users SET is_trusted = true WHERE id = 2")
    change(horde, "UPDATE users SET is_customizer = true WHERE id = 4")
    change(horde, "UPDATE users SET is_trusted = true, deleted_at = now() WHERE id = 5")
    return made | {"nobody": ANONYMOUS, "unknown": "unknown"}


def call(client: httpx.Client, method: str, path: str, key: str | None = None, **fields: Any) -> tuple[int, Any]:
    headers = {} if key is None else {"apikey": key}
    answer = client.request(method, path, headers=headers, json=None if method in ("GET", "DELETE") else fields)
    return answer.status_code, answer.json()


def refused(answer: tuple[int, Any]) -> tuple[int, str]:
    assert "rc" in answer[1], answer
    return answer[0], answer[1]["rc"]


def made(client: httpx.Client, key: str, name: str = "Oil", *, path: str = IMAGE, **fields: Any) -> str:
    status, answer = call(client, "POST", path, key, **{"name": name, "models": MODELS, **fields})
    assert status == 200, answer
    return str(answer["id"])


# ------------------------------------------------------------------------------------------ make and read
def test_image_style_is_shown_with_what_its_author_named_and_no_more(client: httpx.Client, keys: Keys) -> None:
    fields: Json = {
        "name": " Oil  painting ", "info": "As if painted with oil.", "prompt": "oil painting of {p}###photo {np}",
        "params": {"steps": 20, "width": 512, "loras": [{"name": "oil"}], "n": 3, "seed": "7", "unheard_of": 1},
        "tags": ["oil", "canvas", "oil"], "models": ["sdxl", "flux", "sdxl"], "nsfw": True,
    }  # fmt: skip

    status, answer = call(client, "POST", IMAGE, keys["ada"], **fields)

    assert (status, answer) == (200, {"id": answer["id"], "message": "OK", "warnings": []})
    params = {"steps": 20, "width": 512, "loras": [{"name": "oil", "model": 1.0, "clip": 1.0, "is_version": False}]}
    style = {
        "id": answer["id"], "name": "Oil painting", "info": "As if painted with oil.",
        "prompt": "oil painting of {p}###photo {np}", "params": params, "public": True, "nsfw": True,
        "tags": ["oil", "canvas"], "models": ["sdxl", "flux"], "use_count": 0, "creator": "ada#2", "examples": [],
    }  # fmt: skip
    assert call(client, "GET", f"{IMAGE}/{answer['id']}") == (200, style)
    assert call(client, "GET", f"{STYLES}/image_by_name/Oil painting") == (200, style)
    assert call(client, "GET", IMAGE) == (200, [style])
    assert call(client, "GET", TEXT) == (200, [])


def test_text_style_always_shows_four_of_its_parameters(client: httpx.Client, keys: Keys) -> None:
    status, answer = call(client, "POST", TEXT, keys["cid"], name="Bard", models=["llama"], params={"min_p": 0.1})

    assert (status, answer) == (200, {"id": answer["id"], "message": "OK"})
    _, style = call(client, "GET", f"{TEXT}/{answer['id']}")
    shown = {"min_p": 0.1, "smoothing_factor": 0.0, "dynatemp_range": 0.0, "dynatemp_exponent": 1.0}
    assert style == {
        "id": answer["id"], "name": "Bard", "prompt": "{p}", "params": shown, "public": True, "nsfw": False, "tags": [],
        "models": ["llama"], "use_count": 0, "creator": "cid#4",
    }  # fmt: skip
    assert call(client, "GET", TEXT) == (200, [style | {"info": ""}])


def by_name(client: httpx.Client, name: str, kind: str = "image") -> httpx.Response:
    return client.get(f"{STYLES}/{kind}_by_name/{name.replace('#', '%23')}")


def test_style_is_found_by_every_form_of_its_name_and_by_nothing_else(client: httpx.Client, keys: Keys) -> None:
    style_id = made(client, keys["ada"])

    for name in ("Oil", "style::Oil", "ada#2::Oil", "style::ada#2::Oil", "ada#2::style::Oil"):
        assert by_name(client, name).json().get("id") == style_id, name
    for name in ("oil", "collection::Oil", "ada#3::Oil", "bob#2::Oil", "else::Oil", "Oil::Oil", "::Oil", "Oil::", "::"):
        answer = by_name(client, name)
        assert (answer.status_code, answer.json().get("rc")) == (404, "Image styleNotFound"), name
    assert by_name(client, "none", "text").json()["rc"] == "Text styleNotFound"


def test_name_alone_means_the_oldest_public_style_so_nobody_takes_it_over(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["moderator"], public=False)
    oldest, newest = made(client, keys["ada"]), made(client, keys["cid"])

    assert by_name(client, "Oil").json()["id"] == oldest
    assert by_name(client, "cid#4::Oil").json()["id"] == newest


def test_style_of_the_other_kind_is_a_mismatch(client: httpx.Client, keys: Keys) -> None:
    oil, bard = made(client, keys["ada"]), made(client, keys["ada"], "Bard", path=TEXT)

    assert refused(call(client, "GET", f"{TEXT}/{oil}")) == (400, "BadRequest")
    assert refused(call(client, "GET", f"{IMAGE}/{bard}")) == (400, "BadRequest")
    assert refused(call(client, "GET", f"{STYLES}/text_by_name/Oil")) == (400, "BadRequest")
    assert refused(call(client, "DELETE", f"{TEXT}/{oil}", keys["ada"])) == (400, "BadRequest")
    assert refused(call(client, "PATCH", f"{TEXT}/{oil}", keys["ada"])) == (400, "BadRequest")
    body = {"url": "https://x.example/1", "primary": True}
    assert refused(call(client, "POST", f"{IMAGE}/{bard}/example", keys["ada"], **body)) == (400, "BadRequest")


@pytest.mark.parametrize("style_id", [NOBODYS_ID, "x"])
def test_unknown_style_is_not_found(client: httpx.Client, keys: Keys, style_id: str) -> None:
    image, text = f"{IMAGE}/{style_id}", f"{TEXT}/{style_id}"
    assert refused(call(client, "GET", image)) == (404, "Image styleNotFound")
    assert refused(call(client, "GET", text)) == (404, "Text styleNotFound")
    assert refused(call(client, "DELETE", image, keys["ada"])) == (404, "Image styleNotFound")
    assert refused(call(client, "DELETE", text, keys["ada"])) == (404, "Text styleNotFound")
    assert refused(call(client, "PATCH", image, keys["ada"])) == (404, "StyleNotFound")
    assert refused(call(client, "PATCH", text, keys["ada"])) == (404, "StyleNotFound")
    body = {"url": "https://x.example/1", "primary": True}
    assert refused(call(client, "POST", f"{image}/example", keys["ada"], **body)) == (404, "StyleNotFound")


# -------------------------------------------------------------------------------------------------- lists
def test_list_has_public_styles_by_tag_and_model_a_page_at_a_time(client: httpx.Client, keys: Keys) -> None:
    for number in range(26):
        made(client, keys["ada"], f"Style {number:02}", tags=[f"tag {number % 2}"], models=[f"model {number % 2}"])
    made(client, keys["ada"], "Unlisted", public=False)

    def names(query: str) -> list[str]:
        return [style["name"] for style in client.get(f"{IMAGE}?{query}").json()]

    assert names("sort=age") == [f"Style {number:02}" for number in range(25)]
    assert names("sort=age&page=2") == ["Style 25"]
    assert names("page=3") == names("page=1000000") == []
    assert names("sort=age&tag=tag 1")[:2] == ["Style 01", "Style 03"]
    assert names("sort=age&model=model 0")[:2] == ["Style 00", "Style 02"]
    assert names("model=model 0&tag=tag 1") == []


def test_popular_styles_come_first(horde: RunningHorde, client: httpx.Client, keys: Keys) -> None:
    for name in ("Ink", "Chalk", "Coal"):
        made(client, keys["ada"], name)
    change(horde, "UPDATE styles SET use_count = length(name)")

    assert [style["name"] for style in client.get(IMAGE).json()] == ["Chalk", "Coal", "Ink"]


def test_nul_is_in_no_name_no_tag_and_no_model(shared_client: httpx.Client) -> None:
    for path in ("styles/image_by_name/a%00b", "styles/text_by_name/%00", "collection_by_name/%00"):
        assert shared_client.get(f"/api/v2/{path}").status_code == 404, path
    for query in ("tag=%00", "model=a%00b"):
        answer = shared_client.get(f"{IMAGE}?{query}")
        assert (answer.status_code, answer.json()) == (200, []), query


@pytest.mark.parametrize("query", ["page=0", "page=x", "sort=best"])
def test_list_refuses_what_is_no_page(shared_client: httpx.Client, query: str) -> None:
    for path in (IMAGE, TEXT, "/api/v2/collections"):
        answer = shared_client.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["message"]) == (400, "Input payload validation failed")


# ----------------------------------------------------------------------------------------------- refusals
REFUSED: list[tuple[str, Json, tuple[int, str]]] = [
    ("unknown", {"models": []}, (400, "BadRequest")),
    ("unknown", {"models": ["m"] * 6}, (400, "BadRequest")),
    ("unknown", {"tags": ["t"] * 11}, (400, "BadRequest")),
    ("unknown", {}, (401, "InvalidAPIKey")),
    ("nobody", {}, (403, "StylesRequiresCustomizer")),
    ("bob", {}, (403, "StylesRequiresCustomizer")),
    ("gone", {"sharedkey": NOBODYS_ID}, (400, "BadRequest")),
    ("gone", {"name": "Oil"}, (403, "DeletedUser")),
    ("ada", {"name": " Oil "}, (400, "BadRequest")),
    ("ada", {"name": "  "}, (400, "BadRequest")),
    ("ada", {"name": "a::b"}, (400, "BadRequest")),
    ("ada", {"prompt": "no place for words"}, (400, "BadRequest")),
]


@pytest.mark.parametrize("path", [IMAGE, TEXT])
def test_refused_style_is_not_made(client: httpx.Client, keys: Keys, path: str) -> None:
    made(client, keys["ada"], path=path)

    for caller, fields, refusal in REFUSED:
        body = {"name": "Ink", "models": MODELS, **fields}
        assert refused(call(client, "POST", path, keys[caller], **body)) == refusal, (caller, fields)
    assert len(client.get(path).json()) == 1


IN_VAIN: list[tuple[str, Json, str]] = [
    (IMAGE, {"params": {"cfg_scale": 1.234}}, "BadCFGDecimals"),
    (IMAGE, {"params": {"loras": [{"name": "x", "is_version": True}]}}, "BadLoraVersion"),
    (IMAGE, {"params": {"special": {}}}, "BadRequest"),
    (IMAGE, {"prompt": "only {p} here"}, "BadRequest"),
    (TEXT, {"params": {"max_length": 200, "max_context_length": 100}}, "TokenOverflow"),
    (TEXT, {"params": {"sampler_order": [1]}}, "MissingFullSamplerOrder"),
]


def test_style_in_which_no_request_would_be_taken_is_refused(client: httpx.Client, keys: Keys) -> None:
    for path, fields, rc in IN_VAIN:
        answer = call(client, "POST", path, keys["ada"], name="Ink", models=MODELS, **fields)
        assert refused(answer) == (400, rc), fields


def test_style_may_need_what_only_its_user_can_send(client: httpx.Client, keys: Keys) -> None:
    made(client, keys["ada"], "Codes", params={"workflow": "qr_code"})
    made(client, keys["ada"], "Changes", models=["pix2pix"])


@pytest.mark.parametrize(
    ("path", "fields", "at"),
    [(IMAGE, {"models": MODELS}, "name"), (IMAGE, {"name": "a"}, "models"), (TEXT, {"name": "a"}, "models"),
     (IMAGE, {"name": "x" * 101, "models": MODELS}, "name"),
     (IMAGE, {"name": "a", "models": MODELS, "info": "short"}, "info"),
     (IMAGE, {"name": "a", "models": MODELS, "prompt": "{p}{n}"}, "prompt"),
     (TEXT, {"name": "a", "models": MODELS, "prompt": "{}"}, "prompt"),
     (IMAGE, {"name": "a", "models": MODELS, "tags": ["x" * 26]}, "tags.0"),
     (IMAGE, {"name": "a", "models": MODELS, "params": {"width": 65}}, "params.width"),
     (TEXT, {"name": "a", "models": MODELS, "params": {"sampler_order": [0] * 1001}}, "params.sampler_order"),
     (IMAGE, {"name": "a", "models": MODELS, "sharedkey": "x"}, "sharedkey")],
)  # fmt: skip
def test_style_out_of_its_bounds_breaks_the_schema(
    shared_client: httpx.Client, path: str, fields: Json, at: str
) -> None:
    answer = shared_client.post(path, json=fields)

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [at])


# -------------------------------------------------------------------------------------- change and delete
@pytest.mark.parametrize("path", [IMAGE, TEXT])
def test_author_changes_what_is_given_and_the_rest_stays(client: httpx.Client, keys: Keys, path: str) -> None:
    param = {IMAGE: "steps", TEXT: "top_k"}[path]
    style_id = made(client, keys["ada"], path=path, params={param: 20}, tags=["oil"])
    before = client.get(f"{path}/{style_id}").json()

    answer = call(client, "PATCH", f"{path}/{style_id}", keys["ada"], nsfw=True, tags=[], info="A long story.")

    assert answer == (200, {"id": style_id, "message": "OK", "warnings": []})
    changed = before | {"nsfw": True, "tags": [], "info": "A long story."}
    assert client.get(f"{path}/{style_id}").json() == changed
    call(client, "PATCH", f"{path}/{style_id}", keys["ada"], name="Ink", params={param: 30}, prompt="ink: {p} {np}",
         models=["other"], public=False)  # fmt: skip
    assert client.get(f"{path}/{style_id}").json() == changed | {
        "name": "Ink", "params": before["params"] | {param: 30}, "prompt": "ink: {p} {np}", "models": ["other"],
        "public": False,
    }  # fmt: skip


def test_refused_change_leaves_the_style_as_it_was(client: httpx.Client, keys: Keys) -> None:
    style_id = made(client, keys["ada"])
    made(client, keys["ada"], "Ink")
    path = f"{IMAGE}/{style_id}"
    before = client.get(path).json()

    assert refused(call(client, "PATCH", path, keys["unknown"], nsfw=True)) == (401, "InvalidAPIKey")
    assert refused(call(client, "PATCH", path, keys["bob"], nsfw=True)) == (403, "Forbidden")
    assert refused(call(client, "PATCH", path, keys["moderator"], nsfw=True)) == (403, "Forbidden")
    out_of_bounds: list[Json] = [
        {"name": "Ink"}, {"models": []}, {"tags": ["t"] * 11}, {"prompt": "without places"},
        {"sharedkey": NOBODYS_ID},
    ]  # fmt: skip
    for fields in out_of_bounds:
        assert refused(call(client, "PATCH", path, keys["ada"], **fields)) == (400, "BadRequest")
    assert refused(call(client, "PATCH", path, keys["ada"], params={"cfg_scale": 1.234})) == (400, "BadCFGDecimals")
    assert client.get(path).json() == before


@pytest.mark.parametrize("path", [IMAGE, TEXT])
@pytest.mark.parametrize("caller", ["ada", "moderator"])
def test_author_and_moderators_delete_a_style(client: httpx.Client, keys: Keys, path: str, caller: str) -> None:
    style_id = made(client, keys["ada"], path=path)

    assert refused(call(client, "DELETE", f"{path}/{style_id}", keys["unknown"])) == (401, "InvalidAPIKey")
    assert refused(call(client, "DELETE", f"{path}/{style_id}", keys["nobody"])) == (403, "StylesAnonForbidden")
    assert refused(call(client, "DELETE", f"{path}/{style_id}", keys["bob"])) == (403, "Forbidden")
    assert call(client, "DELETE", f"{path}/{style_id}", keys[caller]) == (200, {"message": "OK"})
    assert client.get(f"{path}/{style_id}").status_code == 404


def test_routes_that_write_need_a_key(client: httpx.Client, keys: Keys) -> None:
    path = f"{IMAGE}/{made(client, keys['ada'])}"
    calls: list[tuple[str, str, Json]] = [
        ("POST", IMAGE, {"name": "x", "models": MODELS}), ("POST", TEXT, {"name": "x", "models": MODELS}),
        ("PATCH", path, {}), ("DELETE", path, {}), ("POST", f"{path}/example", {"url": "https://x", "primary": True}),
        ("PATCH", f"{path}/example/x", {"url": "https://x"}), ("DELETE", f"{path}/example/x", {}),
    ]  # fmt: skip
    for method, where, fields in calls:
        status, answer = call(client, method, where, None, **fields)
        assert (status, list(answer["errors"])) == (400, ["apikey"]), (method, where)


# ----------------------------------------------------------------------------------------------- examples
def shown(client: httpx.Client, style_id: str) -> list[tuple[str, bool]]:
    return [(one["url"], one["primary"]) for one in client.get(f"{IMAGE}/{style_id}").json()["examples"]]


def add(client: httpx.Client, key: str, style_id: str, url: str, *, primary: bool = False) -> tuple[int, Any]:
    return call(client, "POST", f"{IMAGE}/{style_id}/example", key, url=url, primary=primary)


def test_one_example_is_always_the_primary_one(client: httpx.Client, keys: Keys) -> None:
    style_id = made(client, keys["ada"])
    first, second, third = (f"https://x.example/{number}" for number in (1, 2, 3))

    status, answer = add(client, keys["ada"], style_id, first)
    assert (status, answer) == (200, {"id": answer["id"], "message": "OK", "warnings": []})
    assert shown(client, style_id) == [(first, True)]
    _, added = add(client, keys["moderator"], style_id, second, primary=True)
    assert shown(client, style_id) == [(first, False), (second, True)]

    path = f"{IMAGE}/{style_id}/example"
    assert refused(call(client, "DELETE", f"{path}/{added['id']}", keys["ada"])) == (400, "BadRequest")
    asked = {"url": second, "primary": False}
    assert refused(call(client, "PATCH", f"{path}/{added['id']}", keys["ada"], **asked)) == (400, "BadRequest")
    assert call(client, "PATCH", f"{path}/{answer['id']}", keys["ada"], url=third, primary=True) == (
        200, {"id": answer["id"], "message": "OK", "warnings": []}
    )  # fmt: skip
    assert shown(client, style_id) == [(third, True), (second, False)]
    assert call(client, "PATCH", f"{path}/{answer['id']}", keys["ada"], url=first)[0] == 200
    assert shown(client, style_id) == [(first, True), (second, False)]
    assert call(client, "DELETE", f"{path}/{added['id']}", keys["moderator"]) == (200, {"message": "OK"})
    assert call(client, "DELETE", f"{path}/{answer['id']}", keys["ada"]) == (200, {"message": "OK"})
    assert shown(client, style_id) == []


def test_refused_example_is_not_shown(client: httpx.Client, keys: Keys) -> None:
    style_id = made(client, keys["ada"])
    ids = [add(client, keys["ada"], style_id, f"https://x.example/{number}")[1]["id"] for number in range(3)]
    before = shown(client, style_id)

    assert refused(add(client, keys["unknown"], style_id, "http://x.example/9")) == (400, "BadRequest")
    assert refused(add(client, keys["unknown"], style_id, "https://x.example/9")) == (401, "InvalidAPIKey")
    assert refused(add(client, keys["nobody"], style_id, "https://x.example/9")) == (403, "StylesAnonForbidden")
    assert refused(add(client, keys["bob"], style_id, "https://x.example/9")) == (403, "Forbidden")
    assert refused(add(client, keys["ada"], style_id, "https://x.example/1")) == (400, "BadRequest")
    path = f"{IMAGE}/{style_id}/example"
    for unknown in (NOBODYS_ID, "x"):
        asked = {"url": "https://x.example/9"}
        assert refused(call(client, "PATCH", f"{path}/{unknown}", keys["ada"], **asked)) == (
            404, "Style exampleNotFound"
        )  # fmt: skip
        assert refused(call(client, "DELETE", f"{path}/{unknown}", keys["ada"])) == (404, "Style exampleNotFound")
    one = f"{path}/{ids[1]}"
    assert refused(call(client, "PATCH", one, keys["ada"], url="https://x.example/0")) == (400, "BadRequest")
    assert refused(call(client, "PATCH", one, keys["ada"], url="http://x.example/0")) == (400, "BadRequest")
    assert refused(call(client, "PATCH", one, keys["bob"], url="https://x.example/9")) == (403, "Forbidden")
    assert refused(call(client, "DELETE", one, keys["bob"])) == (403, "Forbidden")
    assert shown(client, style_id) == before


def test_fifth_example_is_too_many(client: httpx.Client, keys: Keys) -> None:
    style_id = made(client, keys["ada"])
    for number in range(4):
        add(client, keys["ada"], style_id, f"https://x.example/{number}")

    assert refused(add(client, keys["ada"], style_id, "https://x.example/4")) == (403, "Forbidden")


# ------------------------------------------------------------------------------------------------ account
def test_account_shows_its_public_styles_and_to_itself_all(client: httpx.Client, keys: Keys) -> None:
    oil, bard = made(client, keys["ada"]), made(client, keys["ada"], "Bard", path=TEXT, public=False)
    public = {"name": "ada#2::style::Oil", "id": oil, "type": "image"}
    unlisted = {"name": "ada#2::style::Bard", "id": bard, "type": "text"}

    def styles(path: str, key: str | None = None) -> object:
        return call(client, "GET", f"/api/v2/{path}", key)[1]["styles"]

    assert styles("users/2") == styles("users/2", keys["bob"]) == [public]
    assert styles("users/2", keys["moderator"]) == styles("find_user", keys["ada"]) == [unlisted, public]
    assert styles("users/3") == []
    listed = {user["id"]: user["styles"] for user in client.get("/api/v2/users").json()}
    assert (listed[2], listed[3]) == ([public], [])
    assert call(client, "GET", f"{STYLES}/image_by_name/ada%232::style::Oil")[1]["id"] == oil

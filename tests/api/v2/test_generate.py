"""Image requests over v2, from both sides."""

import base64

import httpx
import pytest

from tests.api.actors import MODEL, SMALL, Json, ask, deliver, picture, pop, register, serve_one, status
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

CHECK_KEYS = {
    "finished", "processing", "restarted", "waiting", "done", "faulted", "wait_time", "queue_position", "kudos",
    "is_possible",
}  # fmt: skip
SHOWN_WHEN_IDLE = dict.fromkeys(
    [
        "bridge_version", "untrusted", "performance", "controlnet", "post-processing", "lora", "nsfw", "unsafe_ip",
        "painting", "img2img", "worker_id", "models",
    ],
    0,
)  # fmt: skip
"""What `skipped` holds whenever nothing is handed out (contract/api-v2.md, section 3.1)."""
IDLE_PAYLOAD = {
    "sampler_name": "k_euler_a", "cfg_scale": 7.5, "height": 512, "width": 512, "karras": False, "tiling": False,
    "hires_fix": False, "transparent": False, "image_is_control": False, "return_control_map": False,
    "ddim_steps": 30, "n_iter": 1,
}  # fmt: skip


def test_picture_comes_by_a_link_that_anybody_may_follow(client: httpx.Client) -> None:
    request_id = ask(client)
    job = pop(client)
    # As old workers do it: no key, no Content-Type.
    uploaded = httpx.put(job["r2_uploads"][0], content=picture())
    assert (uploaded.status_code, uploaded.content) == (200, b"")
    assert deliver(client, job["id"], generation="R2", seed=42).json() == {
        "reward": 3.64,
        "credited": 2.73,
        "escrowed": 0.0,
    }

    (found,) = status(client, request_id)["generations"]

    assert httpx.get(found["img"]).content == picture()
    assert found == {
        "worker_id": client.get("/api/v2/workers").json()[0]["id"],
        "worker_name": "worker",
        "model": MODEL,
        "state": "ok",
        "img": found["img"],
        "seed": "42",
        "id": job["id"],
        "censored": False,
        "gen_metadata": [],
    }


def test_picture_comes_inline_when_asked_for(client: httpx.Client) -> None:
    request_id = ask(client, r2=False)
    serve_one(client)

    (found,) = status(client, request_id)["generations"]

    assert base64.b64decode(found["img"]) == picture()


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_other_formats_are_stored_as_webp(client: httpx.Client, image_format: str) -> None:
    request_id = ask(client, r2=False)
    deliver(client, pop(client)["id"], generation=base64.b64encode(picture(image_format)).decode())

    (found,) = status(client, request_id)["generations"]

    assert base64.b64decode(found["img"])[8:12] == b"WEBP"


def test_check_and_status_show_every_number_at_every_stage(client: httpx.Client) -> None:
    request_id = ask(client, params={"n": 2})
    waiting = client.get(f"/api/v2/generate/check/{request_id}").json()
    first = pop(client)
    running = client.get(f"/api/v2/generate/check/{request_id}").json()
    deliver(client, first["id"])
    half = status(client, request_id)
    serve_one(client)
    done = status(client, request_id)

    assert waiting.keys() == CHECK_KEYS | {"explanation"}  # nobody is online yet
    assert running.keys() == half.keys() - {"shared", "generations"} == CHECK_KEYS
    assert done.keys() == CHECK_KEYS | {"shared", "generations"}
    assert (waiting["waiting"], waiting["processing"], waiting["queue_position"]) == (2, 0, 1)
    assert (running["waiting"], running["processing"], running["finished"]) == (1, 1, 0)
    assert (half["waiting"], half["finished"], half["done"]) == (1, 1, False)
    assert len(half["generations"]) == 1
    assert (done["waiting"], done["finished"], done["done"], done["queue_position"]) == (0, 2, True, 0)


def test_check_needs_no_key(horde: RunningHorde, client: httpx.Client) -> None:
    request_id = ask(client)

    with horde.client(key=None) as stranger:
        assert stranger.get(f"/api/v2/generate/check/{request_id}").status_code == 200
        assert stranger.get(f"/api/v2/generate/status/{request_id}").status_code == 200


def test_idle_pop_answers_the_full_default_payload(client: httpx.Client) -> None:
    assert pop(client) == {
        "payload": IDLE_PAYLOAD, "id": None, "ids": [], "skipped": SHOWN_WHEN_IDLE, "model": None, "source_image": None,
        "source_processing": "img2img", "source_mask": None, "extra_source_images": None, "r2_upload": None,
        "r2_uploads": None, "ttl": None, "messages": [],
    }  # fmt: skip


def test_job_carries_the_parameters_under_their_wire_names(client: httpx.Client) -> None:
    ask(client, params={"seed": "7", "steps": 3, "cfg_scale": 6.5, "clip_skip": 1, "unknown": "key"})

    job = pop(client)

    assert job["payload"] == {
        "sampler_name": "k_euler_a", "cfg_scale": 6.5, "height": 64, "width": 64, "karras": True, "tiling": False,
        "hires_fix": False, "transparent": False, "image_is_control": False, "return_control_map": False,
        "clip_skip": 1, "prompt": "a red square", "ddim_steps": 3, "n_iter": 1, "seed": "7",
    }  # fmt: skip
    assert (job["id"], job["model"], job["ttl"]) == (job["ids"][0], MODEL, 150)
    assert job["source_processing"] == "img2img"
    assert job["skipped"] == {}


def test_pictures_of_a_workflow_are_made_one_by_one_and_need_no_trust(client: httpx.Client) -> None:
    text = {"text": "https://example.org", "reference": "qr_code"}
    ask(client, params={"n": 2, "workflow": "qr_code", "extra_texts": [text]})
    offer: Json = {
        "bridge_agent": "AI Horde Worker reGen:13:x",
        "allow_controlnet": True,
        "allow_sdxl_controlnet": True,
    }

    taken = [pop(client, amount=2, max_pixels=2048 * 2048, **offer) for _ in range(2)]

    assert [(len(job["ids"]), job["payload"]["workflow"]) for job in taken] == [(1, "qr_code")] * 2


def test_batch_gives_one_upload_link_for_each_job(client: httpx.Client) -> None:
    ask(client, params={"n": 4})

    job = pop(client, amount=3)

    assert len(job["ids"]) == len(job["r2_uploads"]) == 3
    assert job["payload"]["n_iter"] == 3


@pytest.mark.parametrize(
    ("asked", "offered", "key"),
    [
        ({"models": ["other"]}, {}, "models"),
        ({"params": {"width": 1024, "height": 1024}}, {}, "max_pixels"),
        ({"nsfw": True}, {"nsfw": False}, "nsfw"),
        ({"trusted_workers": True}, {}, "untrusted"),
        ({"params": {"hires_fix": True}}, {}, "bridge_version"),
        ({"params": {"loras": [{"name": "x"}]}}, {"bridge_agent": "AI Horde Worker reGen:9.1:x"}, "lora"),
        ({}, {"extra_slow_worker": True}, "performance"),
    ],
)
def test_idle_worker_learns_why(client: httpx.Client, asked: Json, offered: Json, key: str) -> None:
    ask(client, **asked)

    job = pop(client, **offered)

    assert job["id"] is None
    assert job["skipped"] == SHOWN_WHEN_IDLE | {key: 1}


def test_request_that_nobody_can_serve_is_taken_with_a_warning(client: httpx.Client) -> None:
    pop(client)

    answer = client.post("/api/v2/generate/async", json={"prompt": "x", "models": ["nobody has it"]}).json()

    assert answer["warnings"][0]["code"] == "NoAvailableWorker"
    assert "Warning" in answer["message"]
    assert "errors" not in answer
    assert client.get(f"/api/v2/generate/check/{answer['id']}").json()["is_possible"] is False


def test_requestor_learns_why_nobody_can_do_what_waits(client: httpx.Client) -> None:
    can, cannot = ask(client), ask(client, models=["rare"])
    pop(client, name="one")

    def told(request_id: str) -> list[object]:
        check = client.get(f"/api/v2/generate/check/{request_id}").json()
        found = status(client, request_id)
        assert check.keys() - {"explanation"} == CHECK_KEYS
        assert found.keys() - {"explanation"} == CHECK_KEYS | {"shared", "generations"}
        assert found.get("explanation") == check.get("explanation")
        assert ("explanation" in check) == (not check["is_possible"])
        return [check.get("explanation"), check["waiting"]]

    assert told(cannot) == ["No worker online offers model rare.", 1]
    assert told(can) == [None, 0]

    pop(client, models=["rare"], name="two")
    assert told(cannot) == [None, 0]


def test_explanation_goes_when_a_worker_comes_and_comes_when_it_goes(horde: RunningHorde, client: httpx.Client) -> None:
    request_id = ask(client, models=["rare"])

    def told() -> object:
        return client.get(f"/api/v2/generate/check/{request_id}").json().get("explanation")

    assert told() == "No worker is online."
    pop(client, models=["another"])
    assert told() == "No worker online offers model rare."
    change(horde, "UPDATE workers SET models = '{rare}', changed_at = clock_timestamp()")
    assert told() is None
    change(horde, "UPDATE workers SET is_in_maintenance = true, changed_at = clock_timestamp()")
    assert str(told()).startswith("1 worker online could do it, but it is in maintenance. Hint: ")
    change(horde, "DELETE FROM workers")
    assert told() == "No worker is online."


def test_cancelled_request_is_not_explained(client: httpx.Client) -> None:
    request_id = ask(client, models=["rare"])
    client.delete(f"/api/v2/generate/status/{request_id}")

    assert status(client, request_id).keys() == CHECK_KEYS | {"shared", "generations"}


def test_success_holds_no_null_and_no_errors_key(client: httpx.Client) -> None:
    pop(client)

    answer = client.post("/api/v2/generate/async", json={"prompt": "x", "params": SMALL})

    assert (answer.status_code, answer.json().keys()) == (202, {"id", "kudos"})


def test_price_of_one_picture_is_told_as_a_whole_number(client: httpx.Client) -> None:
    answers = [
        client.post("/api/v2/generate/async", json={"prompt": "x", "dry_run": is_dry, "params": {"steps": 4, "n": 3}})
        for is_dry in (False, True)
    ]

    # One is 4.26; all of them are (4.26 + 1) x 3 + 1 = 16.78.
    assert [answer.json()["kudos"] for answer in answers] == [4.0, 17.0]


def test_dry_run_prices_and_leaves_nothing_behind(client: httpx.Client) -> None:
    answer = client.post(
        "/api/v2/generate/async", json={"prompt": "x", "dry_run": True, "params": {"steps": 50, "n": 2}}
    )

    assert (answer.status_code, answer.json()) == (200, {"kudos": 25.0})  # (11 + 1) x 2 + 1
    assert pop(client)["id"] is None


def test_cancelled_request_is_handed_to_nobody(client: httpx.Client) -> None:
    request_id = ask(client)

    before = client.delete(f"/api/v2/generate/status/{request_id}")

    assert (before.status_code, before.json()["waiting"], before.json()["done"]) == (200, 1, False)
    assert pop(client)["id"] is None
    assert status(client, request_id)["done"] is True


def test_faulted_job_goes_to_the_next_worker(client: httpx.Client) -> None:
    request_id = ask(client)
    job = pop(client)

    answer = deliver(client, job["id"], state="faulted", generation="faulted", seed=-1)

    assert answer.json() == {"reward": 0.0, "credited": 0.0, "escrowed": 0.0}
    assert pop(client, name="another")["id"] not in (None, job["id"])
    assert status(client, request_id)["restarted"] == 1


def test_censored_picture_says_so(client: httpx.Client) -> None:
    request_id = ask(client)
    deliver(client, pop(client)["id"], state="censored", gen_metadata=[{"type": "censorship", "value": "nsfw"}])

    (found,) = status(client, request_id)["generations"]

    assert (found["censored"], found["state"]) == (True, "ok")
    assert found["gen_metadata"] == [{"type": "censorship", "value": "nsfw"}]


def test_fifty_remarks_are_taken_and_one_more_changes_nothing(client: httpx.Client) -> None:
    request_id = ask(client)
    job_id = pop(client)["id"]
    remark = {"type": "batch_index", "value": "see_ref", "ref": "0"}

    refused = deliver(client, job_id, gen_metadata=[remark] * 51)
    assert (refused.status_code, refused.json()["rc"]) == (400, "BadRequest")
    assert status(client, request_id)["processing"] == 1

    assert deliver(client, job_id, gen_metadata=[remark] * 50).status_code == 200
    [found] = status(client, request_id)["generations"]
    assert found["gen_metadata"] == [remark] * 50


def test_reward_reaches_the_owner_of_the_worker(horde: RunningHorde, client: httpx.Client) -> None:
    with horde.client(register(client)) as owner:
        ask(client, params={"width": 512, "height": 512, "steps": 50})
        job = pop(owner)
        answer = deliver(owner, job["id"])

        # Three quarters of 11, as nobody knows the program; half of it in escrow, as nobody knows the owner.
        assert answer.json() == {"reward": 11.0, "credited": 8.25, "escrowed": 4.12}
        assert owner.get("/api/v2/find_user").json()["kudos"] == 14 + 8.25 - 4.12
        assert client.get("/api/v2/find_user").json()["kudos"] == -(11 + 1 + 1)
        assert client.get("/api/v2/workers").json()[0]["kudos_rewards"] == 8.25


def test_restarted_worker_gives_back_what_it_lost(client: httpx.Client) -> None:
    ask(client)
    lost = pop(client, held_jobs=[])

    again = pop(client, held_jobs=[])

    assert again["id"] not in (None, lost["id"])
    assert "Please check your worker speed" in deliver(client, lost["id"]).json()["message"]

"""What the horde has done, as everybody may know it."""

import httpx
import pytest

from tests.api.actors import ask, serve_one

IMAGES, TEXTS = "/api/v2/stats/img/totals", "/api/v2/stats/text/totals"
IMAGE_MODELS, TEXT_MODELS = "/api/v2/stats/img/models", "/api/v2/stats/text/models"
PERIODS = ("minute", "hour", "day", "month", "total")


def in_each(periods: tuple[str, ...], **amounts: int) -> dict[str, dict[str, int]]:
    """The same amounts in each period."""
    return dict.fromkeys(periods, amounts)


def get(client: httpx.Client, path: str) -> object:
    """What a path answers to somebody without a key."""
    answer = client.get(path, headers={"apikey": ""})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_horde_that_did_nothing_shows_every_field(client: httpx.Client) -> None:
    nothing = in_each(PERIODS[2:])

    assert get(client, IMAGES) == in_each(PERIODS, images=0, ps=0)
    assert get(client, TEXTS) == in_each(PERIODS, requests=0, tokens=0)
    assert get(client, IMAGE_MODELS) == get(client, TEXT_MODELS) == nothing


def test_pictures_are_counted_by_period_and_model(client: httpx.Client) -> None:
    for model in ("one", "two", "two"):
        ask(client, models=[model], params={"width": 64, "height": 64, "steps": 2})
        serve_one(client, models=[model])

    assert get(client, IMAGES) == in_each(PERIODS, images=3, ps=3 * 64 * 64 * 2)
    used = in_each(PERIODS[2:], two=2, one=1)
    assert get(client, IMAGE_MODELS) == get(client, f"{IMAGE_MODELS}?model_state=all") == used
    assert get(client, f"{IMAGE_MODELS}?model_state=custom") == in_each(PERIODS[2:])
    assert get(client, TEXTS) == in_each(PERIODS, requests=0, tokens=0)


@pytest.mark.parametrize("state", ["any", ""])
def test_state_of_models_that_means_nothing_is_refused(shared_client: httpx.Client, state: str) -> None:
    answer = shared_client.get(IMAGE_MODELS, params={"model_state": state})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["model_state"])

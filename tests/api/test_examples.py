"""What the document shows as an example can be sent as it is, and is answered as the document says."""

from typing import Any

import httpx

from horde.server.api.edge.endpoints import PLACEHOLDER
from tests.api.actors import register
from tests.api.test_document import OPERATIONS
from tests.api.v2.by_hand import change
from tests.plugins.hordes import RunningHorde

WAITS_FOR_PICTURES = "/api/v1/generate/sync"
WITH_BODY = [
    (method, path, operation)
    for path, method, operation in sorted(OPERATIONS, key=lambda found: found[0], reverse=True)
    if "requestBody" in operation and path != WAITS_FOR_PICTURES
]
"""Styles before the collection of them."""


def key_of_an_admin(horde: RunningHorde, client: httpx.Client) -> str:
    """Of an account that may do anything, beside the robin#1 of the examples."""
    register(client, "robin")
    key = register(client, "ada")
    change(horde, "UPDATE users SET is_admin = true, is_moderator = true, is_trusted = true WHERE name = 'ada'")
    client.put("/api/v2/users/2", json={"kudos": 1000}, headers={"apikey": key}).raise_for_status()
    return key


def example(operation: dict[str, Any], key: str) -> dict[str, Any]:
    (content,) = operation["requestBody"]["content"].values()
    shown = dict(content.get("example") or content["schema"]["examples"][0])
    return shown | ({"api_key": key} if "api_key" in shown else {})


def test_every_example_is_taken_as_sent_and_answered_as_described(horde: RunningHorde) -> None:
    answers = {}
    with horde.client() as client:
        key = key_of_an_admin(horde, client)
        for method, path, operation in WITH_BODY:
            address = PLACEHOLDER.sub("1" if "user_id" in path else "nobody", path)
            answer = client.request(method, address, json=example(operation, key), headers={"apikey": key})
            if answer.status_code == 400 or str(answer.status_code) not in operation["responses"]:
                answers[method, path] = (answer.status_code, answer.text)

    assert answers == {}

"""Whatever the document allows to be sent, and what it does not: the server never breaks, and answers as it describes.

Bounded, and from a fixed seed, so that a red run can be run again.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from horde.server.app import create_app
from horde.server.settings import Settings
from tests.api.v2.alchemists import PICTURE
from tests.plugins.hordes import ANONYMOUS, RunningHorde

EXAMPLES = 60
"""For each route, and as many again that break the document."""
NO_WORKER = (503, '"No active server can do this request now."')
"""What v1 answers while nobody serves (contract/api-v1.md, section 2): a refusal, not a fault."""

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance, content_type_conformance]
"""What every answer must be."""

DOCUMENT = schemathesis.openapi.from_dict(create_app(Settings()).openapi_schema.to_schema())
ROUTES = [found.ok() for found in DOCUMENT.get_all_operations() if isinstance(found, Ok)]

# Where nothing but a key and a path is taken, nothing can be sent that breaks the document.
BREAKABLE = [route for route in ROUTES if list(route.body) or list(route.query)]
SENT = [(route, GenerationMode.POSITIVE) for route in ROUTES] + [
    (route, GenerationMode.NEGATIVE) for route in BREAKABLE
]

REFUSED = frozenset(
    {"style", "webhook", "source_image", "source_mask", "extra_source_images", "proxied_account", "workers"}
)
REFUSED_PARAMS = frozenset({"special", "control_type", "workflow", "extra_texts"})
"""What ends a request for images before the engine sees it; nearly every drawn body has some of it."""


def leave_out_what_is_refused(body: object) -> None:
    """Let a drawn request get as far as it can."""
    if isinstance(body, dict):
        # Nothing comes of alchemy without a picture.
        picture = {"source_image": PICTURE} if {"forms", "source_image"} <= body.keys() else {}
        for name in REFUSED.intersection(body):
            del body[name]
        if isinstance(params := body.get("params"), dict):
            for name in REFUSED_PARAMS.intersection(params):
                del params[name]
        body.update(picture)


def leave_out_masks(case: Case) -> None:  # type: ignore[type-arg]
    """A drawn mask either has a mistake, and its call goes no further, or leaves out what the document describes."""
    case.headers.pop("X-Fields", None)


@pytest.mark.parametrize(("route", "mode"), SENT, ids=[f"{route.label} {mode.value}" for route, mode in SENT])
def test_nothing_that_can_be_sent_is_a_bug(
    fuzzed_horde: RunningHorde,
    route: APIOperation,  # type: ignore[type-arg]
    mode: GenerationMode,
) -> None:
    @seed(20261123)
    @settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=route.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:  # type: ignore[type-arg]
        if mode is GenerationMode.POSITIVE:
            leave_out_what_is_refused(case.body)
        leave_out_masks(case)
        answer = case.call(base_url=fuzzed_horde.url, headers={"apikey": ANONYMOUS})

        if (answer.status_code, answer.text) != NO_WORKER:
            case.validate_response(answer, checks=CHECKS)

    send()

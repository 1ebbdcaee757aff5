"""Whoever follows the links of the document from call to call finds what it describes, and never a bug.

Bounded, and always the same walks, so that a red run can be run again.
"""

import base64
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import Case, GenerationMode
from schemathesis.core.transport import Response
from schemathesis.generation.stateful.state_machine import APIStateMachine

from tests.api.actors import MODEL, SMALL, Json, picture
from tests.api.test_fuzz import CHECKS, DOCUMENT, NO_WORKER, leave_out_masks, leave_out_what_is_refused
from tests.plugins.hordes import ANONYMOUS, RunningHorde

WALKS, STEPS = 15, 20
ATTEMPTS = 3
ALWAYS: dict[str, Json] = {
    "POST /api/v2/generate/async": {"prompt": "x", "params": SMALL, "models": [MODEL]},
    "POST /api/v2/generate/pop": {
        "name": "walker",
        "models": [MODEL],
        "max_pixels": 512 * 512,
        "priority_usernames": [],
    },
    "POST /api/v2/generate/submit": {"generation": base64.b64encode(picture()).decode(), "seed": 1, "state": "ok"},
}


def walks_on(url: str, where: str, done: Counter[tuple[str, int]]) -> type[APIStateMachine]:
    """Walks on a server along routes whose address matches, which count what was answered."""
    DOCUMENT.config.update(base_url=url)
    DOCUMENT.config.generation.update(modes=[GenerationMode.POSITIVE])

    class Walk(DOCUMENT.include(path_regex=where).as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:  # type: ignore[type-arg]
            return {"headers": {"apikey": ANONYMOUS}}

        def before_call(self, case: Case) -> None:  # type: ignore[type-arg]
            leave_out_masks(case)
            leave_out_what_is_refused(case.body)
            # Hardly ever does a drawn worker offer what a drawn request needs.
            if isinstance(case.body, dict) and case.operation.label in ALWAYS:
                case.body.update(ALWAYS[case.operation.label])

        def validate_response(self, response: Response, case: Case, **_: Any) -> None:  # type: ignore[type-arg]
            done[case.operation.label, response.status_code] += 1
            if (response.status_code, response.text) != NO_WORKER:
                case.validate_response(response, checks=CHECKS)

    return Walk


def walk(horde: RunningHorde, where: str) -> Counter[tuple[str, int]]:
    done: Counter[tuple[str, int]] = Counter()
    bounds = settings(
        max_examples=WALKS,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for attempt in range(ATTEMPTS):
        try:
            walks_on(horde.url, where, done).run(settings=bounds)
            break
        except FlakyStrategyDefinition:
            # What a walk can do next depends on the answers, and those on the time: hypothesis wants the same steps
            # when it begins a walk as it began another. It is no finding; what one finds is raised as what it is.
            if attempt == ATTEMPTS - 1:
                raise
    return done


def test_every_walk_along_the_links_finds_what_is_described(fuzzed_horde: RunningHorde) -> None:
    done = walk(fuzzed_horde, "^/api/")

    assert sum(done.values()) > WALKS
    assert not [answered for answered in done if answered[1] == 429]


def test_walks_between_requestor_and_worker_come_to_an_end(fuzzed_horde: RunningHorde) -> None:
    done = walk(fuzzed_horde, "^/api/v2/generate/")

    for label in ("GET {}/check/{{request_id}}", "GET {}/status/{{request_id}}", "DELETE {}/status/{{request_id}}",
                  "POST {}/submit"):  # fmt: skip
        assert done[label.format("/api/v2/generate"), 200], f"no walk came as far as {label}: {done}"

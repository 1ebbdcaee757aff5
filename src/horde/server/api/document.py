"""What the OpenAPI document says of every route, since the edge does it for every route: limits, refusals, headers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

from litestar.openapi.spec import OpenAPI

from horde.server.api.edge.endpoints import PLACEHOLDER
from horde.server.api.edge.limits_table import Limits, limits_of
from horde.server.api.edge.public_lists import MAX_AGE_S
from horde.server.api.examples import EXAMPLES
from horde.server.api.refusals import refusals_of

Node: TypeAlias = dict[str, object]
"""A part of the document."""

METHODS = ("get", "post", "put", "patch", "delete")
FRAMEWORK_REFUSAL = "Validation Exception"
"""By which the framework's own description of a refusal is known; ours looks otherwise."""


def _schema(schema: Node) -> Node:
    return {"application/json": {"schema": schema}}


def _header(name: str, description: str, example: str) -> Node:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema,
            "example": example}  # fmt: skip


def _told(description: str) -> Node:
    return {"description": description, "schema": {"type": "integer"}}


TEXT: Node = {"type": "string"}
SCHEMAS: dict[str, Node] = {
    "Refusal": {
        "title": "Refusal",
        "type": "object",
        "required": ["message"],
        "properties": {
            "message": {"type": "string", "description": "What happened, and a hint how to go on."},
            "rc": {"type": "string", "description": "A stable code; not there when called too often."},
        },
    },
    "BadPayload": {
        "title": "BadPayload",
        "type": "object",
        "required": ["errors", "message"],
        "properties": {
            "errors": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "Reasons by the dotted path, as in `params.width`.",
            },
            "message": TEXT,
        },
    },
}
REFUSAL: Node = {"$ref": "#/components/schemas/Refusal"}
BAD_PAYLOAD: Node = {"$ref": "#/components/schemas/BadPayload"}
X_FIELDS = _header("X-Fields", "Only these keys are wanted: `id,kudos`, or `workers{id,name}` of what is below.", "*")
CLIENT_AGENT = _header("Client-Agent", "`name:version:contact` of the calling program.", "unknown:0:unknown")
IF_NONE_MATCH = _header("If-None-Match", "The `ETag` of the list that one has: 304 while it is the same.", '"none"')
LIMIT_HEADERS: dict[str, Node] = {
    "X-RateLimit-Limit": _told("Calls that are allowed within the window of the limit that is nearest to its end."),
    "X-RateLimit-Remaining": _told("How many of them are left."),
    "X-RateLimit-Reset": _told("When the window ends, in seconds since 1970."),
    "Retry-After": _told("In how many seconds it ends."),
}
KEEPING_HEADERS: dict[str, Node] = {
    "ETag": {"description": "Names the list as it is.", "schema": TEXT},
    "Cache-Control": {"description": "How long it may be kept.", "schema": TEXT},
}

DRY_RUNS = frozenset({"POST /api/v2/generate/async", "POST /api/v2/generate/text/async"})
"""Where only the price may be asked for."""
EMPTY_IN_V1 = "GET /api/v1/generate/prompt/{}"
"""What is not there is answered as if it were, with nothing in it."""

LINKS = (
    ("post /api/v2/generate/async", "202", "id", "get /api/v2/generate/check/{}"),
    ("post /api/v2/generate/async", "202", "id", "get /api/v2/generate/status/{}"),
    ("post /api/v2/generate/async", "202", "id", "delete /api/v2/generate/status/{}"),
    ("post /api/v2/generate/pop", "200", "id", "post /api/v2/generate/submit"),
    ("post /api/v2/generate/text/async", "202", "id", "get /api/v2/generate/text/status/{}"),
    ("post /api/v2/generate/text/async", "202", "id", "delete /api/v2/generate/text/status/{}"),
    ("post /api/v2/generate/text/pop", "200", "id", "post /api/v2/generate/text/submit"),
    ("post /api/v2/interrogate/async", "202", "id", "get /api/v2/interrogate/status/{}"),
    ("post /api/v2/interrogate/async", "202", "id", "delete /api/v2/interrogate/status/{}"),
    ("post /api/v2/interrogate/pop", "200", "forms/0/id", "post /api/v2/interrogate/submit"),
    ("get /api/v2/workers", "200", "0/id", "get /api/v2/workers/{}"),
    ("get /api/v2/workers", "200", "0/name", "get /api/v2/workers/name/{}"),
    ("get /api/v2/teams", "200", "0/id", "get /api/v2/teams/{}"),
    ("get /api/v2/users", "200", "0/id", "get /api/v2/users/{}"),
)
"""Where an answer leads: the call, its status, what of its body, and the call that takes it in its address or, as `id`,
in its body. A route may be one that this server does not have yet."""


class Document(OpenAPI):
    """The framework's document, and in it what the edge does."""

    def to_schema(self) -> dict[str, object]:
        """The document as JSON."""
        document = cast("Node", _with_any_of(super().to_schema()))
        components = cast("dict[str, Node]", document.setdefault("components", {}))
        components.setdefault("schemas", {}).update(SCHEMAS)
        for path, method, operation in _operations(document):
            _describe(operation, path, method)
        _add_links(document)
        return document


def _with_any_of(node: object) -> object:
    """The framework says `oneOf` for what may be one type or another; some answers and arguments are both."""
    if isinstance(node, dict):
        return {"anyOf" if name == "oneOf" else name: _with_any_of(below) for name, below in node.items()}
    return [_with_any_of(item) for item in node] if isinstance(node, list) else node


def _operations(document: Node) -> Iterator[tuple[str, str, Node]]:
    paths = cast("dict[str, dict[str, Node]]", document.get("paths") or {})
    for path, item in paths.items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _describe(operation: Node, path: str, method: str) -> None:
    responses = cast("dict[str, Node]", operation.setdefault("responses", {}))
    parameters = cast("list[Node]", operation.setdefault("parameters", []))
    names = frozenset(cast("str", parameter["name"]) for parameter in parameters)
    call = f"{method.upper()} {PLACEHOLDER.sub('{}', path)}"
    if path != "/.well-known/serviceinfo":
        # Refusals of v1 are bare texts.
        refusal = TEXT if path.startswith("/api/v1/") else REFUSAL
        _describe_refusals(responses, refusal=refusal)
        for status, words in refusals_of(call, names).items():
            responses.setdefault(status, {"description": words, "content": _schema(refusal)})
    if path.startswith("/api/v2/"):
        parameters += [header for header in (X_FIELDS, CLIENT_AGENT) if header["name"] not in names]
    if call in DRY_RUNS:
        price: Node = {"$ref": "#/components/schemas/DryRun"}
        responses["200"] = {"description": "The price (`dry_run`): nothing was asked for.", "content": _schema(price)}
    if call == EMPTY_IN_V1:
        responses["404"]["content"] = responses["200"]["content"]
    if call in EXAMPLES:
        _show_example(operation, EXAMPLES[call])
    if path in MAX_AGE_S and method == "get":
        parameters.append(IF_NONE_MATCH)
        _add_headers(responses.get("200", {}), KEEPING_HEADERS)
        responses["304"] = {"description": "The list is as the caller has it.", "headers": dict(KEEPING_HEADERS)}
    if limits := limits_of(method.upper(), PLACEHOLDER.sub("{}", path)):
        _describe_limits(responses, limits)


def _show_example(operation: Node, example: Mapping[str, object]) -> None:
    body = cast("dict[str, dict[str, Node]]", operation["requestBody"])
    body["content"]["application/json"]["example"] = dict(example)


def _describe_refusals(responses: dict[str, Node], *, refusal: Node) -> None:
    found = responses.get("400")
    if found is None or FRAMEWORK_REFUSAL in str(found):
        shapes = [BAD_PAYLOAD, refusal]
        responses["400"] = {"description": "The call cannot be used as it is.", "content": _schema({"anyOf": shapes})}


def _describe_limits(responses: dict[str, Node], limits: Limits) -> None:
    words = ", and ".join(limit.text(limit.amount) for limit in limits)
    refused = responses.setdefault("429", {"description": "", "content": _schema(REFUSAL)})
    refused["description"] = f"{refused['description']} Called too often: {words}.".lstrip()
    for answer in (*(answer for status, answer in responses.items() if status.startswith("2")), refused):
        _add_headers(answer, LIMIT_HEADERS)


def _add_links(document: Node) -> None:
    found = {f"{method} {PLACEHOLDER.sub('{}', path)}": (path, it) for path, method, it in _operations(document)}
    for source, status, pointer, target in LINKS:
        if source not in found or target not in found:
            continue
        path, operation = found[target]
        value = f"$response.body#/{pointer}"
        parameter = PLACEHOLDER.search(path)
        takes: Node = {"parameters": {parameter[0][1:-1]: value}} if parameter else {"requestBody": {"id": value}}
        responses = cast("dict[str, Node]", found[source][1]["responses"])
        links = cast("Node", responses[status].setdefault("links", {}))
        links[f"{operation['operationId']}"] = {"operationId": operation["operationId"], **takes}


def _add_headers(answer: Node, headers: dict[str, Node]) -> None:
    answer["headers"] = {**cast("dict[str, Node]", answer.get("headers") or {}), **headers}

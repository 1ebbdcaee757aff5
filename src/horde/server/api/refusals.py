"""With which statuses each route refuses, for the document, beside what the edge does for every route.

An address stands here as in the table of limits, with `{}` for what is different from call to call.
"""

from __future__ import annotations

from typing import Final

V2 = "/api/v2"
NO_KEY = "Nobody holds this key."
MODERATORS = "Only moderators may do this (`NotModerator`)."
NOT_YOURS = "It is not yours, and you are no moderator; or anonymous accounts may not."
NOT_ALLOWED = "This account may not do this."
NO_SUCH_THING = "There is no such thing."
ASKING = "Too few kudos (`KudosUpfront`), a shared key at its limits, or an account or address that is kept out."
SERVING = "A worker in maintenance, of somebody else's name, or one too many; or an owner or address that is kept out."
NOT_YOUR_JOB = "The job is another account's (`WrongCredentials`)."
NO_JOB = "There is no such job (`InvalidJobID`)."
NO_WORKER_OR_STYLE = "A worker or a style that is named is not there."
KEY_TAKEN = "The `Idempotency-Key` was used for another call."
BUSY = "The server cannot reach its database now; `Retry-After` says when to come again."
BUSY_IN_V1 = "Nobody can do it, too much waits already, the horde is in maintenance, or cannot reach its database."
TOO_MUCH_WAITS = "Too much of yours waits already (`TooManyPrompts`)."

Refusals = dict[str, str]
"""What is told, by status."""

_MODERATORS: Refusals = {"403": MODERATORS}
_MODIFYING: Refusals = {"403": NOT_YOURS}
_OLD_SERVING: Refusals = {"401": "Nobody holds this key, or the name or the job is another account's."}

OWN: Final[dict[str, Refusals]] = {
    f"POST {V2}/generate/async": {"403": ASKING, "404": NO_WORKER_OR_STYLE, "429": TOO_MUCH_WAITS},
    f"POST {V2}/generate/text/async": {"403": ASKING, "404": NO_WORKER_OR_STYLE, "429": TOO_MUCH_WAITS},
    f"POST {V2}/interrogate/async": {"403": ASKING, "429": TOO_MUCH_WAITS},
    f"GET {V2}/generate/check/{{}}": {"403": "The address is kept out, and the program gives no `Client-Agent`."},
    **{f"POST {V2}/{kind}/pop": {"403": SERVING} for kind in ("generate", "generate/text", "interrogate")},
    **{
        f"POST {V2}/{kind}/submit": {"403": NOT_YOUR_JOB, "404": NO_JOB}
        for kind in ("generate", "generate/text", "interrogate")
    },
    f"GET {V2}/find_user": {"404": "Nobody holds this key (`UserNotFound`); 401 says that none was sent."},
    f"PUT {V2}/users/{{}}": {"403": NOT_ALLOWED},
    f"DELETE {V2}/users/{{}}": {"403": NOT_ALLOWED},
    f"PUT {V2}/sharedkeys": {"403": "Anonymous accounts have none, and others only so many."},
    f"GET {V2}/sharedkeys/{{}}": {"401": "There is no such key."},
    f"PATCH {V2}/sharedkeys/{{}}": {"401": "There is no such key, or nobody holds yours.", "403": "It is not yours."},
    f"DELETE {V2}/sharedkeys/{{}}": {"401": "There is no such key, or nobody holds yours.", "403": "It is not yours."},
    f"POST {V2}/kudos/transfer": {"403": "The account is deleted (`DeletedUser`)."},
    f"POST {V2}/kudos/award": {"403": "Only who runs this horde may award kudos (`NotAllowedAwards`)."},
    f"PUT {V2}/workers/{{}}": {"403": NOT_YOURS},
    f"DELETE {V2}/workers/{{}}": {"403": NOT_YOURS},
    f"GET {V2}/workers/messages": {"403": "Only moderators read what others wrote."},
    f"POST {V2}/workers/messages": {"403": "Only moderators write to workers of others.", "404": "No such worker."},
    f"DELETE {V2}/workers/messages/{{}}": _MODIFYING,
    f"POST {V2}/teams": {"403": "Only trusted accounts found teams."},
    f"GET {V2}/teams/{{}}": {"403": "The key is no moderator's; leave it out."},
    f"PATCH {V2}/teams/{{}}": _MODIFYING,
    f"DELETE {V2}/teams/{{}}": _MODIFYING,
    f"GET {V2}/status/modes": {"403": "The key is no moderator's; leave it out."},
    f"PUT {V2}/status/modes": {"403": "Only moderators may, and of the maintenance only admins."},
    **{f"{method} {V2}/operations/ipaddr": _MODERATORS for method in ("GET", "POST", "DELETE")},
    f"GET {V2}/operations/ipaddr/{{}}": _MODERATORS,
    **{f"{method} {V2}/operations/block_worker_ipaddr/{{}}": _MODERATORS for method in ("PUT", "DELETE")},
    **{f"{method} {V2}/filters": _MODERATORS for method in ("GET", "PUT", "POST")},
    f"GET {V2}/filters/regex": _MODERATORS,
    **{f"{method} {V2}/filters/{{}}": _MODERATORS for method in ("GET", "PATCH", "DELETE")},
    **{f"POST {V2}/styles/{kind}": {"403": "Only customizers and trusted accounts may."} for kind in ("image", "text")},
    **{f"{method} {V2}/styles/{kind}/{{}}": _MODIFYING for method in ("PATCH", "DELETE") for kind in ("image", "text")},
    f"POST {V2}/styles/image/{{}}/example": {"403": "It is not yours, or has four examples."},
    **{f"{method} {V2}/styles/image/{{}}/example/{{}}": _MODIFYING for method in ("PATCH", "DELETE")},
    f"POST {V2}/collections": {"403": "Anonymous accounts have none."},
    **{f"{method} {V2}/collections/{{}}": _MODIFYING for method in ("PATCH", "DELETE")},
    "POST /register": {"403": "Nobody may register now, or not from this address."},
    "GET /api/workers/{}/models": {"404": NO_SUCH_THING},
    "GET /api/workers/{}/faults": {"403": "The worker belongs to another account.", "404": NO_SUCH_THING},
    "POST /api/jobs/{}/progress": {"403": NOT_YOUR_JOB, "404": NO_JOB},
    "GET /api/requests/{}/progress": {"404": NO_SUCH_THING},
    "GET /api/kudos/statement": {"403": NOT_ALLOWED},
    "GET /api/webhooks/secret": {"403": "Anonymous accounts have none."},
    "POST /api/webhooks/secret/rotate": {"403": "Anonymous accounts have none."},
    "GET /api/webhooks/deliveries": {"403": "Anonymous accounts have none."},
    "POST /api/webhooks/deliveries/{}/retry": {"403": "Anonymous accounts have none.", "404": NO_SUCH_THING},
    "POST /api/v1/generate/sync": {"401": NO_KEY, "403": ASKING, "500": "The request failed.", "503": BUSY_IN_V1},
    "POST /api/v1/generate/async": {"401": NO_KEY, "403": ASKING, "503": BUSY_IN_V1},
    "POST /api/v1/generate/pop": {**_OLD_SERVING, "403": "The server is in maintenance, or kept out."},
    "POST /api/v1/generate/submit": {**_OLD_SERVING, "404": "There is no such job."},
    "PUT /api/v1/servers/{}": {"401": "Nobody holds this key, or it is not its owner's.", "404": NO_SUCH_THING},
    "PUT /api/v1/users/{}": {"401": "Nobody holds this key, or it is no admin's."},
    "PUT /api/v1/admin/maintenance": {"401": "Nobody holds this key, or it is no admin's."},
    "POST /api/v1/kudos/transfer": {"401": NO_KEY, "403": "The account is deleted."},
    **{
        f"GET /api/v1/{path}/{{}}": {"404": NO_SUCH_THING}
        for path in ("generate/check", "generate/prompt", "servers", "users")
    },
}
NEVER_401 = frozenset({f"GET {V2}/workers", f"GET {V2}/workers/{{}}", f"GET {V2}/workers/name/{{}}"})
"""Where any key but a moderator's is as good as none."""
NEVER_404 = frozenset(
    {
        f"GET {V2}/status/models/{{}}",
        f"GET {V2}/operations/ipaddr/{{}}",
        *(f"{method} {V2}/sharedkeys/{{}}" for method in ("GET", "PATCH", "DELETE")),
    }
)
"""Where nothing is no refusal, or another one."""
ALWAYS_THERE = frozenset({f"GET {V2}/status/heartbeat"})
"""What needs no database."""


def refusals_of(call: str, headers: frozenset[str]) -> Refusals:
    """What a route (`GET /api/v2/users/{}`) that takes these headers refuses with, beside 400 and 429."""
    found: Refusals = {} if call in ALWAYS_THERE else {"503": BUSY}
    if "apikey" in headers and call not in NEVER_401:
        found["401"] = NO_KEY
    if "Idempotency-Key" in headers:
        found["409"] = KEY_TAKEN
    if V2 in call and "{}" in call and call not in NEVER_404:
        found["404"] = NO_SUCH_THING
    return found | OWN.get(call, {})

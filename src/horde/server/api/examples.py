"""A body for every route that takes one, for the document: it works as sent.

Whoever tries a route on the page /api sends it. Without one the page makes up texts like "string", which few routes
take. Where a body names a thing by its id, there is none of this id, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from horde.wire.v2_alchemy import WHITE_SQUARE

V2 = "/api/v2"
NOBODYS_ID = "6f1c7a52-66b7-4a35-9d0e-7d3f1a1c0b2a"
MODEL = "stable_diffusion"
AGENT = "My worker:1.0:https://worker.example"
TEXT_MODEL = "koboldcpp/Mistral-7B"

IMAGE_STYLE: Final[Mapping[str, object]] = {
    "name": "Oil painting",
    "info": "As if painted with oil on canvas.",
    "prompt": "oil painting of {p}###photo, {np}",
    "params": {"steps": 20, "cfg_scale": 6},
    "models": [MODEL],
    "tags": ["oil"],
}
TEXT_STYLE: Final[Mapping[str, object]] = {
    "name": "Story teller",
    "prompt": "### Instruction: tell a story about {p}\n### Response:",
    "params": {"temperature": 0.8},
    "models": [TEXT_MODEL],
}

EXAMPLES: Final[Mapping[str, Mapping[str, object]]] = {
    f"POST {V2}/generate/async": {
        "prompt": "A horde of stable robots###people",
        "params": {"width": 512, "height": 512, "steps": 20, "n": 1},
        "models": [MODEL],
    },
    f"POST {V2}/generate/pop": {
        "name": "My worker",
        "models": [MODEL],
        "max_pixels": 512 * 512,
        "bridge_agent": AGENT,
    },
    f"POST {V2}/generate/submit": {"id": NOBODYS_ID, "generation": WHITE_SQUARE, "seed": 42, "state": "ok"},
    f"POST {V2}/generate/rate/{{}}": {"ratings": [{"id": NOBODYS_ID, "rating": 7}]},
    "POST /api/jobs/{}/progress": {"share": 0.5, "text": "Once upon a time"},
    f"POST {V2}/generate/text/async": {
        "prompt": "Once upon a time there was a horde of robots",
        "params": {"max_length": 80, "max_context_length": 1024},
        "models": [],
    },
    f"POST {V2}/generate/text/pop": {
        "name": "My text worker",
        "models": [TEXT_MODEL],
        "max_length": 512,
        "max_context_length": 2048,
        "bridge_agent": AGENT,
    },
    f"POST {V2}/generate/text/submit": {"id": NOBODYS_ID, "generation": ", who were stable.", "seed": 42},
    f"POST {V2}/interrogate/async": {"forms": [{"name": "caption"}], "source_image": WHITE_SQUARE},
    f"POST {V2}/interrogate/pop": {"name": "My alchemist", "forms": ["caption"], "bridge_agent": AGENT},
    f"POST {V2}/interrogate/submit": {"id": NOBODYS_ID, "result": {"caption": "a stable full of robots"}},
    f"PUT {V2}/users/{{}}": {"username": "robin", "contact": "robin@stable.example", "public_workers": True},
    f"PUT {V2}/sharedkeys": {"name": "For my class", "kudos": 500, "expiry": 30},
    f"PATCH {V2}/sharedkeys/{{}}": {"kudos": 1000},
    f"POST {V2}/kudos/transfer": {"username": "robin#1", "amount": 1},
    f"POST {V2}/kudos/award": {"username": "robin#1", "amount": 1},
    f"PUT {V2}/workers/{{}}": {"maintenance": True, "maintenance_msg": "Back on Sunday.", "info": "One GPU in a barn."},
    f"POST {V2}/workers/messages": {"message": "Please update your worker.", "expiry": 24},
    f"POST {V2}/teams": {"name": "The herd", "info": "Workers that share a barn."},
    f"PATCH {V2}/teams/{{}}": {"info": "Workers that share two barns."},
    f"PUT {V2}/status/modes": {"raid_mode": False},
    f"POST {V2}/operations/ipaddr": {"ipaddr": "192.0.2.0/24", "hours": 24},
    f"DELETE {V2}/operations/ipaddr": {"ipaddr": "192.0.2.0/24"},
    f"PUT {V2}/operations/block_worker_ipaddr/{{}}": {"days": 3},
    f"PUT {V2}/filters": {"regex": "forbidden ?words?", "filter_type": 10, "description": "What nobody may ask for."},
    f"POST {V2}/filters": {"prompt": "a forbidden word"},
    f"PATCH {V2}/filters/{{}}": {"replacement": "word"},
    f"POST {V2}/styles/image": IMAGE_STYLE,
    f"PATCH {V2}/styles/image/{{}}": {"tags": ["oil", "canvas"]},
    f"POST {V2}/styles/image/{{}}/example": {"url": "https://pictures.example/fox.webp", "primary": True},
    f"PATCH {V2}/styles/image/{{}}/example/{{}}": {"url": "https://pictures.example/owl.webp"},
    f"POST {V2}/styles/text": TEXT_STYLE,
    f"PATCH {V2}/styles/text/{{}}": {"tags": ["story"]},
    f"POST {V2}/collections": {"name": "Paintings", "styles": ["Oil painting"]},
    f"PATCH {V2}/collections/{{}}": {"info": "Everything painted."},
}

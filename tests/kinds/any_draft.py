"""Any draft that a kind's own bounds allow, so that a new kind is tested before its author writes a test."""

from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from horde.kinds.base import Draft, Kind

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
"""What can be stored: no half characters and no NUL."""
JSON = st.recursive(st.booleans() | st.integers(-(2**53), 2**53) | TEXTS, lambda inner: st.lists(inner, max_size=3))
NAMES = st.sampled_from([
    "stable_diffusion", "stable_diffusion_inpainting", "SDXL 1.0", "Stable Cascade 1.0", "Flux.1-Schnell fp8 (Compact)",
    "horde_special::portraits#7", "koboldcpp/L3-8B-Stheno-v3.2", "aphrodite/Meta-Llama-3.1-70B",
])  # fmt: skip
WORKERS = st.sampled_from([f"00000000-0000-4000-8000-00000000000{digit}" for digit in range(6)])


def any_params(kind: Kind[Any]) -> st.SearchStrategy[Any]:
    """Any parameters that the wire would take."""
    drawn = _struct(inspect.type_info(kind.params))
    return drawn.map(lambda fields: _converted(fields, kind.params)).filter(lambda params: params is not None)


@st.composite
def any_draft(draw: st.DrawFn, kind: Kind[Any]) -> Draft[Any]:
    """Any draft of that kind, whether or not the kind's `check` would take it."""
    return Draft(
        kind=kind.name,
        prompt=draw(TEXTS),
        params=draw(any_params(kind)),
        n=draw(st.integers(1, 20)),
        models=tuple(draw(st.lists(NAMES, max_size=3))),
        nsfw=draw(st.booleans()),
        trusted_workers=draw(st.booleans()),
        validated_backends=draw(st.booleans()),
        slow_workers=draw(st.booleans()),
        extra_slow_workers=draw(st.booleans()),
        workers=tuple(draw(st.lists(WORKERS, max_size=3))),
        worker_blacklist=draw(st.booleans()),
        source_processing=draw(st.sampled_from([None, "img2img", "inpainting", "outpainting", "remix"])),
        has_source_mask=draw(st.booleans()),
        extra_sources=draw(st.integers(0, 5)),
    )


def _converted(fields: object, params: type[msgspec.Struct]) -> msgspec.Struct | None:
    try:
        return msgspec.convert(fields, params)
    except msgspec.ValidationError:  # the struct's own __post_init__ refuses it
        return None


def _struct(info: inspect.Type) -> st.SearchStrategy[dict[str, Any]]:
    assert isinstance(info, inspect.StructType)
    fields = {field.encode_name: _value(field.type) for field in info.fields}
    needed = {field.encode_name for field in info.fields if field.required}
    return st.fixed_dictionaries(
        {name: value for name, value in fields.items() if name in needed},
        optional={name: value for name, value in fields.items() if name not in needed},
    )


def _value(info: inspect.Type) -> st.SearchStrategy[Any]:
    match info:
        case inspect.BoolType():
            return st.booleans()
        case inspect.LiteralType(values=values):
            return st.sampled_from(sorted(values, key=str))
        case inspect.IntType(ge=int(least), le=int(most), multiple_of=step):
            count_of = int(step or 1)
            return st.integers(least // count_of, most // count_of).map(lambda count: count * count_of)
        case inspect.FloatType(ge=float() | int() as least, le=float() | int() as most):
            return st.floats(least, most) | st.integers(int(100 * least), int(100 * most)).map(lambda n: n / 100)
        case inspect.StrType(min_length=least, max_length=most):
            letters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
            return st.text(letters, min_size=least or 0, max_size=min(most or 20, 20))
        case inspect.ListType(item_type=item, min_length=least, max_length=most):
            return st.lists(_value(item), min_size=least or 0, max_size=min(most or 3, 3))
        case inspect.StructType():
            return _struct(info)
        case inspect.DictType(value_type=inspect.StrType()):
            return st.dictionaries(TEXTS, TEXTS, max_size=2)
        case inspect.DictType():
            return st.dictionaries(TEXTS, JSON, max_size=2)
        case _:
            raise NotImplementedError(f"say here how any value of {info} is drawn")

"""Refusals of what is asked for of a text.

BadInput 400
├── more than there is room for    TokenOverflow
├── samplers                       MissingFullSamplerOrder
└── stop sequences                 TooManyStopSequences, ExcessiveStopSequence
"""

from __future__ import annotations

from horde.errors import BadInput


class TokenOverflow(BadInput):
    """max_length is more than max_context_length, of which it is a part."""


class MissingFullSamplerOrder(BadInput):
    """sampler_order has to name all samplers."""


class TooManyStopSequences(BadInput):
    """There are too many stop sequences."""


class ExcessiveStopSequence(BadInput):
    """The stop sequences are too long."""

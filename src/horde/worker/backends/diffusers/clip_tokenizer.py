"""The tokenizer of CLIP, which all single files of the Stable Diffusion families are read with and none contains."""

from __future__ import annotations

import gzip
from typing import Final

import transformers
from transformers.convert_slow_tokenizer import bytes_to_unicode

from horde.worker.backends.diffusers.originals import FOLDER

MERGES: Final = FOLDER / "clip_merges.txt.gz"
TOKENS_MAX: Final = 77
ENDS: Final = ("<|startoftext|>", "<|endoftext|>")


def clip_tokenizer(*, padding: str = ENDS[1]) -> transformers.CLIPTokenizer:
    """Make one; `padding` is the token that fills up what is too short."""
    merges = [tuple(line.split()) for line in gzip.decompress(MERGES.read_bytes()).decode().splitlines()]
    letters = list(bytes_to_unicode().values())
    # The order is that in which it was learnt: each byte, each at the end of a word, and one token for each merge.
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), *ENDS]
    numbers = {token: number for number, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=numbers, merges=merges, pad_token=padding, model_max_length=TOKENS_MAX)

"""Prompts as models take them: one way for each set of text encoders, which the families name.

Words for CLIP are laid into as many chunks of its 77 tokens as they need, and a weight moves what was made of a token
away from, or towards, what an empty prompt has in its place. That is how most workers of the horde do it, so that a
prompt means the same here (docs/decisions/weights-of-words.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import diffusers
import torch
import transformers

from horde.worker.backends.diffusers.weighting import Section, plain, weighted
from horde.worker.backends.embedding_words import PREFIX

CHUNKS_MAX = 32
"""Of a prompt, 2,400 tokens; what is beyond is left out. Each costs memory and time in every step."""

Tensors: TypeAlias = Mapping[str, torch.Tensor]
Say: TypeAlias = Callable[[diffusers.DiffusionPipeline, str, str, int], Tensors | Mapping[str, str]]
"""Makes of a prompt, a negative one and clip skip, from 1, what a pipeline, where it works, is called with."""
Chunk: TypeAlias = list[tuple[int, float]]
"""Tokens with their weights, without those that begin and end each chunk."""


def one_encoder(pipeline: diffusers.DiffusionPipeline, prompt: str, negative: str, clip_skip: int) -> Tensors:
    """Stable Diffusion 1: the last layer of CLIP, normalised, or an earlier one."""
    reader = _Reader(pipeline, pipeline.tokenizer, pipeline.text_encoder)
    texts = _of_equal_length([reader.chunks(weighted(text)) for text in (prompt, negative)])
    with torch.no_grad():
        words, against = (reader.read(chunks, clip_skip - 1, is_normalised=True) for chunks in texts)
    return {"prompt_embeds": words.words, "negative_prompt_embeds": against.words}


def two_encoders(pipeline: diffusers.DiffusionPipeline, prompt: str, negative: str, clip_skip: int) -> Tensors:
    """SDXL: the last layer but one of both encoders, or an earlier one, and what the second makes of the whole."""
    readers = (
        _Reader(pipeline, pipeline.tokenizer, pipeline.text_encoder),
        _Reader(pipeline, pipeline.tokenizer_2, pipeline.text_encoder_2),
    )
    sections = weighted(prompt), weighted(negative)
    texts = _of_equal_length([reader.chunks(text) for text in sections for reader in readers])
    layer = max(1, clip_skip - 1)
    with torch.no_grad():
        read = [
            reader.read(chunks, layer, is_normalised=False) for reader, chunks in zip(readers * 2, texts, strict=True)
        ]
    return {
        "prompt_embeds": torch.cat([read[0].words, read[1].words], dim=-1),
        "pooled_prompt_embeds": read[1].whole,
        "negative_prompt_embeds": torch.cat([read[2].words, read[3].words], dim=-1),
        "negative_pooled_prompt_embeds": read[3].whole,
    }


def plain_words(
    _pipeline: diffusers.DiffusionPipeline, prompt: str, _negative: str, _clip_skip: int
) -> Mapping[str, str]:
    """Flux: words, of which its larger encoder takes 512 tokens; weights and negative prompts mean nothing to it."""
    return {"prompt": plain(prompt)}


@dataclass(frozen=True, slots=True)
class _Read:
    words: torch.Tensor
    """(1, tokens, width)"""
    whole: torch.Tensor
    """(1, width) of the first chunk, from encoders that have it"""


@dataclass(frozen=True, slots=True)
class _Reader:
    """A CLIP text encoder and its tokenizer."""

    pipeline: diffusers.DiffusionPipeline
    tokenizer: transformers.CLIPTokenizer
    encoder: torch.nn.Module

    def chunks(self, sections: Sequence[Section]) -> list[Chunk]:
        """Lay a prompt into chunks, words whole: at least one."""
        chunks: list[Chunk] = []
        for section in sections:
            chunks.append([])
            for piece in section:
                for tokens in self._tokens_of_words(piece.text):
                    if len(chunks[-1]) + len(tokens) > self._room:
                        chunks.append([])
                    # Nothing but a single word longer than a chunk is cut.
                    chunks[-1] += [(token, piece.weight) for token in tokens[: self._room]]
        return chunks[:CHUNKS_MAX]

    def read(self, chunks: Sequence[Chunk], layer: int, *, is_normalised: bool) -> _Read:
        """What the encoder makes of them at a layer, counted from its last one, 0; at the first where there is none."""
        is_weighted = any(weight != 1 for chunk in chunks for _, weight in chunk)
        made = self.encoder(self._ids([*chunks, []] if is_weighted else chunks), output_hidden_states=True)
        # Before the first layer's comes what went into it.
        states = made.hidden_states[1:]
        words = states[-1 - min(layer, len(states) - 1)]
        if is_normalised:
            # Since transformers 5.6 the network is no longer wrapped.
            words = getattr(self.encoder, "text_model", self.encoder).final_layer_norm(words)
        if is_weighted:
            empty, words = words[-1:], words[:-1]
            words = empty + (words - empty) * self._weights(chunks).to(words)
        return _Read(words.reshape(1, -1, words.shape[-1]), made[0][:1])

    @property
    def _room(self) -> int:
        """For tokens in a chunk, between those that begin and end it."""
        return int(self.tokenizer.model_max_length) - 2

    def _tokens_of_words(self, text: str) -> Iterator[list[int]]:
        # A learnt word is several tokens, which the pipeline knows.
        words = [
            self.pipeline.maybe_convert_prompt(word, self.tokenizer) if PREFIX in word else word
            for word in text.split()
        ]
        if words:
            yield from self.tokenizer(words, add_special_tokens=False).input_ids

    def _ids(self, chunks: Sequence[Chunk]) -> torch.Tensor:
        """Shape (chunks, 77)."""
        begin, end, rest = self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        rows = [[begin, *(token for token, _ in chunk), end, *[rest] * (self._room - len(chunk))] for chunk in chunks]
        return torch.tensor(rows, device=self.pipeline._execution_device)

    def _weights(self, chunks: Sequence[Chunk]) -> torch.Tensor:
        """Shape (chunks, 77, 1)."""
        rows = [[1.0, *(weight for _, weight in chunk), *[1.0] * (self._room + 1 - len(chunk))] for chunk in chunks]
        return torch.tensor(rows).unsqueeze(-1)


def _of_equal_length(texts: Sequence[list[Chunk]]) -> list[list[Chunk]]:
    longest = max(len(chunks) for chunks in texts)
    return [chunks + [[]] * (longest - len(chunks)) for chunks in texts]

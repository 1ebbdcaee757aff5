"""Tokenizers of the real classes that know single letters and nothing else."""

import json
import string
import tempfile
from pathlib import Path

import transformers

TOKENS_MAX = 77
LETTERS = string.ascii_lowercase + string.digits + string.punctuation


def clip_tokenizer() -> transformers.CLIPTokenizer:
    """Every letter is a token, and another one at the end of a word."""
    tokens = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        vocabulary, merges = Path(folder, "vocab.json"), Path(folder, "merges.txt")
        vocabulary.write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
        merges.write_text("#version: 0.2\n")
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps({"model_max_length": TOKENS_MAX}))
        return transformers.CLIPTokenizer.from_pretrained(folder)


def t5_tokenizer() -> transformers.T5TokenizerFast:
    """Every letter is a piece; the dearest one begins a word."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]
    return transformers.T5TokenizerFast(vocab=pieces, extra_ids=0, model_max_length=TOKENS_MAX)

"""Write a llama of a few thousand weights as a GGUF file: `python tiny_gguf.py FILE`.

It speaks gibberish, but through a real server: its words are letters, chosen by weights drawn from a fixed seed.
"""

import sys
from pathlib import Path

import gguf
import numpy as np

WIDTH = 64
HEADS = 4
LAYERS = 1
HIDDEN = 128
CONTEXT = 512
CONTROLS = ("<unk>", "<s>", "</s>")
LETTERS = "▁etaoinshrdlucmfwypvbgkjqxz.,"
SEED = 7


def write(file: Path) -> None:
    """Write the model."""
    chance = np.random.default_rng(SEED)
    tokens = [*CONTROLS, *(f"<0x{byte:02X}>" for byte in range(256)), *LETTERS]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * len(LETTERS)

    def drawn(*shape: int) -> np.ndarray:
        return (chance.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    writer = gguf.GGUFWriter(file, "llama")
    writer.add_name("tiny-gibberish")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(at) for at in range(len(tokens))])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)

    output = drawn(len(tokens), WIDTH) * 4
    # Only letters are ever likely: the rows of the others are nought, and somewhere a letter's logit is above it.
    output[: -len(LETTERS)] = 0
    writer.add_tensor("token_embd.weight", drawn(len(tokens), WIDTH))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    writer.add_tensor("output.weight", output)
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", drawn(WIDTH, WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_gate.weight", drawn(HIDDEN, WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_up.weight", drawn(HIDDEN, WIDTH))
        writer.add_tensor(f"blk.{layer}.ffn_down.weight", drawn(WIDTH, HIDDEN))
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"blk.{layer}.ffn_norm.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]))

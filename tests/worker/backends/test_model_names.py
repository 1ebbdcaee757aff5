"""Models of programs get the names that they have on the horde."""

import pytest

from horde.worker.backends.model_names import bare_name, horde_names, squashed


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("llama-3-8b.Q4_K_M.gguf", "llama-3-8b.Q4_K_M"),
        ("/models/llama-3-8b.Q4_K_M.gguf", "llama-3-8b.Q4_K_M"),
        ("C:\\models\\deliberate_v2.safetensors", "deliberate_v2"),
        ("sd15/deliberate_v2.ckpt", "deliberate_v2"),
        ("Sao10K/L3-8B-Stheno-v3.2", "Sao10K/L3-8B-Stheno-v3.2"),
        ("/models/Sao10K/L3-8B-Stheno-v3.2", "L3-8B-Stheno-v3.2"),
        ("llama3.2:3b", "llama3.2:3b"),
    ],
)
def test_bare_name_is_without_folder_and_suffix_of_a_file(model: str, name: str) -> None:
    assert bare_name(model) == name


def test_all_models_are_offered_by_custom_when_none_is_named() -> None:
    assert horde_names(["b.gguf", "a.gguf"], "llamacpp", None) == {"llamacpp/b": "b.gguf", "llamacpp/a": "a.gguf"}


def test_only_wanted_models_that_there_are_are_offered_under_the_given_names() -> None:
    wanted = {"Deliberate": "deliberate_v2", "SDXL 1.0": "sdxl/sd_xl_base.safetensors", "Lost": "lost"}

    names = horde_names(["x/deliberate_v2.safetensors", "sdxl/sd_xl_base.safetensors", "other.ckpt"], None, wanted)

    assert names == {"Deliberate": "x/deliberate_v2.safetensors", "SDXL 1.0": "sdxl/sd_xl_base.safetensors"}


def test_name_that_no_pop_may_give_is_left_out() -> None:
    assert horde_names(["ab.ckpt", "n" * 300 + ".ckpt"], None, None) == {}


def test_first_of_two_files_with_one_name_is_offered() -> None:
    assert horde_names(["one/model.ckpt", "two/model.ckpt"], None, None) == {"model": "one/model.ckpt"}


@pytest.mark.parametrize("name", ["Juggernaut XL", "juggernaut_xl", "JuggernautXL", "juggernaut-xl"])
def test_names_are_the_same_but_for_case_and_punctuation(name: str) -> None:
    assert squashed(name) == "juggernautxl"


def test_model_that_the_horde_knows_is_offered_by_its_name_there() -> None:
    known = {"juggernautxl": "Juggernaut XL", "llamacppllama38b": "llamacpp/Llama-3-8B"}

    names = horde_names(["sdxl/juggernaut_xl.safetensors", "juggernaut_xl_v9.ckpt"], None, None, known)
    texts = horde_names(["llama-3-8b.gguf"], "llamacpp", None, known)

    assert names == {"Juggernaut XL": "sdxl/juggernaut_xl.safetensors", "juggernaut_xl_v9": "juggernaut_xl_v9.ckpt"}
    assert texts == {"llamacpp/Llama-3-8B": "llama-3-8b.gguf"}


def test_first_of_two_files_that_are_one_model_is_offered_by_its_name() -> None:
    names = horde_names(["JuggernautXL.ckpt", "juggernaut_xl.ckpt"], None, None, {"juggernautxl": "Juggernaut XL"})

    assert names == {"Juggernaut XL": "JuggernautXL.ckpt"}


def test_names_that_the_owner_gives_count_and_no_others() -> None:
    known = {"juggernautxl": "Juggernaut XL"}

    assert horde_names(["juggernaut_xl.ckpt"], None, {"Mine": "juggernaut_xl"}, known) == {"Mine": "juggernaut_xl.ckpt"}

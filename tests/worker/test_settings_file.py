"""Settings files as worker owners have them: two notations, old names, and what is said of what is unknown."""

from pathlib import Path

import pytest

from horde.environment import BadSetting
from horde.worker.settings import Settings
from horde.worker.settings_file import FromFiles, read_files

OLD_TEMPLATE = """
# The address of the horde
horde_url = "https://stablehorde.net"
worker_name = "My Awesome Instance"
api_key = "0000000000"
priority_usernames = ["ada#1", "bob#2"]
max_power = 8
nsfw = True
censor_nsfw = False
blacklist = []
censorlist = ["blood"]
allow_img2img = True
allow_painting = False
allow_unsafe_ip = True
allow_post_processing = False
allow_controlnet = False
allow_lora = True
models_to_load = ["stable_diffusion", "Deliberate"]
threads: int = 2
queue_size = 0
require_upfront_kudos = True
"""
"""With the names of the AI-Horde-Worker's `bridgeData.py`."""


def read(folder: Path, **texts: str) -> FromFiles:
    for name, text in texts.items():
        (folder / f"bridgeData.{name}").write_text(text)
    return read_files(folder)


def test_old_python_file_is_understood(tmp_path: Path) -> None:
    found = read(tmp_path, py=OLD_TEMPLATE)
    settings = Settings.read(found.values, {}, {})

    assert found.warnings == []
    assert (settings.horde_url, settings.name) == ("https://stablehorde.net", "My Awesome Instance")
    assert (settings.max_pixels, settings.threads, settings.queue_size) == (512 * 512, 2, 0)
    assert settings.priority_usernames == ("ada#1", "bob#2")
    assert settings.models == ("stable_diffusion", "Deliberate")
    assert (settings.allow_painting, settings.allow_lora, settings.require_upfront_kudos) == (False, True, True)
    assert settings.censorlist == ("blood",)


def test_python_file_is_read_and_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "was run"
    with pytest.raises(BadSetting, match=r"bridgeData.py cannot be read: line 2: the value of api_key has to be plain"):
        read(tmp_path, py=f'threads = 2\napi_key = open({str(mark)!r}, "w").name\n')

    assert not mark.exists()


def test_yaml_file_names_the_options_of_back_ends(tmp_path: Path) -> None:
    found = read(
        tmp_path, yaml="dreamer_name: rig\nbackend: a1111\na1111:\n  url: http://gpu:7860\nkai_url: http://k\n"
    )
    settings = Settings.read(found.values, {}, {})

    assert (settings.name, settings.backend) == ("rig", "a1111")
    assert settings.options == {"a1111": {"url": "http://gpu:7860"}, "koboldai": {"url": "http://k"}}


def test_later_ones_win_yaml_python_environment_flags(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        yaml="threads: 2\nname: yaml\nmax_pixels: 4096\napi_key: y\n",
        py="name = 'py'\nmax_pixels = 8192\napi_key = 'p'\n",
    )
    settings = Settings.read(
        found.values,
        {"HORDE_WORKER_MAX_PIXELS": "16384", "HORDE_API_KEY": "e"},
        {"api_key": "f"},
    )

    assert (settings.threads, settings.name, settings.max_pixels, settings.api_key) == (2, "py", 16384, "f")


def test_unknown_name_is_told_with_the_nearest_known_one(tmp_path: Path) -> None:
    found = read(tmp_path, yaml="thread: 2\nqwertz: 1\nsafety_on_gpu: true\n")

    assert found.warnings == [
        "bridgeData.yaml: there is no setting 'thread'; did you mean threads?",
        "bridgeData.yaml: there is no setting 'qwertz'",
    ]


def test_words_for_many_models_offer_all(tmp_path: Path) -> None:
    found = read(tmp_path, yaml="models_to_load: [top 10, Deliberate]\n")

    assert Settings.read(found.values, {}, {}).models == ()
    assert "'top 10'" in found.warnings[0]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"yaml": "threads: [\n"}, "bridgeData.yaml cannot be read"),
        ({"yaml": "- threads\n"}, "names with values"),
        ({"py": "threads = = 2\n"}, "bridgeData.py cannot be read"),
        ({"yaml": "a: " + "x" * 1024 * 1024}, "no settings file"),
    ],
    ids=["broken yaml", "a list", "broken python", "too big"],
)
def test_file_that_cannot_be_used_is_named(tmp_path: Path, texts: dict[str, str], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        read(tmp_path, **texts)


def test_named_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="there is no settings file"):
        read_files(tmp_path, tmp_path / "mine.yaml")


def test_lists_in_the_environment_have_commas() -> None:
    settings = Settings.from_environment({"HORDE_WORKER_BLACKLIST": "mud, rain ,", "HORDE_WORKER_MODELS": "a model"})

    assert (settings.blacklist, settings.models) == (("mud", "rain"), ("a model",))

"""The settings files that worker owners have: `bridgeData.yaml` and the older `bridgeData.py`, old names included.

Both say the same in two notations. A `.py` file is read, never run: only plain values of names count.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from horde.environment import BadSetting
from horde.worker.settings import Settings

YAML_NAME, PYTHON_NAME = "bridgeData.yaml", "bridgeData.py"
FILE_BYTES_MAX = 1024 * 1024
PIXELS_PER_POWER = 8 * 64 * 64
"""`max_power` 8 is 512x512."""

RENAMED = {
    "worker_name": "name",
    "server_name": "name",
    "dreamer_name": "name",
    "models_to_load": "models",
    "max_length": "max_tokens",
    "max_context_length": "max_context",
    "allow_unsafe_ip": "allow_unsafe_ipaddr",
    "cache_home": "data",
}
"""What other workers call it, and we."""
WITHOUT_MEANING = frozenset(
    """
    alchemist alchemist_name alchemy_allow_concurrent always_download capture_kudos_training_data
    default_models_folder disable_disk_cache disable_terminal_ui dreamer dynamic_models
    enable_model_cache exit_on_unhandled_faults extra_stable_diffusion_models_folders forms high_memory_mode
    high_performance_mode initialise_kudos_training_data kudos_training_data_file load_large_models logs_folder
    low_vram_mode max_batch max_models_to_download
    max_threads_lowered_for_high_performance_mode min_lora_disk_free min_ram_to_leave_free model_stickiness
    models_to_skip moderate_performance_mode number_of_dynamic_models post_process_job_overlap preload_timeout
    process_timeout purge_loras_on_download queue_timeout ram_to_leave_free remove_maintenance_on_init
    safety_on_gpu save_text scribe scribe_name special_models_to_load stats_output_frequency
    suppress_speed_warnings temp_dir top_n_refresh_frequency unload_models_from_vram unload_models_from_vram_often
    vram_to_leave_free
    """.split()  # noqa: SIM905 - a list of this length is read more easily as words
)
"""Settings of other workers about things that this one finds out, or does in another way."""
ALL_MODELS = ("all", "top", "bottom")
"""First words that stand for many models there; here what the back end has is offered."""


@dataclass(slots=True)
class FromFiles:
    """What settings files say, by our names."""

    values: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    """For the owner: a sentence each."""
    files: tuple[Path, ...] = ()
    """Those that were read, or looked for."""


def read_files(folder: Path, named: Path | None = None) -> FromFiles:
    """Read the settings files of a folder, or the one that is named.

    Raises BadSetting for one that cannot be read, and for one that is named and missing.
    """
    if named is not None and not named.is_file():
        raise BadSetting(f"there is no settings file {named}")
    paths = (named,) if named is not None else (folder / YAML_NAME, folder / PYTHON_NAME)
    found = FromFiles(files=paths)
    for path in paths:
        if path.is_file():
            read = _python if path.suffix == ".py" else _yaml
            for key, value in _read(path, read).items():
                _take(found, key, value, path.name)
    return found


def _read(path: Path, read: Callable[[str], Mapping[str, object]]) -> Mapping[str, object]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise BadSetting(f"{path} has more than {FILE_BYTES_MAX:,} bytes, so it is no settings file")
        return read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, SyntaxError, ValueError, yaml.YAMLError) as error:
        if isinstance(error, BadSetting):
            raise
        raise BadSetting(f"the settings file {path} cannot be read: {error}") from error


def _yaml(text: str) -> Mapping[str, object]:
    found = yaml.safe_load(text)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError("it has to be names with values: `threads: 2`")
    return {str(key): value for key, value in found.items()}


def _python(text: str) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name):
            found[target.id] = _plain(value, target.id)
    return found


def _plain(value: ast.expr, name: str) -> object:
    try:
        return ast.literal_eval(value)
    except ValueError as error:
        raise ValueError(
            f"line {value.lineno}: the value of {name} has to be plain; nothing in this file is run"
        ) from error


def _take(found: FromFiles, key: str, value: object, file: str) -> None:
    if value is None or key.startswith("_"):
        return
    name = RENAMED.get(key, key)
    if key == "max_power":
        if isinstance(value, int):
            found.values["max_pixels"] = value * PIXELS_PER_POWER
    elif key == "kai_url":
        _options(found, "koboldai")["url"] = value
    elif name in Settings.__struct_fields__:
        found.values[name] = _models(found, value, file) if name == "models" else value
    elif isinstance(value, dict):
        # The options of a back end; whether there is one of this name is its own affair.
        _options(found, key).update(value)
    elif key not in WITHOUT_MEANING:
        near = difflib.get_close_matches(key, [*Settings.__struct_fields__, *RENAMED, "max_power"], 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        found.warnings.append(f"{file}: there is no setting {key!r}{hint}")


def _options(found: FromFiles, backend: str) -> dict[str, object]:
    options = found.values.setdefault("options", {})
    assert isinstance(options, dict), "a file's `options` is a mapping, or it is refused where settings are checked"
    mine = options.setdefault(backend, {})
    assert isinstance(mine, dict)
    return mine


def _models(found: FromFiles, value: object, file: str) -> object:
    if not isinstance(value, (list, tuple)):
        return value
    many = [word for word in value if isinstance(word, str) and word.lower().split(" ")[0] in ALL_MODELS]
    if many:
        found.warnings.append(f"{file}: {', '.join(map(repr, many))}: all models that the back end has are offered")
        return ()
    return tuple(value)

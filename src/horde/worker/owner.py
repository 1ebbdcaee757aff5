"""What the owner wants now: the settings in force, taken up anew when a settings file changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog

from horde.environment import BadSetting
from horde.kinds.base import Serves
from horde.worker.backends import AUTO
from horde.worker.bridge import AGENT
from horde.worker.settings import Settings
from horde.worker.settings_file import read_files
from horde.worker.trades.base import Said

log = structlog.get_logger("worker")

AT_START = (
    "horde_url", "api_key", "other_hordes", "name", "backend", "options", "local_first", "model_reference",
    "max_lora_cache_size", "civitai_url", "civitai_api_token", "data", "log_level",
)  # fmt: skip
"""Settings that take effect at the next start."""
SAID_AS_SET = (
    "models", "max_pixels", "max_tokens", "max_context", "nsfw", "censor_nsfw", "censorlist", "blacklist",
    "priority_usernames", "allow_img2img", "allow_painting", "allow_post_processing", "allow_controlnet", "allow_lora",
    "allow_unsafe_ipaddr", "require_upfront_kudos", "extra_slow_worker", "limit_max_steps",
)  # fmt: skip
"""Settings that a pop says as they are."""


class Owner:
    """The settings of one run. The environment and the flags are fixed; the files may change."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._folder: Path | None = None
        self._named: Path | None = None
        self._environment: Mapping[str, str] | None = None
        self._flags: Mapping[str, object] = {}
        self._warnings: list[str] = []
        self._suggested: Mapping[str, object] = {}
        self._files: tuple[Path, ...] = ()
        self._seen: list[tuple[int, int] | None] = []

    @classmethod
    def from_files(
        cls,
        folder: Path,
        named: Path | None,
        flags: Mapping[str, object],
        environment: Mapping[str, str] | None = None,
    ) -> Owner:
        """Read everything. Raises BadSetting."""
        owner = cls(Settings())
        owner._folder, owner._named, owner._environment, owner._flags = folder, named, environment, flags
        owner.settings = owner._read()
        owner._seen = [_mark(path) for path in owner._files]
        return owner

    def suggest(self, values: Mapping[str, object]) -> None:
        """Settings for what nobody said: below the files, the environment and the flags. Raises BadSetting."""
        self._suggested = values
        self.settings = self._read()

    def warn(self) -> None:
        """Log what is odd in the files; once they have been read, and somebody can hear it."""
        for warning in self._warnings:
            log.warning(warning)

    def look(self) -> bool:
        """Read the files again if they changed; whether anything is different now. A bad file changes nothing."""
        if self._folder is None:
            return False
        try:
            marks = [_mark(path) for path in self._files]
            if marks == self._seen:
                return False
            self._seen = marks
            settings = self._read()
        except BadSetting as error:
            log.warning("the settings file changed and cannot be used, so nothing changes", reason=str(error))
            return False
        self.warn()
        return self._take(settings)

    def said(self, suffix: str = "", serves: Serves | None = None, threads: int = 1) -> Said:
        """What a pop says of the worker, from the settings in force; `threads` is what it can, if nobody set it."""
        settings = self.settings
        return Said(
            name=settings.name + suffix,
            agent=AGENT,
            threads=settings.threads or threads,
            serves=serves or settings.serves,
            fetches_add_ons=settings.max_lora_cache_size > 0,
            **{field: getattr(settings, field) for field in SAID_AS_SET},
        )

    def _read(self) -> Settings:
        assert self._folder is not None, "there is nothing to read settings from"
        found = read_files(self._folder, self._named)
        self._files, self._warnings = found.files, found.warnings
        settings = Settings.read({**self._suggested, **found.values}, self._environment, self._flags)
        if settings.backend != AUTO:
            return settings
        # Also where it was said: `auto` asks for what is found.
        return msgspec.structs.replace(settings, backend=str(self._suggested.get("backend", AUTO)))

    def _take(self, settings: Settings) -> bool:
        changed = {
            name: value
            for name, value in msgspec.structs.asdict(settings).items()
            if value != getattr(self.settings, name)
        }
        later = sorted(set(changed) & set(AT_START))
        if later:
            log.warning("these settings take effect at the next start", settings=later)
        now = {name: value for name, value in changed.items() if name not in AT_START}
        if now:
            self.settings = msgspec.structs.replace(self.settings, **now)
            log.info("settings changed", **now)
        return bool(now)


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size

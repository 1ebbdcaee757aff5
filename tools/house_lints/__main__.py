"""Run the house lints over a tree: `python -m tools.house_lints [ROOT]`; exit status 1 on any finding."""

import sys
from pathlib import Path

from tools.house_lints import find
from tools.house_lints.source import read_tree


def main(arguments: list[str]) -> int:
    """Print each finding with its hint, and return the exit status."""
    files = read_tree(Path(arguments[0]) if arguments else Path())
    findings = find(files)
    for finding in findings:
        print(finding.render())
    print(f"house lints: {len(files)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

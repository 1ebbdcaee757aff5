"""Each rule of the house fails once here, on a tree made for it, and leaves good code alone."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tools.house_lints import find
from tools.house_lints.source import read_tree

ROOT = Path(__file__).parents[2]
SUBMIT = "src/horde/server/requests/submit.py"
QUERIES = "src/horde/server/requests/queries.sql"
TEST = "tests/server/test_submit.py"


def sentences(root: Path, tree: dict[str, str]) -> list[str]:
    for path, text in tree.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text), encoding="utf-8")
    return [f"{f.path}:{f.line}: {f.sentence}" for f in find(read_tree(root))]


def function_of(lines: int) -> str:
    return "def long():\n" + "    x = 1\n" * (lines - 1)


BREACHES = {
    "catch-all file": ("src/horde/server/utils.py", "x = 1\n", 1, "'utils' says nothing"),
    "catch-all folder": ("src/horde/helpers/keys.py", "x = 1\n", 1, "'helpers' says nothing"),
    "long file": (SUBMIT, "x = 1\n" * 501, 501, "has 501 lines; the limit is 500"),
    "long page": ("web/src/Canvas.svelte", "<p>\n" * 501, 501, "has 501 lines; the limit is 500"),
    "long function": (SUBMIT, function_of(71), 1, "long() has 71 lines; the limit is 70"),
    "os.environ": (SUBMIT, "import os\nx = os.environ['X']\n", 2, "environment is read"),
    "os.getenv": (SUBMIT, "import os\nx = os.getenv('X')\n", 2, "environment is read"),
    "environ by name": (SUBMIT, "from os import environ\n", 1, "environment is read"),
    "commit call": (SUBMIT, "async def f(tx):\n    await tx.commit()\n", 2, "transaction begins or ends"),
    "commit in Python": (SUBMIT, "x = 'COMMIT;'\n", 1, "transaction begins or ends"),
    "begin in SQL": (QUERIES, "-- name: a\nSELECT 1;\nBEGIN;\n", 3, "begins or ends a transaction"),
    "import in function": (SUBMIT, "def f():\n    import json\n", 2, "gives no reason"),
    "import with a bare noqa": (SUBMIT, "def f():\n    import json  # noqa: PLC0415\n", 2, "gives no reason"),
    "sleeping test": (TEST, "import time\ntime.sleep(1)\n", 2, "a test sleeps"),
    "sleeping asyncio": (TEST, "import asyncio\nx = asyncio.sleep(0.1)\n", 2, "a test sleeps"),
    "sleep by name": (TEST, "from time import sleep\n", 1, "a test sleeps"),
    "write in Python": (SUBMIT, "x = 'INSERT INTO jobs VALUES (1)'\n", 1, "holds SQL that writes"),
    "write in another file": (
        "src/horde/server/requests/extra.sql",
        "SELECT 1;\n\nUPDATE jobs SET x = 1;\n",
        3,
        "jobs is written outside a queries.sql",
    ),
}


@pytest.mark.parametrize(("path", "text", "line", "fragment"), BREACHES.values(), ids=BREACHES.keys())
def test_breach_is_found_at_its_line(tmp_path: Path, path: str, text: str, line: int, fragment: str) -> None:
    (sentence,) = sentences(tmp_path, {path: text})
    assert sentence.startswith(f"{path}:{line}: ")
    assert fragment in sentence


@pytest.mark.parametrize("write", ["INSERT INTO jobs", "delete from ONLY jobs", "UPDATE\n  jobs SET x = 1"])
def test_two_writers_of_one_table_are_both_reported(tmp_path: Path, write: str) -> None:
    found = sentences(
        tmp_path,
        {QUERIES: f"{write};\n", "src/horde/server/workers/queries.sql": "UPDATE jobs SET y = 2;\n"},
    )
    assert len(found) == 2
    assert "requests writes the table jobs, which workers writes too" in found[0]
    assert "workers writes the table jobs, which requests writes too" in found[1]


ALLOWED = {
    "file at the limit": (SUBMIT, "x = 1\n" * 500),
    "function at the limit": (SUBMIT, function_of(70)),
    "long migration": ("src/horde/server/db/migrations/versions/0001_start.py", function_of(600)),
    "environment in the settings": ("src/horde/worker/settings.py", "import os\nx = os.environ\n"),
    "commit in the pool": ("src/horde/server/db/pool.py", "async def f(tx):\n    await tx.commit()\n"),
    "reason beside the import": (SUBMIT, "def f():\n    import torch  # heavy: 4 s\n"),
    "reason above the imports": (SUBMIT, "def f():\n    # Optional.\n    import torch\n    import numpy\n"),
    "yield to the loop": (TEST, "import asyncio\nx = asyncio.sleep(0)\n"),
    "docstring about SQL": (SUBMIT, '"""Never DELETE FROM the ledger."""\n'),
    "locks and upserts": (
        QUERIES,
        """\
        -- name: claim
        -- UPDATE of another feature's table: workers. It's fine.
        SELECT id FROM workers FOR UPDATE SKIP LOCKED;
        SELECT id FROM workers FOR NO KEY UPDATE;
        INSERT INTO jobs (note) VALUES ('DELETE FROM workers') ON CONFLICT (id) DO UPDATE SET note = 'x';
        """,
    ),
}


@pytest.mark.parametrize(("path", "text"), ALLOWED.values(), ids=ALLOWED.keys())
def test_good_code_is_left_alone(tmp_path: Path, path: str, text: str) -> None:
    owner = {"src/horde/server/workers/queries.sql": "INSERT INTO workers VALUES (1);\n"}
    assert sentences(tmp_path, owner | {path: text}) == []


def test_other_peoples_code_is_not_read(tmp_path: Path) -> None:
    assert sentences(tmp_path, {"web/node_modules/left-pad/utils.ts": "x"}) == []


@pytest.mark.parametrize(("name", "status"), [("keys.py", 0), ("utils.py", 1)])
def test_command_prints_sentence_and_hint(tmp_path: Path, name: str, status: int) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / name).write_text("x = 1\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tools.house_lints", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert f"1 files, {status} findings" in done.stdout
    assert ("    hint: " in done.stdout) is bool(status)

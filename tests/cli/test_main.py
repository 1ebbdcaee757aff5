"""The command line itself: what it imports, how it refuses."""

import re
import socket
import subprocess
import sys

import pytest

from horde import __version__
from horde.cli.listening import check_can_listen
from horde.cli.main import COMMANDS, status_of
from horde.cli.output import MISUSED, CommandFailed

HEAVY = ("litestar", "asyncpg", "uvicorn", "sqlalchemy", "httpx", "psutil", "PIL")


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys; from horde.cli.main import status_of; status = status_of(['--help']);"
        "ours = [m for m in sys.modules if m.startswith('horde.')];"
        "print(sorted(ours + [m for m in sys.modules if m in sys.argv[1:]]))"
    )

    done = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)

    for command, (_, summary) in COMMANDS.items():
        assert re.search(rf" {command} +{' '.join(summary.split()[:3])}", done.stdout)
    assert done.stdout.splitlines()[-1] == "['horde.cli', 'horde.cli.main', 'horde.cli.output']"


@pytest.mark.parametrize("module", ["horde.cli.generate", "horde.cli.register", "horde.cli.kudos", "horde.cli.worker"])
def test_commands_of_requestors_and_workers_never_import_the_server(module: str) -> None:
    unwanted = ("horde.server", "litestar")
    code = f"import sys, {module}; print([m for m in sys.modules if m.startswith({unwanted})])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_version_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "there is no command 'fly'"),
        (["up", "--fly"], "--fly"),
        (["up", "--port", "many"], '"many"'),
        (["up", "--port", "70000"], "65535"),
        (["up", "--host", "nowhere.invalid"], "no address belongs to the host 'nowhere.invalid'"),
        (["up", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
    ],
)
def test_wrong_usage_is_one_line_and_a_hint(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(arguments) == MISUSED

    captured = capsys.readouterr()
    error, blank, hint = captured.err.splitlines()
    assert captured.out == ""
    assert error.startswith("error: ")
    assert words in error
    assert blank == ""
    assert hint.startswith("hint: ")


def test_taken_port_is_named_with_who_took_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(CommandFailed, match=rf"port {port} on 127\.0\.0\.1 is taken by process \d+"):
            check_can_listen("127.0.0.1", port)


def test_port_is_free_again_when_its_server_is_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the server ends first: its side of the connection lingers
            client.recv(1)

    check_can_listen("127.0.0.1", port)

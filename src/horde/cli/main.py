"""The command `horde`: names the commands, and ends the process with a clear line where one fails.

A command's module is imported when that command is called and not before, so that `horde --help` and
`horde generate` never pay for the server.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnknownCommandError

from horde import __version__
from horde.cli.output import FAILED, INTERRUPTED, MISUSED, CommandFailed, complain

COMMANDS = {
    "up": ("horde.cli.up:up", "Start a private horde: database, API and one local worker; Ctrl-C stops it."),
    "serve": ("horde.cli.serve:serve", "Run one server node: the API alone."),
    "worker": ("horde.cli.worker:app", "Lend this machine to a horde."),
    "generate": ("horde.cli.generate:generate", "Ask a horde for pictures."),
    "explain": ("horde.cli.explain:explain", "Say how far a request is, and why it waits."),
    "register": ("horde.cli.register:register", "Make an account on a horde and print its key."),
    "kudos": ("horde.cli.kudos:app", "Show your kudos and what moved them, give some away, and share some by keys."),
    "admin": ("horde.cli.admin:app", "Look after a horde of your own, beside its server."),
}
"""Every command: where it lies, and its line in `horde --help`, which knows nothing of what is not imported."""
SEE_HELP = "`horde --help` lists the commands; each explains itself with --help"


def make_app() -> App:
    """The command line with all its commands, none of them imported yet."""
    app = App(
        name="horde",
        version=__version__,
        help="Stable Horde: image and text generation shared by many. `horde up` starts one of your own.",
        help_format="plaintext",
        print_error=False,
        exit_on_error=False,
        result_action="return_int_as_exit_code_else_zero",
    )
    for name, (place, summary) in COMMANDS.items():
        app.command(place, name=name, help=summary)
    return app


def run(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process: 0 done, 1 failed, 2 could not begin, 130 Ctrl-C."""
    sys.exit(status_of(sys.argv[1:] if arguments is None else arguments))


def status_of(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; what went wrong is on stderr then."""
    try:
        return int(make_app()(list(arguments)))
    except CommandFailed as failure:
        complain(failure.message, failure.hint)
        return failure.status
    except UnknownCommandError as unknown:
        # Its own message looks for a similar name, for which it imports every command.
        complain(f"there is no command {' '.join(unknown.unused_tokens or arguments)!r}", SEE_HELP)
        return MISUSED
    except CycloptsError as wrong:
        complain(str(wrong).strip(), SEE_HELP)
        return MISUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain again when it flushes stdout at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


if __name__ == "__main__":
    run()

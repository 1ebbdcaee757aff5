"""Log files of background processes: begun anew, bounded, quoted."""

from pathlib import Path

from horde import logfile


def test_new_log_keeps_the_one_of_the_last_run(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("last run\n")

    logfile.begin(log)
    logfile.begin(tmp_path / "never written.log")

    assert not log.exists()
    assert (tmp_path / "server.log.1").read_text() == "last run\n"


def test_log_that_grew_too_long_is_emptied_under_the_process_that_writes_it(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * (logfile.SIZE_MAX + 1))

        logfile.bound(log)
        writer.write(b"goes on\n")

    assert log.read_bytes() == b"goes on\n"
    assert (tmp_path / "server.log.1").stat().st_size == logfile.SIZE_MAX + 1


def test_short_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("short\n")

    logfile.bound(log)
    logfile.bound(tmp_path / "missing.log")

    assert log.read_text() == "short\n"


def test_last_lines_are_quoted_without_the_empty_ones(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"one\n\ntwo\n\xff three\n\n")

    assert logfile.last_lines(log, 2) == ["two", "\N{REPLACEMENT CHARACTER} three"]
    assert logfile.last_lines(tmp_path / "missing.log", 2) == []


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("x" * 3 * logfile.TAIL_BYTES + "\nthe end\n")

    assert logfile.last_lines(log, 1) == ["the end"]
    assert sum(map(len, logfile.last_lines(log, 9))) < logfile.TAIL_BYTES

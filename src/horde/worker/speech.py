"""How a worker speaks to its owner where there is no screen: plain log lines on stderr."""

from __future__ import annotations

import logging
import sys

import stamina
import structlog
from stamina.instrumentation import RetryDetails

log = structlog.get_logger("worker")


def speak(level: str) -> None:
    """Log plain lines to stderr, from this level on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    stamina.instrumentation.set_on_retry_hooks([_log_retry])


def _log_retry(details: RetryDetails) -> None:
    log.warning("the horde cannot answer now", reason=str(details.caused_by), again_in_s=round(details.wait_for, 1))

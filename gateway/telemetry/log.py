"""Events of the process as JSON lines: ours through structlog, the libraries' through logging."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import PurePath

import structlog
from structlog.types import EventDict, Processor

from gateway.telemetry.redaction import redact
from gateway.telemetry.writer import LineWriter

# httpx tells the URL of every request at INFO, with its query; the S3 libraries tell keys.
_QUIET = ("httpx", "httpcore", "obstore", "boto3", "botocore", "s3transfer", "urllib3", "PIL")
_DEEPEST = 8


def configure(writer: LineWriter, *, level: int = logging.INFO) -> None:
    """Send every event of this process, structlog's and the standard library's, to `writer`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        exception_facts,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _LineHandler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_colour,
                redact,
                structlog.processors.JSONRenderer(separators=(",", ":")),
            ],
        )
    )
    _take_over(handler, level)


def _take_over(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    access.disabled = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _LineHandler(logging.Handler):
    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self.format(record).encode() + b"\n")
        except Exception:
            # Logging must not break what it watches; the count tells that a line is missing.
            self._writer.dropped += 1


def _without_colour(_logger: object, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    return event


def exception_facts(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Put an exception's type and places in the event in the place of its text.

    An exception's text may hold a document's name (a path that was not found, a key that a store
    refused), so only the operating system's own words are kept.
    """
    given = event.pop("exc_info", None)
    if not given:
        return event
    error = _exception(given)
    if error is not None:
        event["error"] = _named(error)
        event["at"] = _places(error)
    return event


def _exception(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3 and isinstance(given[1], BaseException):
        return given[1]
    return sys.exc_info()[1]


def _named(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, OSError) and error.strerror:
        name += f" ({error.strerror})"
    cause = error.__cause__
    return f"{name} from {_named(cause)}" if cause is not None else name


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    return [f"{_module(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _module(filename: str) -> str:
    return "/".join(PurePath(filename).parts[-2:])

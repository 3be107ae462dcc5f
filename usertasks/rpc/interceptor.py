"""What happens around every call: its log line, its database connections, its caller, its refusals.

The health service and reflection pass by: a probe has no token.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import grpc
from django.db import OperationalError, close_old_connections
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from ..actors import Scope
from ..errors import Malformed, Refused, Throttled
from ..rules import require_scope
from .callers import caller, caller_in_the_log, forget_caller, recognize_caller
from .noting import noting
from .servicer import ABOUT_NO_RUN, SERVED

SERVICE = "/littlehorse.LittleHorse/"
CODE_KEY = "usertasks-code"
"""The trailing metadata that carries the word of the contract for a refusal."""
RETRY_KEY = "retry-after"
"""The one that says in how many seconds to try again."""
DETAILS_KEY = "grpc-status-details-bin"
"""The one in which LittleHorse's own clients look for the same: its Python client waits so long, and tries again."""
LONGEST_DETAIL = 600
"""Characters. Percent-encoded they are at most 7,200 bytes, and clients take 8 KiB of metadata."""

UNREADABLE: Final = object()
"""Stands for a request that is no message of its kind."""

log = logging.getLogger("usertasks.rpc")

STATUSES: Mapping[str, grpc.StatusCode] = {
    "malformed": grpc.StatusCode.INVALID_ARGUMENT,
    "invalid_argument": grpc.StatusCode.INVALID_ARGUMENT,
    "not_signed_in": grpc.StatusCode.UNAUTHENTICATED,
    "not_allowed": grpc.StatusCode.PERMISSION_DENIED,
    "not_found": grpc.StatusCode.NOT_FOUND,
    "wrong_state": grpc.StatusCode.FAILED_PRECONDITION,
    "already_claimed": grpc.StatusCode.FAILED_PRECONDITION,
    "already_exists": grpc.StatusCode.ALREADY_EXISTS,
    "stale": grpc.StatusCode.ABORTED,
    "too_large": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "throttled": grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""Code of a refusal → status: the table of section 4 of the contract."""


class CallInterceptor(grpc.ServerInterceptor):
    """Surrounds each call of LittleHorse's service; runs in the thread that answers it."""

    def intercept_service(self, continuation: Callable[[Any], Any], call: Any) -> Any:
        handler = continuation(call)
        if handler is None or not call.method.startswith(SERVICE):
            return handler
        name = call.method.removeprefix(SERVICE)
        return _served(name, handler) if name in SERVED else _unserved(name, handler)


def _served(name: str, handler: Any) -> Any:
    def answer(request: Any, context: Any) -> Any:
        with logged(name, context), connected(), refusing(context):
            recognize_caller(context.invocation_metadata(), context.peer())
            with noting(name, request):
                if name not in ABOUT_NO_RUN:
                    require_scope(Scope.RUNS_READ, caller())
                if request is UNREADABLE:
                    raise Malformed("The message cannot be read.")
                return handler.unary_unary(request, context)

    return handler._replace(unary_unary=answer, request_deserializer=_lenient(handler.request_deserializer))


def _unserved(name: str, handler: Any) -> Any:
    def refuse(request: Any, context: Any) -> Any:
        with logged(name, context):
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not served here: this is a user task manager.")

    return handler._replace(unary_unary=refuse, unary_stream=refuse, stream_unary=refuse, stream_stream=refuse)


def _lenient(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """`UNREADABLE` for bytes that are no such message: grpc itself would answer `INTERNAL`."""

    def read(message: bytes) -> Any:
        try:
            return deserialize(message)
        except DecodeError:
            return UNREADABLE

    return read


@contextmanager
def logged(name: str, context: Any) -> Iterator[None]:
    """One line: what was called, by whom, what came of it, how long it took. Never what was in it."""
    began = time.monotonic()
    forget_caller()
    try:
        yield
    finally:
        status = context.code() or grpc.StatusCode.OK
        log.info("%s %s by %s in %.1f ms", name, status.name, caller_in_the_log(), (time.monotonic() - began) * 1000)


@contextmanager
def connected() -> Iterator[None]:
    """The database connection of a call goes back when the call ends: a thread that waits holds none."""
    close_old_connections()
    try:
        yield
    finally:
        close_old_connections()


@contextmanager
def refusing(context: Any) -> Iterator[None]:
    """The one place that turns a refusal into a status."""
    try:
        yield
    except Refused as refusal:
        context.set_trailing_metadata(_metadata_of(refusal))
        context.abort(STATUSES[refusal.code], _told(refusal))
    except OperationalError:
        log.exception("The database did not answer")
        context.abort(grpc.StatusCode.UNAVAILABLE, "The database did not answer; try again.")
    except Exception:
        # grpc would send the text of the exception to the caller, whatever is in it.
        log.exception("A call failed")
        context.abort(grpc.StatusCode.INTERNAL, "This is a mistake of the server; its log says more.")


def _metadata_of(refusal: Refused) -> tuple[tuple[str, str | bytes], ...]:
    code = (CODE_KEY, refusal.code)
    if not isinstance(refusal, Throttled):
        return (code,)
    status = Status(code=STATUSES[refusal.code].value[0], message=_told(refusal))
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=refusal.retry_after)))
    return code, (RETRY_KEY, str(refusal.retry_after)), (DETAILS_KEY, status.SerializeToString())


def _told(refusal: Refused) -> str:
    """The refusal in words, with every field at fault as far as there is room."""
    faults = [f"{name} {fault.message}" for name, found in refusal.faults.items() for fault in found]
    if len(faults) > 1:
        return f"{refusal.detail} {'; '.join(faults)}."[:LONGEST_DETAIL]
    if faults:
        return f"{faults[0]}."[:LONGEST_DETAIL]
    return refusal.detail[:LONGEST_DETAIL]

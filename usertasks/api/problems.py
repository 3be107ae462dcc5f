"""What went wrong, told as `application/problem+json` (RFC 9457): the one place that knows refusals and HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.views import exception_handler

from .. import errors
from ..errors import Fault, Refused
from .noting import note
from .renderers import JSONRenderer

CONTENT_TYPE = "application/problem+json"

HTTP_STATUS: Mapping[str, int] = {
    "malformed": 400,
    "invalid_argument": 400,
    "not_signed_in": 401,
    "not_allowed": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "wrong_state": 409,
    "already_claimed": 409,
    "already_exists": 409,
    "stale": 412,
    "too_large": 413,
    "throttled": 429,
}

FAULT_CODES: Mapping[str, str] = {
    "required": "required",
    "null": "wrong_type",
    "wrong_type": "wrong_type",
    "not_a_list": "wrong_type",
    "not_a_dict": "wrong_type",
    "invalid_choice": "not_a_choice",
    "unknown_field": "unknown_field",
    "out_of_range": "out_of_range",
    "max_value": "out_of_range",
    "min_value": "out_of_range",
    "max_length": "out_of_range",
    "min_length": "out_of_range",
}
"""Code of a DRF validation error → code of the contract; any other is `invalid`."""


class MethodNotAllowed(Refused):
    """There is such a path, but not with this method: only HTTP knows of this."""

    code = "method_not_allowed"
    title = "This path does not take that method"


def problem(refusal: Refused) -> dict[str, Any]:
    """The body that tells of a refusal."""
    body: dict[str, Any] = {
        "type": f"urn:usertasks:problem:{refusal.code}",
        "title": str(refusal.title),
        "status": HTTP_STATUS[refusal.code],
        "code": refusal.code,
        "detail": _printable(refusal.detail),
    }
    if refusal.faults:
        body["errors"] = errors_of(refusal)
    return body


def errors_of(refusal: Refused) -> dict[str, list[dict[str, str]]]:
    """The faults of a refusal, by field."""
    return {
        _printable(name): [{"code": fault.code, "message": _printable(fault.message)} for fault in faults]
        for name, faults in refusal.faults.items()
    }


def handle(exception: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's exception handler: a problem for every refusal, whoever raised it; None for a defect of ours.

    The answer is written here, because a view such as that of the API's description renders YAML.
    """
    refusal = refusal_of(exception)
    if refusal is None:
        return None
    note(refusal, context)
    default = exception_handler(exception, dict(context))  # sets WWW-Authenticate
    response = answer(refusal)
    if default is not None and "WWW-Authenticate" in default:
        response["WWW-Authenticate"] = default["WWW-Authenticate"]
    return response


def refusal_of(exception: Exception) -> Refused | None:
    """The refusal that an exception of Django or DRF means."""
    match exception:
        case Refused():
            return exception
        case exceptions.ValidationError():
            return errors.InvalidArgument.of(dict(_faults(exception.get_full_details(), ())))
        case exceptions.ParseError() | SuspiciousOperation() | BadRequest():
            return errors.Malformed(str(exception) or "The request cannot be read.")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return errors.NotSignedIn(str(exception.detail))
        case exceptions.PermissionDenied() | PermissionDenied():
            return errors.NotAllowed(str(exception) or "You may not do this.")
        case exceptions.NotFound() | Http404():
            return errors.NotFound("There is no such thing.")
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed(str(exception.detail))
        case exceptions.Throttled():
            return errors.Throttled(str(exception.detail))
    return None


def _faults(details: Any, path: tuple[str, ...]) -> Iterator[tuple[str, list[Fault]]]:
    """DRF's nested errors, flat: `runs.3.priority` → its faults."""
    if isinstance(details, list) and all(isinstance(item, dict) and "code" in item for item in details):
        name = ".".join(part for part in path if part != "non_field_errors") or "body"
        yield name, [Fault(FAULT_CODES.get(item["code"], "invalid"), item["message"]) for item in details]
    elif isinstance(details, dict):
        for key, part in details.items():
            yield from _faults(part, (*path, str(key)))
    else:
        for index, part in enumerate(details):
            yield from _faults(part, (*path, str(index)))


def _printable(text: str) -> str:
    """Text that any encoder takes: what a caller sent comes back in messages, half surrogates included."""
    return text.encode("utf-8", "backslashreplace").decode()


@login_not_required
@csrf_exempt
def no_such_path(request: HttpRequest) -> HttpResponse:
    """The answer to a path of the API that does not exist, with DEBUG on as well."""
    hint = "" if request.path.endswith("/") else " Paths end with a slash."
    return _answer(problem(errors.NotFound(f"There is no such path.{hint}")))


def unreadable(exception: Exception) -> HttpResponse:
    """The answer to a request that Django would not read, before any view."""
    is_too_large = isinstance(exception, RequestDataTooBig)
    refusal = errors.TooLarge("The body is too large.") if is_too_large else errors.Malformed("It cannot be read.")
    return _answer(problem(refusal))


def answer(refusal: Refused) -> HttpResponse:
    """The answer that tells of a refusal, for views that are none of DRF's as well."""
    response = _answer(problem(refusal))
    if isinstance(refusal, errors.Throttled):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def defect() -> HttpResponse:
    """The answer when we are at fault: it says nothing of what happened inside."""
    title = "Something went wrong here; it has been logged"
    return _answer({"type": "about:blank", "title": title, "status": 500, "code": "defect", "detail": title})


def _answer(body: dict[str, Any]) -> HttpResponse:
    return HttpResponse(JSONRenderer().render(body), status=body["status"], content_type=CONTENT_TYPE)

"""What every view of the API has: an actor, the version that the caller has seen, and strictly read bodies."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.utils.functional import cached_property
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from ..actors import Actor, Scope
from ..errors import Fault, InvalidArgument
from ..models import UserTaskRun
from ..one_run import seen_run
from ..rules import require_scope
from . import shapes
from .authentication import caller_of

VERSION_TAG = re.compile(r'"([0-9]{1,9})"')
NO_VERSION = -1
"""What no run ever is at: an `If-Match` that names no version of ours is stale, whatever it says."""


class View(GenericViewSet[Any]):
    """A door to the operations, for one caller."""

    subject: ClassVar[str]
    """What it is about, for the names of operations in the API's description."""

    scope: ClassVar[Scope | None] = Scope.RUNS_READ
    """What a token has to be for, whatever is asked."""
    filter_backends = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.scope:
            require_scope(self.scope, self.actor)

    @cached_property
    def actor(self) -> Actor:
        return caller_of(self.request)

    @property
    def expected(self) -> int | None:
        """The version in `If-Match`, if the caller insists on one."""
        tag = self.request.headers.get("If-Match", "*").strip()
        if tag == "*":
            return None
        found = VERSION_TAG.fullmatch(tag)
        return int(found[1]) if found else NO_VERSION

    def body(self, shape: type[shapes.Request]) -> dict[str, Any]:
        """What the request says, in the shape that it must have."""
        serializer = shape(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def visible_run(self) -> UserTaskRun:
        """The run of the path, if the caller may see it."""
        return seen_run(self.kwargs["pk"], by=self.actor)

    def parameters(self, *known: str) -> dict[str, str]:
        """The query's parameters, each given once. Raises `InvalidArgument` for any other."""
        return single_parameters(self.request, *known)


def single_parameters(request: Request, *known: str) -> dict[str, str]:
    """The parameters `known`; one that is not, or is given twice or blank, is refused."""
    faults: dict[str, list[Fault]] = {}
    for name, texts in request.query_params.lists():
        if name not in known:
            faults[name] = [Fault("unknown_field", "is not known here")]
        elif len(texts) > 1 or not texts[0] or "\0" in texts[0]:
            faults[name] = [Fault("invalid", "must be given once, and not blank")]
    if faults:
        raise InvalidArgument.of(faults)
    return {name: request.query_params[name] for name in known if name in request.query_params}

"""Pages by cursor: a page starts where the last one ended, at a cost that does not grow with its number."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.datastructures import MultiValueDict
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import json_text
from ..errors import Fault, InvalidArgument
from ..filters import Search
from ..models.orders import NEWEST, Order, Position

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
LIMIT, CURSOR = "limit", "cursor"
NUMBERS = frozenset({"number", "version", "position"})
"""The columns of keysets that hold numbers; the others hold texts."""


class CursorPagination(BasePagination):
    """What all lists share: `limit`, opaque cursors, and the envelope of the contract.

    A cursor says in which direction the page lies (`a`fter or `b`efore) and beyond which key.
    """

    request: Request
    direction: str = "a"
    key: list[Any] | None = None
    rows: Sequence[Any] = ()
    has_more = False

    def read(self, request: Request) -> int:
        """Take the cursor from the request; gives the limit. Raises `InvalidArgument`."""
        self.request = request
        if CURSOR in request.query_params:
            self.direction, self.key = _decoded(request.query_params[CURSOR])
        return limit_of(request)

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next(), "previous": self._previous(), "results": data})

    def key_of(self, row: Any) -> list[Any]:
        """What tells where a row stands in the list, as JSON."""
        raise NotImplementedError

    def _next(self) -> str | None:
        is_last = self.direction == "a" and not self.has_more
        return self._link("a", self.rows[-1]) if self.rows and not is_last else None

    def _previous(self) -> str | None:
        is_first = self.key is None or (self.direction == "b" and not self.has_more)
        return self._link("b", self.rows[0]) if self.rows and not is_first else None

    def _link(self, direction: str, row: Any) -> str:
        parameters = {**dict(self.request.query_params.lists()), CURSOR: [_encoded(direction, self.key_of(row))]}
        query = urlencode(sorted(parameters.items()), doseq=True)
        return self.request.build_absolute_uri(f"{self.request.path}?{query}")

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        return [
            {"name": LIMIT, "in": "query", "required": False, "schema": limit},
            {
                "name": CURSOR,
                "in": "query",
                "required": False,
                "description": "Opaque: from `next` or `previous`.",
                "schema": {"type": "string"},
            },
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }


class SearchPagination(CursorPagination):
    """Pages of runs, in the order that the search asks for."""

    def paginate_search(self, search: Search, limit: int) -> Sequence[Any]:
        self.order = search.order
        position = position_of(self._key_in_order(self.key), self.order) if self.key else None
        direction = {"after": position} if self.direction == "a" else {"before": position}
        page = search.page(limit=limit, **direction)
        self.rows, self.has_more = page.rows, page.has_more
        return page.rows

    def key_of(self, row: Any) -> list[Any]:
        return [*self._name(), *self.order.position_of(row).texts()]

    def _name(self) -> list[str]:
        """What a key begins with: the order, unless that is the usual one."""
        return [] if self.order is NEWEST else [self.order.name]

    def _key_in_order(self, key: list[Any]) -> list[Any]:
        """The place that a key of this order names; one of another order is `InvalidArgument`."""
        name = self._name()
        if key[: len(name)] != name:
            raise _malformed_cursor()
        return key[len(name) :]


class KeysetPagination(CursorPagination):
    """Pages of any queryset in ascending order of `view.keyset`, a tuple of columns that are unique together."""

    is_descending: ClassVar[bool] = False

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        limit = self.read(request)
        self.columns: tuple[str, ...] = view.keyset  # type: ignore[union-attr]
        is_back = self.direction == "b"
        is_falling = is_back != self.is_descending
        if self.key is not None:
            queryset = queryset.filter(_beyond(self.columns, self.key, "lt" if is_falling else "gt"))
        order = [f"-{column}" for column in self.columns] if is_falling else self.columns
        rows = list(queryset.order_by(*order)[: limit + 1])
        self.has_more = len(rows) > limit
        self.rows = rows[:limit][::-1] if is_back else rows[:limit]
        return list(self.rows)

    def key_of(self, row: Any) -> list[Any]:
        return [getattr(row, column) for column in self.columns]


class NewestFirst(KeysetPagination):
    """The same in descending order."""

    is_descending = True


def limit_of(request: Request) -> int:
    """The `limit` of a list. Raises `InvalidArgument`."""
    text = request.query_params.get(LIMIT, str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidArgument.at(LIMIT, Fault("out_of_range", f"must be a number from 1 to {MAX_LIMIT}"))
    return int(text)


def filters_of(request: Request) -> MultiValueDict[str, str]:
    """The parameters that are filters: all but `limit` and `cursor`, which may be given once."""
    parameters = request.query_params.copy()
    for name in (LIMIT, CURSOR):
        if len(parameters.pop(name, [])) > 1:
            raise InvalidArgument.at(name, Fault("invalid", "must be given once"))
    return parameters


def _encoded(direction: str, key: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([direction, *key]).encode()).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[str, list[Any]]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        direction, *key = json.loads(text)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise _malformed_cursor() from None
    if direction not in ("a", "b") or not key or not all(isinstance(part, str | int) for part in key):
        raise _malformed_cursor()
    if json_text.flaw_of(key):
        raise _malformed_cursor()
    return direction, key


def position_of(key: list[Any], order: Order) -> Position:
    """The place in an order that a cursor names. Raises `InvalidArgument`."""
    try:
        return order.position(key)
    except ValueError:
        raise _malformed_cursor() from None


def _malformed_cursor() -> InvalidArgument:
    return InvalidArgument.at(CURSOR, Fault("invalid", "is not a cursor of this list"))


def _beyond(columns: Sequence[str], key: Sequence[Any], lookup: str) -> Q:
    """Rows whose `columns` lie beyond `key`, compared from left to right."""
    if len(key) != len(columns):
        raise _malformed_cursor()
    condition, equal = Q(), Q()
    for column, part in zip(columns, key, strict=True):
        if isinstance(part, int) != (column in NUMBERS):
            raise _malformed_cursor()
        condition |= equal & Q(**{f"{column}__{lookup}": part})
        equal &= Q(**{column: part})
    return condition

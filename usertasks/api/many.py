"""`user-task-runs/batch/` creates many runs, `user-task-runs/bulk/` does one thing to many."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .. import bulk, operations
from ..actors import Scope
from ..errors import Fault, InvalidArgument, Refused
from ..json_filters import search_from_json
from ..operations import Creation, RunRequest
from . import representations as tell
from . import serializers
from .problems import CONTENT_TYPE, problem, refusal_of
from .views import View

MAX_RUNS = bulk.MAX_RUNS


class BatchViewSet(View):
    subject = "batch"
    serializer_class = serializers.BatchDescription

    @extend_schema(
        summary="Create many runs",
        request=serializers.BatchDescription,
        responses={201: serializers.BatchResults},
    )
    def create(self, request: Request) -> Response:
        body = self.body(serializers.Batch)
        if len(body["runs"]) > MAX_RUNS:
            raise InvalidArgument.at("runs", Fault("out_of_range", f"must be at most {MAX_RUNS}"))
        shape = serializers.RunCreation()  # once: what making its fields costs, a thousand runs would notice
        readings = [_read(run, shape) for run in body["runs"]]
        made = self._create(readings, is_atomic=body["atomic"])
        told = {"results": [tell.creation(creation) for creation in made]}
        if body["atomic"] and any(creation.refusal for creation in made):
            refusal = InvalidArgument("Nothing was created: some of the runs are at fault.")
            return Response({**problem(refusal), **told}, status=400, content_type=CONTENT_TYPE)
        return Response(told, status=201)

    def _create(self, readings: list[RunRequest | Refused], *, is_atomic: bool) -> list[Creation]:
        """What becomes of each: those that could not be read are refused, and with `is_atomic` stop the others."""
        readable = [reading for reading in readings if isinstance(reading, RunRequest)]
        is_whole = len(readable) == len(readings)
        made = iter(
            operations.create_many(readable, by=self.actor, atomic=is_atomic, is_dry_run=is_atomic and not is_whole)
        )
        creations = [Creation(refusal=reading) if isinstance(reading, Refused) else next(made) for reading in readings]
        operations.note([creation.refusal for creation in creations if creation.refusal], "create", by=self.actor)
        return creations


class BulkViewSet(View):
    scope = Scope.RUNS_WRITE
    subject = "bulk"
    serializer_class = serializers.BulkResults

    @extend_schema(
        summary="Do one thing to many runs",
        description="With `dry_run` nothing is changed: the results say what would happen.",
        request=serializers.Bulk,
        responses={200: serializers.BulkResults},
    )
    def create(self, request: Request) -> Response:
        body = self.body(serializers.Bulk)
        ids = body["ids"] if "ids" in body else bulk.ids_of(search_from_json(body["filter"], by=self.actor))
        arguments = _arguments(body["action"], body["arguments"])
        results, change = bulk.change_many(body["action"], ids, arguments, by=self.actor, is_dry_run=body["dry_run"])
        return Response({"undo": change.id.hex if change else None, "results": tell.results(results)})

    @extend_schema(
        summary="Take a bulk claim, release or assignment back",
        description="For the runs that have not changed since; the others are refused as `stale`.",
        request=serializers.Nothing,
        responses={200: serializers.BulkResults},
    )
    def undo(self, request: Request, pk: str) -> Response:
        self.body(serializers.Nothing)
        return Response({"undo": None, "results": tell.results(bulk.undo(UUID(pk), by=self.actor))})


def _read(run: Any, shape: serializers.RunCreation) -> RunRequest | Refused:
    """One run of a batch, or why it cannot be read."""
    try:
        return shape.request_of(shape.run_validation(run))
    except ValidationError as error:
        refusal = refusal_of(error)
        assert refusal is not None
        return refusal


def _arguments(action: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a bulk operation, in the shape that the operation itself takes."""
    serializer = serializers.ARGUMENTS[action](data=arguments)
    if not serializer.is_valid():
        raise ValidationError({"arguments": serializer.errors})
    return dict(serializer.validated_data)

"""`user-task-defs/`: put, list, read and delete definitions."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from .. import operations
from ..errors import Fault, InvalidArgument, NotFound
from ..json_schema import schema_of
from ..models import UserTaskDef
from ..models.definitions import UserTaskDefQuerySet
from . import representations as tell
from . import serializers
from .pagination import CURSOR, LIMIT, KeysetPagination
from .views import View

FILTERS = [
    OpenApiParameter("name", str, description="Every version of this definition."),
    OpenApiParameter("prefix", str, description="Names that begin like this."),
    OpenApiParameter("latest", bool, description="Only the newest version of each name."),
]
NAME = OpenApiParameter("name", str, OpenApiParameter.PATH)
VERSION = OpenApiParameter("version", int, OpenApiParameter.PATH)


class DefinitionViewSet(View):
    scope = None
    subject = "definition"
    queryset = UserTaskDef.objects.all()
    serializer_class = serializers.Definition
    pagination_class = KeysetPagination
    keyset = ("name", "version")

    @extend_schema(summary="List definitions", parameters=FILTERS, responses=serializers.Definition(many=True))
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self._filtered())
        return self.get_paginated_response([tell.definition(row) for row in page or ()])

    @extend_schema(
        summary="Put a definition",
        description="201: a new version; 200: it says the same as the newest version, which is returned.",
        request=serializers.DefinitionRequest,
        responses={200: serializers.Definition, 201: serializers.Definition},
    )
    def create(self, request: Request) -> Response:
        body = self.body(serializers.DefinitionRequest)
        fields = [tell.new_field(field) for field in body["fields"]]
        row, is_new = operations.put_definition(
            body["name"], fields, by=self.actor, description=body["description"], actions=body["actions"]
        )
        return Response(tell.definition(row), status=201 if is_new else 200)

    @extend_schema(summary="The newest version", parameters=[NAME], responses=serializers.Definition)
    def newest(self, request: Request, name: str) -> Response:
        row = self._rows().named(name).newest_first().first()
        if row is None:
            raise NotFound(f"There is no definition {name}.")
        return Response(tell.definition(row))

    @extend_schema(summary="One version", parameters=[NAME, VERSION], responses=serializers.Definition)
    def retrieve(self, request: Request, name: str, version: int) -> Response:
        return Response(tell.definition(self._version(name, version)))

    @extend_schema(
        summary="Delete a version",
        description="Refused while there are runs of it.",
        parameters=[NAME, VERSION],
    )
    def destroy(self, request: Request, name: str, version: int) -> Response:
        operations.delete_definition(name, version, by=self.actor)
        return Response(status=204)

    @extend_schema(summary="JSON Schema of the results", parameters=[NAME, VERSION], responses=OpenApiTypes.OBJECT)
    def results_schema(self, request: Request, name: str, version: int) -> Response:
        return Response(schema_of(list(self._version(name, version).fields.all())))

    def _rows(self) -> UserTaskDefQuerySet:
        return UserTaskDef.objects.prefetch_related("fields")

    def _version(self, name: str, version: int) -> UserTaskDef:
        row: UserTaskDef | None = self._rows().filter(name=name, version=version).first()
        if row is None:
            raise NotFound(f"There is no definition {name} version {version}.")
        return row

    def _filtered(self) -> UserTaskDefQuerySet:
        given = self.parameters("name", "prefix", "latest", LIMIT, CURSOR)
        if given.get("latest", "true") not in ("true", "false"):
            raise InvalidArgument.at("latest", Fault("not_a_choice", "must be true or false"))
        rows = self._rows()
        if "name" in given:
            rows = rows.named(given["name"])
        if "prefix" in given:
            rows = rows.with_prefix(given["prefix"])
        return rows.newest() if given.get("latest") == "true" else rows

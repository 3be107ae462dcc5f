"""`webhook-endpoints/`: where events are sent to, and what became of each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from .. import operations
from ..actors import Scope
from ..errors import NotFound
from ..models import WebhookEndpoint
from ..models.orders import OLDEST
from ..models.runs import run_visible_to
from ..models.webhooks import WebhookEndpointQuerySet
from . import serializers
from . import webhook_shapes as shapes
from .pagination import CURSOR, LIMIT, KeysetPagination, NewestFirst, position_of
from .views import View


class EndpointPagination(KeysetPagination):
    """Endpoints in the order in which they were made."""

    def read(self, request: Request) -> int:
        limit = super().read(request)
        if self.key is not None:
            self.key = list(position_of(self.key, OLDEST).values)
        return limit

    def key_of(self, row: WebhookEndpoint) -> list[Any]:
        return [row.created_at.isoformat(), row.id.hex]


class EndpointView(View):
    scope = Scope.ADMIN
    """What a caller sees of the endpoints."""

    def visible_endpoints(self) -> WebhookEndpointQuerySet:
        return WebhookEndpoint.objects.visible_to(self.actor).select_related("owner")

    def visible_endpoint(self) -> WebhookEndpoint:
        """The endpoint of the path, if the caller may see it."""
        row = self.visible_endpoints().filter(pk=self.kwargs["pk"]).first()
        if row is None:
            raise NotFound("There is no such endpoint.")
        return row


class EndpointViewSet(EndpointView):
    subject = "webhook_endpoint"
    serializer_class = shapes.Endpoint
    pagination_class = EndpointPagination
    keyset = ("created_at", "id")

    @extend_schema(summary="List webhook endpoints", responses=shapes.Endpoint(many=True))
    def list(self, request: Request) -> Response:
        self.parameters(LIMIT, CURSOR)
        page = self.paginate_queryset(self.visible_endpoints())
        return self.get_paginated_response([shapes.endpoint_content(row) for row in page or ()])

    @extend_schema(
        summary="Create a webhook endpoint",
        description="Without `event_types`, all events are sent. The answer is the only one that holds the `secret`.",
        request=shapes.EndpointCreation,
        responses={201: shapes.NewEndpoint},
    )
    def create(self, request: Request) -> Response:
        row = operations.create_endpoint(**self.body(shapes.EndpointCreation), by=self.actor)
        return Response({**shapes.endpoint_content(row), "secret": row.secret}, status=201)

    @extend_schema(summary="One webhook endpoint", responses=shapes.Endpoint)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(shapes.endpoint_content(self.visible_endpoint()))

    @extend_schema(
        summary="Change a webhook endpoint",
        description="`active` switches it off or on; on, it starts as if it had never failed.",
        request=shapes.EndpointChange,
        responses=shapes.Endpoint,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        row = operations.change_endpoint(UUID(pk), **self.body(shapes.EndpointChange), by=self.actor)
        return Response(shapes.endpoint_content(row))

    @extend_schema(summary="Delete a webhook endpoint", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        operations.delete_endpoint(UUID(pk), by=self.actor)
        return Response(status=204)


class DeliveryViewSet(EndpointView):
    subject = "delivery"
    serializer_class = shapes.WebhookDelivery
    pagination_class = NewestFirst
    keyset = ("position",)

    @extend_schema(
        summary="The deliveries of a webhook endpoint",
        description="The newest event first.",
        responses=shapes.WebhookDelivery(many=True),
    )
    def list(self, request: Request, pk: str) -> Response:
        self.parameters(LIMIT, CURSOR)
        deliveries = self.visible_endpoint().deliveries.filter(run_visible_to(self.actor, prefix="run__"))
        page = self.paginate_queryset(deliveries.select_related("event"))
        return self.get_paginated_response([shapes.delivery_content(row) for row in page or ()])

    @extend_schema(
        summary="Send a delivery again",
        description="At once, and with the same `webhook-id`, whatever became of it before.",
        request=serializers.Nothing,
        responses=shapes.WebhookDelivery,
    )
    def redeliver(self, request: Request, pk: str, number: int) -> Response:
        self.body(serializers.Nothing)
        return Response(shapes.delivery_content(operations.redeliver(UUID(pk), number, by=self.actor)))

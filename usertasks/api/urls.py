"""The paths of `/api/v1/`."""

from __future__ import annotations

from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from ..models.definitions import NAME
from ..models.runs import GUID
from .definitions import DefinitionViewSet
from .docs import DocsView, SchemaView
from .events import FeedViewSet
from .many import BatchViewSet, BulkViewSet
from .problems import no_such_path
from .runs import CommentViewSet, EventViewSet, RunViewSet
from .webhooks import DeliveryViewSet, EndpointViewSet


class GuidConverter(StringConverter):
    """An id, in either form."""

    regex = GUID


class NameConverter(StringConverter):
    """The name of a definition."""

    regex = NAME.pattern


register_converter(GuidConverter, "guid")
register_converter(NameConverter, "definition_name")

OPERATIONS = ("claim", "release", "assign", "save_progress", "complete", "cancel", "snooze", "wake")

app_name = "api"
urlpatterns = [
    path("user-task-defs/", DefinitionViewSet.as_view({"get": "list", "post": "create"}), name="definitions"),
    path("user-task-defs/<definition_name:name>/", DefinitionViewSet.as_view({"get": "newest"}), name="newest"),
    path(
        "user-task-defs/<definition_name:name>/<int:version>/",
        DefinitionViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="definition",
    ),
    path(
        "user-task-defs/<definition_name:name>/<int:version>/schema/",
        DefinitionViewSet.as_view({"get": "results_schema"}),
        name="results-schema",
    ),
    path("user-task-runs/", RunViewSet.as_view({"get": "list", "post": "create"}), name="runs"),
    path("user-task-runs/count/", RunViewSet.as_view({"get": "count"}), name="count"),
    path("user-task-runs/claim-next/", RunViewSet.as_view({"post": "claim_next"}), name="claim-next"),
    path("user-task-runs/batch/", BatchViewSet.as_view({"post": "create"}), name="batch"),
    path("user-task-runs/bulk/", BulkViewSet.as_view({"post": "create"}), name="bulk"),
    path("user-task-runs/bulk/<guid:pk>/undo/", BulkViewSet.as_view({"post": "undo"}), name="undo"),
    path("user-task-runs/<guid:pk>/", RunViewSet.as_view({"get": "retrieve"}), name="run"),
    *(
        path(
            f"user-task-runs/<guid:pk>/{name.replace('_', '-')}/",
            RunViewSet.as_view({"post": name}),
            name=name,
        )
        for name in OPERATIONS
    ),
    path("user-task-runs/<guid:pk>/explain/", RunViewSet.as_view({"get": "explain"}), name="explain"),
    path("user-task-runs/<guid:pk>/outcome/", RunViewSet.as_view({"get": "outcome"}), name="outcome"),
    path("user-task-runs/<guid:pk>/events/", EventViewSet.as_view({"get": "list"}), name="events"),
    path(
        "user-task-runs/<guid:pk>/comments/",
        CommentViewSet.as_view({"get": "list", "post": "create"}),
        name="comments",
    ),
    path(
        "user-task-runs/<guid:pk>/comments/<int:number>/",
        CommentViewSet.as_view({"patch": "partial_update", "delete": "destroy"}),
        name="comment",
    ),
    path("events/", FeedViewSet.as_view({"get": "read"}), name="feed"),
    path("webhook-endpoints/", EndpointViewSet.as_view({"get": "list", "post": "create"}), name="webhook-endpoints"),
    path(
        "webhook-endpoints/<guid:pk>/",
        EndpointViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook-endpoint",
    ),
    path(
        "webhook-endpoints/<guid:pk>/deliveries/", DeliveryViewSet.as_view({"get": "list"}), name="webhook-deliveries"
    ),
    path(
        "webhook-endpoints/<guid:pk>/deliveries/<int:number>/redeliver/",
        DeliveryViewSet.as_view({"post": "redeliver"}),
        name="redeliver",
    ),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(url_name="api:schema"), name="docs"),
    re_path("", no_such_path),
]

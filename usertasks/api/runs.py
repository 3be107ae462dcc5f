"""`user-task-runs/`: create, search, read runs, and every operation on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils import timezone
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from .. import operations, snoozes
from ..content import event_content, outcome_content
from ..filters import Search
from ..filterset import UserTaskRunFilterSet
from ..models import UserTaskRun
from ..outcomes import find_outcome
from ..rules import explain
from . import feed_shapes, serializers
from . import representations as tell
from .pagination import KeysetPagination, SearchPagination, filters_of
from .views import View
from .waiting import room

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description='The `ETag` that was seen, such as `"3"`; else 412 `stale`.',
)

type Method = Callable[[RunViewSet, Request, str], Response]


def _operation(summary: str, shape: type[Any], description: str = "") -> Callable[[Method], Method]:
    return extend_schema(
        summary=summary,
        description=description,
        request=shape,
        parameters=[IF_MATCH],
        responses=serializers.RunDetail,
    )


class RunViewSet(View):
    subject = "run"
    queryset = UserTaskRun.objects.all()
    serializer_class = serializers.RunDetail
    filterset_class = UserTaskRunFilterSet

    @property
    def filter_backends(self) -> tuple[type[Any], ...]:  # type: ignore[override]
        """The description of the search names its filters; `Search` applies them."""
        return (DjangoFilterBackend,) if self.action in ("list", "count") else ()

    @property
    def pagination_class(self) -> type[Any]:  # type: ignore[override]
        return SearchPagination

    @extend_schema(summary="Search runs", responses=serializers.Run(many=True))
    def list(self, request: Request) -> Response:
        pages: SearchPagination = self.paginator  # type: ignore[assignment]
        limit = pages.read(request)
        search = Search(filters_of(request), by=self.actor, texts=("results", "actions"))
        rows = pages.paginate_search(search, limit)
        return self.get_paginated_response([tell.run_row(row, self.actor) for row in rows])

    @extend_schema(
        summary="Count runs",
        description="How many a search with these filters finds, on all of its pages.",
        filters=True,
        responses=serializers.Count,
    )
    def count(self, request: Request) -> Response:
        return Response({"count": Search(request.query_params, by=self.actor).count()})

    @extend_schema(
        summary="Create a run",
        description="201: created; 200: this very request, with the id that it brings, has created it before.",
        request=serializers.RunCreation,
        responses={200: serializers.RunDetail, 201: serializers.RunDetail},
    )
    def create(self, request: Request) -> Response:
        serializer = serializers.RunCreation(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = operations.create(serializer.to_request(), by=self.actor)
        assert made.run is not None
        return self._told(made.run, status=201 if made.is_new else 200)

    @extend_schema(summary="One run", responses=serializers.RunDetail)
    def retrieve(self, request: Request, pk: str) -> Response:
        return self._told(self.visible_run())

    @_operation("Claim", serializers.Nothing, "Make it mine.")
    def claim(self, request: Request, pk: str) -> Response:
        return self._do(operations.claim, serializers.Nothing)

    @extend_schema(
        summary="Claim the next one",
        description="The most urgent run that waits in a group of the caller, or in this one: the highest priority, "
        "and among equals what is due soonest. What the caller has snoozed, or is excluded from, is left out. However "
        "many ask at once, no run is given twice. 204: nothing waits.",
        request=serializers.NextClaim,
        responses={200: serializers.RunDetail, 204: None},
    )
    def claim_next(self, request: Request) -> Response:
        run = operations.claim_next(by=self.actor, **self.body(serializers.NextClaim))
        return self._told(run) if run else Response(status=204)

    @_operation("Release", serializers.Nothing, "Put it back to its group.")
    def release(self, request: Request, pk: str) -> Response:
        return self._do(operations.release, serializers.Nothing)

    @_operation("Assign", serializers.Assignment, "Overwrites both user and group; what is not given is unset.")
    def assign(self, request: Request, pk: str) -> Response:
        return self._do(operations.assign, serializers.Assignment)

    @_operation("Save progress", serializers.Saving, "Replaces the results; required ones may be missing.")
    def save_progress(self, request: Request, pk: str) -> Response:
        return self._do(operations.save_progress, serializers.Saving)

    @_operation("Complete", serializers.Completion, "Lays the results over the saved ones and finishes the run.")
    def complete(self, request: Request, pk: str) -> Response:
        return self._do(operations.complete, serializers.Completion)

    @_operation("Cancel", serializers.Nothing, "Ends the run without an answer.")
    def cancel(self, request: Request, pk: str) -> Response:
        return self._do(operations.cancel, serializers.Nothing)

    @extend_schema(
        summary="Snooze",
        description="Put it off for the caller alone: nobody else notices, and the run stays as it is.",
        request=serializers.Snoozing,
        responses=serializers.RunDetail,
    )
    def snooze(self, request: Request, pk: str) -> Response:
        snoozes.snooze(UUID(pk), by=self.actor, now=timezone.now(), **self.body(serializers.Snoozing))
        return self._told(self.visible_run())

    @extend_schema(
        summary="Wake up",
        description="Take it back among one's own; nothing changes where it was not snoozed.",
        request=serializers.Nothing,
        responses=serializers.RunDetail,
    )
    def wake(self, request: Request, pk: str) -> Response:
        self.body(serializers.Nothing)
        snoozes.wake(UUID(pk), by=self.actor)
        return self._told(self.visible_run())

    @extend_schema(
        summary="Explain who may do what",
        parameters=[OpenApiParameter("user_id", str, description="About whom; default: the caller.")],
        responses=serializers.Explanation,
    )
    def explain(self, request: Request, pk: str) -> Response:
        user_id = self.parameters("user_id").get("user_id")
        return Response(tell.explanation(explain(self.visible_run(), user_id=user_id, by=self.actor)))

    @extend_schema(
        summary="Wait for the outcome",
        parameters=[feed_shapes.WAIT, feed_shapes.LATER],
        responses={200: feed_shapes.Outcome, 202: feed_shapes.Outcome},
    )
    def outcome(self, request: Request, pk: str) -> Response:
        seconds = feed_shapes.seconds_of(self.parameters("wait"))
        told = room.wait(
            request,
            self.actor,
            lambda by: find_outcome(UUID(pk), by=by),
            lambda outcome: outcome.is_final,
            seconds=seconds,
        )
        status, headers = (200, None) if told.is_final else (202, feed_shapes.RETRY_AFTER)
        return Response(outcome_content(told), status=status, headers=headers)

    def _do(self, operation: Callable[..., UserTaskRun], shape: type[Any]) -> Response:
        run = operation(UUID(self.kwargs["pk"]), by=self.actor, expected=self.expected, **self.body(shape))
        return self._told(run)

    def _told(self, run: UserTaskRun, status: int = 200) -> Response:
        return Response(tell.run_detail(run, self.actor), status=status, headers={"ETag": f'"{run.version}"'})


class EventViewSet(View):
    subject = "event"
    serializer_class = serializers.Event
    pagination_class = KeysetPagination
    keyset = ("number",)

    @extend_schema(summary="The history of a run", responses=serializers.Event(many=True))
    def list(self, request: Request, pk: str) -> Response:
        self.parameters("limit", "cursor")
        page = self.paginate_queryset(self.visible_run().events.all())
        return self.get_paginated_response([event_content(row) for row in page or ()])


class CommentViewSet(View):
    subject = "comment"
    serializer_class = serializers.Comment
    pagination_class = KeysetPagination
    keyset = ("number",)

    @extend_schema(summary="The comments on a run", responses=serializers.Comment(many=True))
    def list(self, request: Request, pk: str) -> Response:
        self.parameters("limit", "cursor")
        page = self.paginate_queryset(self.visible_run().comments.all())
        return self.get_paginated_response([tell.comment(row) for row in page or ()])

    @extend_schema(
        summary="Add a comment",
        request=serializers.CommentRequest,
        parameters=[IF_MATCH],
        responses={201: serializers.Comment},
    )
    def create(self, request: Request, pk: str) -> Response:
        words = operations.add_comment(
            UUID(pk), by=self.actor, expected=self.expected, **self.body(serializers.CommentRequest)
        )
        return Response(tell.comment(words), status=201)

    @extend_schema(
        summary="Edit a comment",
        request=serializers.CommentRequest,
        parameters=[IF_MATCH],
        responses=serializers.Comment,
    )
    def partial_update(self, request: Request, pk: str, number: int) -> Response:
        words = operations.edit_comment(
            UUID(pk), number, by=self.actor, expected=self.expected, **self.body(serializers.CommentRequest)
        )
        return Response(tell.comment(words))

    @extend_schema(summary="Delete a comment", parameters=[IF_MATCH], responses={204: None})
    def destroy(self, request: Request, pk: str, number: int) -> Response:
        operations.delete_comment(UUID(pk), number, by=self.actor, expected=self.expected)
        return Response(status=204)

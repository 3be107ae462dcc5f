"""`events/`: the change feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from .. import feed
from ..actors import Actor
from ..content import event_content
from ..models import UserTaskEvent
from . import feed_shapes as shapes
from .views import View
from .waiting import room


@dataclass
class Reader:
    """Somebody who follows the feed: each look goes on where the last one ended."""

    after: int
    limit: int

    def look(self, by: Actor) -> feed.FeedPage:
        page = feed.read(self.after, limit=self.limit, by=by, now=timezone.now())
        self.after = page.next_after
        return page


class FeedViewSet(View):
    subject = "feed"
    serializer_class = shapes.FeedPage

    @extend_schema(
        summary="Follow what happens",
        parameters=[shapes.AFTER, shapes.LIMIT, shapes.WAIT],
        responses=shapes.FeedPage,
    )
    def read(self, request: Request) -> Response:
        given = self.parameters("after", "limit", "wait")
        reader = Reader(shapes.after_of(given), shapes.limit_of(given))
        page = room.wait(
            request, self.actor, reader.look, lambda page: bool(page.events), seconds=shapes.seconds_of(given)
        )
        told = {"results": [feed_event(event) for event in page.events], "next_after": page.next_after}
        return Response(told, headers=None if page.events else shapes.RETRY_AFTER)


def feed_event(event: UserTaskEvent) -> dict[str, Any]:
    """An event as it stands in the feed."""
    run = {"run_id": event.run_id.hex, "wf_run_id": event.run.wf_run_id}
    return {"position": event.position, **run, **event_content(event)}

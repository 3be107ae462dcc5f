"""What stands for the parts of an address: ids of what there is in a world."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType

from tests.queries.world import World, the
from usertasks.models import ApiToken, Delivery, SavedFilter, Substitution, UserTaskRun

OF_THE_ADMIN = re.compile(r"admin/(\w+)/(\w+)/<path:object_id>")


def places_of(pattern: str, world: World, by: str = "mel") -> Mapping[str, Any]:
    """The parts of an address as this person asks for it."""
    run_id = world.endpoint.id.hex if "webhook-endpoints/" in pattern else world.run.id.hex
    own = {"user_id": by}
    return {
        "pk": world.changes[by].id.hex if "bulk/" in pattern else _pk(pattern, world, run_id),
        "run_id": world.run.id.hex,
        "change_id": world.changes[by].id if by in world.changes else "",
        "upload_id": world.upload.hex,
        "substitution_id": Substitution.objects.filter(**own).values_list("pk", flat=True).first() or 1,
        "token_id": ApiToken.objects.filter(user__username=by).values_list("pk", flat=True).first() or 1,
        "filter_id": SavedFilter.objects.filter(**own).values_list("pk", flat=True).first() or 1,
        "object_id": _object_id(pattern, world),
        "content_type_id": ContentType.objects.get_for_model(UserTaskRun).pk,
        "number": Delivery.objects.filter(endpoint=world.endpoint)[0].pk if "redeliver" in pattern else 1,
        "position": world.size,  # the first file
        "name": "question",
        "version": 0,
        "form": "csv",
        "id": world.mel.pk,
        "language": "de",
        "digest": "0",
    }


def _pk(pattern: str, world: World, run_id: str) -> Any:
    return world.run.definition_id if "<int:pk>" in pattern else run_id


def _object_id(pattern: str, world: World) -> Any:
    """Of the kind that the admin shows there."""
    named = OF_THE_ADMIN.match(pattern)
    return the(apps.get_model(named[1], named[2])).pk if named else world.run.pk

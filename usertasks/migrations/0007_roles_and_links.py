"""The roles are made, tokens that were there stay good for everything, and events that were there get their links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import migrations

from usertasks import chain, roles
from usertasks.actors import EVERY_SCOPE

BATCH = 1000


def make_roles(apps: Any, schema_editor: Any) -> None:
    roles.create_roles(apps)


def keep_tokens(apps: Any, schema_editor: Any) -> None:
    tokens = apps.get_model("usertasks", "ApiToken").objects.select_related("user")
    for token in tokens:
        token.scopes, token.made_by = sorted(EVERY_SCOPE), token.user.username
        token.save(update_fields=["scopes", "made_by"])


def link(apps: Any, schema_editor: Any) -> None:
    """First within each run, then within the feed."""
    events = apps.get_model("usertasks", "UserTaskEvent").objects
    for batch in _batches(_linked(events.order_by("run_id", "number"))):
        events.bulk_update(batch, ["link"])
    head, _is_new = apps.get_model("usertasks", "FeedHead").objects.get_or_create(pk=1)
    published = events.filter(position__isnull=False).order_by("position")
    for batch in _batches(_linked_in_the_feed(published)):
        events.bulk_update(batch, ["feed_link"])
        head.link = batch[-1].feed_link
    head.save(update_fields=["link"])


def _linked(events: Any) -> Iterator[Any]:
    run_id, previous = None, chain.BEGINNING
    for event in events.iterator(chunk_size=BATCH):
        if event.run_id != run_id:
            run_id, previous = event.run_id, chain.BEGINNING
        event.link = previous = chain.link_of_event(event, previous)
        yield event


def _linked_in_the_feed(events: Any) -> Iterator[Any]:
    previous = chain.BEGINNING
    for event in events.iterator(chunk_size=BATCH):
        event.feed_link = previous = chain.link_of_position(event.position, event.link, previous)
        yield event


def _batches(events: Iterator[Any]) -> Iterator[list[Any]]:
    batch = []
    for event in events:
        batch.append(event)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0006_the_right_people"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
        migrations.RunPython(keep_tokens, migrations.RunPython.noop),
        migrations.RunPython(link, migrations.RunPython.noop),
    ]

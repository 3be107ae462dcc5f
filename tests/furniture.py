"""What a database has in it when it was just migrated, put back behind a test that had transactions of its own.

Such a test empties every table. Django would then look at the permissions of every model anew, and we at the roles:
statement by statement, that takes longer than most of these tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_migrate

type Furniture = Sequence[Sequence[Model]]
"""The rows of one model after the other."""


def furniture() -> Furniture:
    """What is in the database now."""
    rows = (list(model._base_manager.all()) for model in apps.get_models(include_auto_created=True))
    return [found for found in rows if found]


@contextmanager
def put_back_when_emptied(found: Furniture) -> Iterator[None]:
    """Until the end of the block, nothing but this is done when the tables were emptied."""

    def put_back(**kwargs: Any) -> None:
        with transaction.atomic():  # who refers to whom is looked at when it ends
            for rows in found:
                type(rows[0])._base_manager.bulk_create(rows)

    receivers, post_migrate.receivers = post_migrate.receivers, []
    post_migrate.connect(put_back, sender=apps.get_app_config("usertasks"))
    yield
    post_migrate.receivers = receivers

"""Bulk changes: what one bulk operation did, so that it can be shown and taken back."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Value

from .. import json_text
from .runs import MAX_ID


class BulkChange(models.Model):
    """`items`: for each run that changed its id, its `version` afterwards, the `user_id` and `user_group` it had.

    `results`, where a page asked for it: for each run its id and its outcome, one of `bulk_outcomes.Outcome`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    actor = models.CharField(max_length=MAX_ID)
    action = models.CharField(max_length=20)
    arguments = models.JSONField(decoder=json_text.Decoder, default=dict, db_default=Value({}, models.JSONField()))
    """What the action was told beside the run, such as to whom it is to go."""
    created_at = models.DateTimeField(auto_now_add=True)
    items = models.JSONField(decoder=json_text.Decoder, default=list)
    results = models.JSONField(decoder=json_text.Decoder, default=list, db_default=Value([], models.JSONField()))
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="undone_by")
    """The change that this one took back."""

    class Meta:
        verbose_name = "bulk change"

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"

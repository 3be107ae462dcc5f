"""Bulk changes: what one bulk operation did, so that it can be taken back."""

from __future__ import annotations

import uuid

from django.db import models

from .. import json_text
from .runs import MAX_ID


class BulkChange(models.Model):
    """`items`: for each run that changed its id, its `version` afterwards, the `user_id` and `user_group` it had."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    actor = models.CharField(max_length=MAX_ID)
    action = models.CharField(max_length=20)
    created_at = models.DateTimeField(auto_now_add=True)
    items = models.JSONField(decoder=json_text.Decoder, default=list)

    class Meta:
        verbose_name = "bulk change"

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"

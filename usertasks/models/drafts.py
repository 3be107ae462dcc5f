"""Drafts: what one person has typed into the form of one run and not saved, and the files they chose.

A draft belongs to whoever typed it and to nobody else, whatever becomes of the run and of who may see it.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.db import models

from .definitions import MAX_NAME
from .runs import MAX_ID, UserTaskRun

MAX_PAGE = 32
MAX_FILE_NAME = 150

Inputs = dict[str, list[str]]
"""Name of an input → its values, as a browser sends them."""


def as_text(inputs: Any) -> str:
    """Inputs as they are stored: in text, because JSON in PostgreSQL takes no NUL and a person may paste one."""
    return json.dumps(inputs, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class DraftQuerySet(models.QuerySet["Draft"]):
    def of(self, run_id: uuid.UUID, user_id: str) -> DraftQuerySet:
        """The one draft that this person may have of that run."""
        return self.filter(run_id=run_id, user_id=user_id)


class Draft(models.Model):
    """`text` is what was typed last; it is empty once all of it was saved or thrown away.

    `page` names the open page that wrote it last, `settled_page` the one from which it was saved or thrown away:
    what that page sent before and arrives after is not news. `snapshot_at` is the time of the newest earlier state.
    """

    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="drafts", db_index=False)
    user_id = models.CharField(max_length=MAX_ID)
    text = models.TextField(blank=True, default="")
    run_version = models.PositiveIntegerField(null=True)
    page = models.CharField(max_length=MAX_PAGE, blank=True, default="")
    settled_page = models.CharField(max_length=MAX_PAGE, blank=True, default="")
    saved_at = models.DateTimeField()
    snapshot_at = models.DateTimeField()

    objects = DraftQuerySet.as_manager()

    class Meta:
        verbose_name = "draft"
        constraints = [models.UniqueConstraint(fields=["run", "user_id"], name="draft_once_for_each_person")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.run_id}"

    @property
    def inputs(self) -> Inputs:
        return json.loads(self.text) if self.text else {}


class DraftState(models.Model):
    """What a draft was at an earlier time."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="states")
    text = models.TextField()
    run_version = models.PositiveIntegerField(null=True)
    saved_at = models.DateTimeField()

    class Meta:
        verbose_name = "earlier state of a draft"
        ordering = ["-saved_at", "-id"]

    def __str__(self) -> str:
        return f"{self.draft_id} at {self.saved_at}"

    @property
    def inputs(self) -> Inputs:
        return json.loads(self.text) if self.text else {}


def path_of_content(upload: Upload, name: str) -> str:
    """Where content lies in the storage: nothing that somebody named decides about a path."""
    return f"uploads/{upload.id.hex[:2]}/{upload.id.hex}"


class Upload(models.Model):
    """A file that somebody chose for a field. Once it is an answer its content is in the results of the run, and
    what is left here is the name that it had; until then the content lies in the storage."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="uploads")
    user_id = models.CharField(max_length=MAX_ID)
    field = models.CharField(max_length=MAX_NAME)
    name = models.CharField(max_length=MAX_FILE_NAME)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.FileField(upload_to=path_of_content, blank=True, max_length=100)
    is_answer = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "file"
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["user_id"], condition=models.Q(is_answer=False), name="upload_kept_by"),
        ]

    def __str__(self) -> str:
        return self.name

"""Comments: what people say to each other about a run."""

from __future__ import annotations

from django.db import models

from .runs import MAX_ID, UserTaskRun


class UserTaskComment(models.Model):
    """`number` counts within the run. A deleted comment keeps its number and its author, and loses its words."""

    run = models.ForeignKey(UserTaskRun, on_delete=models.CASCADE, related_name="comments", db_index=False)
    number = models.PositiveIntegerField()
    user_id = models.CharField(max_length=MAX_ID)
    comment = models.TextField()
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted = models.BooleanField(default=False)

    class Meta:
        verbose_name = "comment"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="comment_number_once")]

    def __str__(self) -> str:
        return f"{self.number} by {self.user_id}"

"""What people arrange for themselves, and the orders and words by which they look for work."""

from datetime import UTC, datetime
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Now

DUE_OR_NEVER = Coalesce("due_at", Value(datetime(9999, 12, 31, tzinfo=UTC), models.DateTimeField()))
URGENCY = -1 * F("priority")
OPEN = models.Q(status__in=["UNASSIGNED", "ASSIGNED"])

# A row whose words are too many for a tsvector (1 MiB) could not be saved at all, so only the first ones count.
INDEX_WORDS = """
    CREATE INDEX run_words ON usertasks_usertaskrun USING gin ((
        to_tsvector('simple', user_task_def_name || ' ' || left(notes, 25000)) ||
        CASE WHEN octet_length(results::text) <= 200000
        THEN jsonb_to_tsvector('simple', results, '["string", "numeric"]')
        ELSE to_tsvector('simple', left(results::text, 50000)) END
    ))
"""


def index_words(apps: Any, schema_editor: Any) -> None:
    """SQLite has no such index, and looks for the letters."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(INDEX_WORDS)


def forget_words(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX run_words")


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0008_waiting_files"),
    ]

    operations = [
        migrations.CreateModel(
            name="Preferences",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.CharField(max_length=255, unique=True, verbose_name="user")),
                ("language", models.CharField(blank=True, default="", max_length=10)),
                ("time_zone", models.CharField(blank=True, default="", max_length=60)),
                ("has_shortcuts", models.BooleanField(db_default=True, default=True)),
                ("changed_at", models.DateTimeField(auto_now=True, db_default=Now())),
            ],
            options={
                "verbose_name": "preferences",
                "verbose_name_plural": "preferences",
            },
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.CharField(max_length=255, verbose_name="user")),
                ("user_group", models.CharField(blank=True, max_length=255, null=True, verbose_name="shared with")),
                ("name", models.CharField(max_length=60)),
                ("box", models.CharField(max_length=20)),
                ("query", models.CharField(max_length=2000)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "saved filter",
                "ordering": ["name", "id"],
            },
        ),
        migrations.CreateModel(
            name="Snooze",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.CharField(max_length=255, verbose_name="user")),
                ("until", models.DateTimeField()),
            ],
            options={
                "verbose_name": "snooze",
            },
        ),
        migrations.RemoveIndex(model_name="usertaskrun", name="run_due_open"),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(F("completed_at").desc(), condition=models.Q(status="DONE"), name="run_completed"),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(
                F("user_id"), DUE_OR_NEVER, F("id"), condition=models.Q(status="ASSIGNED"), name="run_mine_due"
            ),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(
                F("user_group"), DUE_OR_NEVER, F("id"), condition=models.Q(status="UNASSIGNED"), name="run_waiting_due"
            ),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(
                F("user_group"), DUE_OR_NEVER, F("id"), condition=models.Q(status="ASSIGNED"), name="run_ours_due"
            ),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(
                F("user_id"),
                URGENCY,
                DUE_OR_NEVER,
                F("id"),
                condition=models.Q(status="ASSIGNED"),
                name="run_mine_urgent",
            ),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(
                F("user_group"),
                URGENCY,
                DUE_OR_NEVER,
                F("id"),
                condition=models.Q(status="UNASSIGNED"),
                name="run_waiting_urgent",
            ),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(
                F("user_group"),
                URGENCY,
                DUE_OR_NEVER,
                F("id"),
                condition=models.Q(status="ASSIGNED"),
                name="run_ours_urgent",
            ),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(DUE_OR_NEVER, F("id"), condition=OPEN, name="run_open_due"),
        ),
        migrations.AddIndex(
            model_name="usertaskrun",
            index=models.Index(URGENCY, DUE_OR_NEVER, F("id"), condition=OPEN, name="run_open_urgent"),
        ),
        migrations.AddIndex(
            model_name="savedfilter",
            index=models.Index(
                condition=models.Q(user_group__isnull=False), fields=["user_group"], name="saved_filter_shared"
            ),
        ),
        migrations.AddConstraint(
            model_name="savedfilter",
            constraint=models.UniqueConstraint(fields=("user_id", "name"), name="saved_filter_once_for_each_name"),
        ),
        migrations.AddConstraint(
            model_name="savedfilter",
            constraint=models.CheckConstraint(
                condition=models.Q(user_group__isnull=True) | ~models.Q(user_group=""),
                name="saved_filter_group_not_blank",
            ),
        ),
        migrations.AddField(
            model_name="snooze",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="snoozes", to="usertasks.usertaskrun"
            ),
        ),
        migrations.AddIndex(
            model_name="snooze",
            index=models.Index(fields=["user_id", "until"], name="snooze_user_until"),
        ),
        migrations.AddConstraint(
            model_name="snooze",
            constraint=models.UniqueConstraint(fields=("user_id", "run"), name="snooze_once_for_each_person"),
        ),
        migrations.RunPython(index_words, forget_words),
    ]

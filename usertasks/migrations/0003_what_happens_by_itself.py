"""Timers, the change feed, webhooks and mails.

SQLite rebuilds the tables that get a column, and drops their triggers: they are taken off before and put back after.
"""

from importlib import import_module

import django.db.models.deletion
import usertasks.json_text
import usertasks.models.webhooks
import uuid
from django.conf import settings
from django.db import migrations, models


frozen = import_module("usertasks.migrations.0002_what_never_changes")


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0002_what_never_changes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(frozen.thaw, frozen.freeze),
        migrations.CreateModel(
            name="ArmedHook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "hook",
                    models.CharField(
                        choices=[("ON_ARRIVAL", "On arrival"), ("ON_TASK_ASSIGNED", "When assigned")], max_length=20
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[("task", "Run a task"), ("reassign", "Reassign"), ("cancel", "Cancel")], max_length=10
                    ),
                ),
                ("arguments", models.JSONField(decoder=usertasks.json_text.Decoder, default=dict)),
                ("delay_seconds", models.PositiveIntegerField()),
                ("epoch", models.PositiveIntegerField()),
                ("due_at", models.DateTimeField(verbose_name="due")),
                (
                    "state",
                    models.CharField(
                        choices=[("armed", "Armed"), ("fired", "Fired"), ("lapsed", "Lapsed")],
                        default="armed",
                        max_length=10,
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("ended", "the task had ended"),
                            ("reassigned", "the task had changed hands"),
                            ("not_assigned", "nobody had the task"),
                            ("too_many", "the task had armed too many timers"),
                        ],
                        default="",
                        max_length=20,
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "timer",
                "ordering": ["due_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("delivered", "Delivered"), ("dead", "Given up")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
                ("log", models.JSONField(decoder=usertasks.json_text.Decoder, default=list)),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="FeedHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("assigned", "A task is assigned to me"),
                            ("group", "A task arrives in one of my groups"),
                            ("reminder", "A reminder of a task"),
                            ("comment", "Somebody comments on my task"),
                            ("endpoint", "A webhook endpoint was switched off"),
                        ],
                        max_length=10,
                    ),
                ),
                ("occasion", models.CharField(max_length=100)),
                ("content", models.JSONField(decoder=usertasks.json_text.Decoder, default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("sent", "Sent"),
                            ("uncertain", "Perhaps sent"),
                            ("skipped", "No longer needed"),
                            ("dead", "Given up"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("is_handed_over", models.BooleanField(default=False)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "mail",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="MailChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("assigned", models.BooleanField(default=True, verbose_name="A task is assigned to me")),
                ("group", models.BooleanField(default=False, verbose_name="A task arrives in one of my groups")),
                ("reminder", models.BooleanField(default=True, verbose_name="A reminder of a task")),
                ("comment", models.BooleanField(default=True, verbose_name="Somebody comments on my task")),
            ],
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("url", models.CharField(max_length=2000, verbose_name="URL")),
                (
                    "secret",
                    models.CharField(default=usertasks.models.webhooks.new_secret, editable=False, max_length=100),
                ),
                ("event_types", models.JSONField(blank=True, decoder=usertasks.json_text.Decoder, default=list)),
                ("description", models.TextField(blank=True, default="")),
                ("active", models.BooleanField(default=True)),
                (
                    "switched_off",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("by_hand", "switched off by hand"),
                            ("gone", "it answered 410 Gone"),
                            ("dead", "it has not taken anything for days"),
                            ("owner", "whoever made it may no longer see every run"),
                        ],
                        default="",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "webhook endpoint",
                "ordering": ["created_at", "id"],
            },
        ),
        migrations.AddField(
            model_name="usertaskdef",
            name="actions",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                decoder=usertasks.json_text.Decoder,
                default=list,
            ),
        ),
        migrations.AddField(
            model_name="usertaskevent",
            name="position",
            field=models.BigIntegerField(blank=True, editable=False, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="usertaskrun",
            name="actions",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                decoder=usertasks.json_text.Decoder,
                default=list,
            ),
        ),
        migrations.AlterField(
            model_name="usertaskevent",
            name="type",
            field=models.CharField(
                choices=[
                    ("created", "Created"),
                    ("assigned", "Assigned"),
                    ("saved", "Saved"),
                    ("completed", "Completed"),
                    ("cancelled", "Cancelled"),
                    ("task_executed", "Task Executed"),
                    ("comment_added", "Comment Added"),
                    ("comment_edited", "Comment Edited"),
                    ("comment_deleted", "Comment Deleted"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddIndex(
            model_name="usertaskevent",
            index=models.Index(condition=models.Q(("position__isnull", True)), fields=["id"], name="event_unpublished"),
        ),
        migrations.AddField(
            model_name="armedhook",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="armed_hooks", to="usertasks.usertaskrun"
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="event",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="usertasks.usertaskevent"
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="usertasks.usertaskrun",
            ),
        ),
        migrations.AddField(
            model_name="mail",
            name="run",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="usertasks.usertaskrun"
            ),
        ),
        migrations.AddField(
            model_name="mail",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="mailchoice",
            name="user",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="mail_choice", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="webhookendpoint",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="webhook_endpoints",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="endpoint",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="usertasks.webhookendpoint",
            ),
        ),
        migrations.AddIndex(
            model_name="armedhook",
            index=models.Index(
                condition=models.Q(("state", "armed")), fields=["next_attempt_at", "id"], name="hook_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="armedhook",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["armed", "fired", "lapsed"])), name="hook_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="armedhook",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["task", "reassign", "cancel"])), name="hook_action_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="armedhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_at__isnull", True), ("state", "armed")),
                    models.Q(models.Q(("state", "armed"), _negated=True), ("settled_at__isnull", False)),
                    _connector="OR",
                ),
                name="hook_settled_at_when_settled",
            ),
        ),
        migrations.AddConstraint(
            model_name="armedhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "lapsed"), models.Q(("reason", ""), _negated=True)),
                    models.Q(models.Q(("state", "lapsed"), _negated=True), ("reason", "")),
                    _connector="OR",
                ),
                name="hook_reason_when_lapsed",
            ),
        ),
        migrations.AddIndex(
            model_name="mail",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["next_attempt_at", "id"], name="mail_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="mail",
            constraint=models.UniqueConstraint(fields=("user", "occasion"), name="mail_once_for_each_occasion"),
        ),
        migrations.AddConstraint(
            model_name="mail",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "sent", "uncertain", "skipped", "dead"])),
                name="mail_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(condition=models.Q(("url", ""), _negated=True), name="endpoint_has_url"),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("active", True), ("switched_off", "")),
                    models.Q(("active", False), models.Q(("switched_off", ""), _negated=True)),
                    _connector="OR",
                ),
                name="endpoint_switched_off_for_a_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["endpoint", "next_attempt_at", "position"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["run", "endpoint", "position"],
                name="delivery_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("endpoint"), models.OrderBy(models.F("position"), descending=True), name="delivery_newest"
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(fields=("endpoint", "position"), name="delivery_once_for_each_endpoint"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "delivered", "dead"])), name="delivery_state_known"
            ),
        ),
        migrations.RunPython(frozen.freeze, frozen.thaw),
    ]

"""Who leads and who stands in, tokens with a purpose, and an audit that tells of tampering.

Ended runs still never change, with one exception that says so itself: what is made anonymous gets a new `anonymised_at`.
"""

from importlib import import_module
from typing import Any

from django.db import migrations, models

frozen = import_module("usertasks.migrations.0002_what_never_changes")

RUNS = "usertasks_usertaskrun"
ENDED = {
    "postgresql": "OLD.status IN ('DONE', 'CANCELLED') AND NOT (NEW.anonymised_at IS NOT NULL"
    " AND NEW.anonymised_at IS DISTINCT FROM OLD.anonymised_at AND NEW.status = OLD.status)",
    "sqlite": "OLD.status IN ('DONE', 'CANCELLED') AND NOT (NEW.anonymised_at IS NOT NULL"
    " AND NEW.anonymised_at IS NOT OLD.anonymised_at AND NEW.status = OLD.status)",
}
"""Which runs may no longer be updated."""


def freeze(apps: Any, schema_editor: Any) -> None:
    frozen.freeze(apps, schema_editor)
    vendor = schema_editor.connection.vendor
    on = f" ON {RUNS}" if vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER {RUNS}_frozen{on}")
    schema_editor.execute(frozen._trigger(vendor, RUNS, ENDED[vendor]))


class Migration(migrations.Migration):
    dependencies = [("usertasks", "0005_drafts")]

    operations = [
        migrations.RunPython(frozen.thaw, frozen.freeze),
        migrations.CreateModel(
            name="PurgedEvent",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("link", models.CharField(max_length=32)),
                ("feed_link", models.CharField(max_length=32)),
                ("seal", models.CharField(max_length=32)),
            ],
            options={
                "verbose_name": "deleted event",
            },
        ),
        migrations.AlterModelOptions(
            name="usertaskrun",
            options={
                "permissions": [
                    ("assign_usertaskrun", "Can assign runs"),
                    ("cancel_usertaskrun", "Can cancel runs"),
                    ("override_claim", "Can release, save and complete what others have"),
                    ("act_on_behalf", "Can act for another user"),
                    ("lead_usertaskrun", "Can assign and cancel runs of the groups that they lead"),
                ],
                "verbose_name": "run",
            },
        ),
        migrations.AddField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="expires"),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="hint",
            field=models.CharField(
                blank=True, default="", db_default="", editable=False, max_length=7, verbose_name="begins with"
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="last_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used"),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="made_by",
            field=models.CharField(
                blank=True, default="", db_default="", editable=False, max_length=150, verbose_name="made by"
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="name",
            field=models.CharField(blank=True, default="", db_default="", max_length=100),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="revoked_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked"),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="feedhead",
            name="link",
            field=models.CharField(blank=True, default="", db_default="", max_length=32),
        ),
        migrations.AddField(
            model_name="feedhead",
            name="refusal_link",
            field=models.CharField(blank=True, default="", db_default="", max_length=32),
        ),
        migrations.AddField(
            model_name="feedhead",
            name="refusal_position",
            field=models.BigIntegerField(default=0, db_default=0),
        ),
        migrations.AddField(
            model_name="feedhead",
            name="refusals_begin_after",
            field=models.BigIntegerField(default=0, db_default=0),
        ),
        migrations.AddField(
            model_name="feedhead",
            name="refusals_begin_link",
            field=models.CharField(blank=True, default="", db_default="", max_length=32),
        ),
        migrations.AddField(
            model_name="feedhead",
            name="refusals_begin_seal",
            field=models.CharField(blank=True, default="", db_default="", max_length=32),
        ),
        migrations.AddField(
            model_name="usertaskevent",
            name="address",
            field=models.GenericIPAddressField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="usertaskevent",
            name="door",
            field=models.CharField(blank=True, default="", db_default="", max_length=10),
        ),
        migrations.AddField(
            model_name="usertaskevent",
            name="feed_link",
            field=models.CharField(blank=True, default="", db_default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="usertaskevent",
            name="link",
            field=models.CharField(blank=True, default="", db_default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="usertaskevent",
            name="redaction",
            field=models.CharField(blank=True, default="", db_default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="usertaskrun",
            name="anonymised_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="made anonymous"),
        ),
        migrations.AddField(
            model_name="usertaskrun",
            name="excluded_user_ids",
            field=models.JSONField(
                blank=True, db_default=models.Value([], models.JSONField()), default=list, verbose_name="excluded"
            ),
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="created_at",
            field=models.DateTimeField(auto_now_add=True, verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="armedhook",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("ended", "the task had ended"),
                    ("reassigned", "the task had changed hands"),
                    ("not_assigned", "nobody had the task"),
                    ("excluded", "the task must not go to them"),
                    ("too_many", "the task had armed too many timers"),
                ],
                default="",
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="GroupLead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.CharField(max_length=255, verbose_name="user")),
                ("user_group", models.CharField(max_length=255, verbose_name="group")),
            ],
            options={
                "verbose_name": "lead",
                "ordering": ["user_group", "user_id"],
                "constraints": [
                    models.UniqueConstraint(fields=("user_id", "user_group"), name="lead_once_for_each_group")
                ],
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("time", models.DateTimeField()),
                ("action", models.CharField(max_length=40)),
                ("code", models.CharField(max_length=20)),
                ("actor", models.CharField(max_length=255)),
                ("on_behalf_of", models.CharField(blank=True, max_length=255, null=True)),
                ("door", models.CharField(blank=True, default="", max_length=10)),
                ("address", models.GenericIPAddressField(blank=True, null=True)),
                ("run_id", models.UUIDField(blank=True, null=True, verbose_name="run")),
                ("position", models.BigIntegerField(blank=True, editable=False, null=True, unique=True)),
                ("link", models.CharField(blank=True, default="", editable=False, max_length=32)),
                ("redaction", models.CharField(blank=True, default="", editable=False, max_length=32)),
            ],
            options={
                "verbose_name": "refusal",
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["run_id"], name="refusal_run"),
                    models.Index(fields=["time"], name="refusal_time"),
                    models.Index(
                        condition=models.Q(("position__isnull", True)), fields=["id"], name="refusal_unsealed"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Substitution",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.CharField(db_index=True, max_length=255, verbose_name="user")),
                ("substitute_id", models.CharField(db_index=True, max_length=255, verbose_name="substitute")),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("named_by", models.CharField(max_length=255, verbose_name="named by")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "substitution",
                "ordering": ["-starts_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="substitution_ends_after_it_starts",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("user_id", models.F("substitute_id")), _negated=True),
                        name="substitution_by_somebody_else",
                    ),
                ],
            },
        ),
        migrations.RunPython(freeze, frozen.thaw),
    ]

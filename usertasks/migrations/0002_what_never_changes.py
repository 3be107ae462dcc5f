"""Ended runs and definitions never change: triggers hold that, whoever writes to the database.

SQLite rebuilds a table, and drops its triggers, when a later migration alters it: such a migration calls `freeze` again
(a test notices when it does not).
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

FROZEN = {
    "usertasks_usertaskrun": "OLD.status IN ('DONE', 'CANCELLED')",
    "usertasks_usertaskdef": "1 = 1",
    "usertasks_usertaskfield": "1 = 1",
}
"""Table → which of its rows may no longer be updated."""

MESSAGE = "this row never changes again"


def freeze(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION usertasks_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    for table, condition in FROZEN.items():
        schema_editor.execute(_trigger(schema_editor.connection.vendor, table, condition))


def thaw(apps: Any, schema_editor: Any) -> None:
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for table in FROZEN:
        schema_editor.execute(f"DROP TRIGGER {table}_frozen" + (f" ON {table}" if is_postgresql else ""))
    if is_postgresql:
        schema_editor.execute("DROP FUNCTION usertasks_refuse_update()")


def _trigger(vendor: str, table: str, condition: str) -> str:
    if vendor == "postgresql":
        return (
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({condition}) "
            "EXECUTE FUNCTION usertasks_refuse_update()"
        )
    return (
        f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    )


class Migration(migrations.Migration):
    dependencies = [("usertasks", "0001_initial")]

    operations = [migrations.RunPython(freeze, thaw)]

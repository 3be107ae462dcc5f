"""Events that are older than the feed get their places in it, in the order in which they were written."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def publish(apps: Any, schema_editor: Any) -> None:
    """Without telling anybody: no mail and no webhook is about the past."""
    schema_editor.execute(
        "UPDATE usertasks_usertaskevent SET position = ranked.place "
        "FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM usertasks_usertaskevent) AS ranked "
        "WHERE usertasks_usertaskevent.id = ranked.id"
    )
    apps.get_model("usertasks", "FeedHead").objects.create(
        pk=1, position=apps.get_model("usertasks", "UserTaskEvent").objects.count()
    )


def forget(apps: Any, schema_editor: Any) -> None:
    apps.get_model("usertasks", "FeedHead").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("usertasks", "0003_what_happens_by_itself")]

    operations = [migrations.RunPython(publish, forget)]

"""Files that wait to be saved are counted for each person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0007_roles_and_links"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="upload",
            index=models.Index(condition=models.Q(("is_answer", False)), fields=["user_id"], name="upload_kept_by"),
        ),
    ]

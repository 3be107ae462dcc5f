"""What became of each run of a bulk change, for whoever did it on a page."""

import django.db.models.deletion
from django.db import migrations, models

import usertasks.json_text


class Migration(migrations.Migration):
    dependencies = [
        ("usertasks", "0009_what_people_arrange"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkchange",
            name="arguments",
            field=models.JSONField(
                db_default=models.Value({}, models.JSONField()), decoder=usertasks.json_text.Decoder, default=dict
            ),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="results",
            field=models.JSONField(
                db_default=models.Value([], models.JSONField()), decoder=usertasks.json_text.Decoder, default=list
            ),
        ),
        migrations.AddField(
            model_name="bulkchange",
            name="undoes",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="undone_by",
                to="usertasks.bulkchange",
            ),
        ),
    ]

"""Signed marks keep what they measure."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotations", "0003_reading_stages"),
    ]

    operations = [
        migrations.AddField(
            model_name="annotation",
            name="measured",
            field=models.JSONField(null=True),
        ),
    ]

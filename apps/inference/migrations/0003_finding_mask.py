"""Where a finding is, voxel by voxel."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the mask of a finding."""

    dependencies: ClassVar = [("inference", "0002_initial")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="finding",
            name="mask",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="inference.artefact",
            ),
        ),
        migrations.AddField(
            model_name="finding",
            name="mask_meta",
            field=models.JSONField(default=dict),
        ),
    ]

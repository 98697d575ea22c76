"""Models may outline findings too."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the intended use `segmentation`."""

    dependencies: ClassVar = [("inference", "0003_finding_mask")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="modelversion",
            name="intended_use",
            field=models.CharField(
                choices=[
                    ("triage", "triage"),
                    ("detection", "detection"),
                    ("segmentation", "segmentation"),
                ],
                max_length=16,
            ),
        ),
    ]

"""The list is sorted by its index alone, by the first letters of names."""

import apps.worklist.types
from django.conf import settings
from django.db import migrations, models


# As `apps.worklist.listed.sort_text` cuts them.
SHORTEN = """
UPDATE worklist_workitem SET list_patient = left(list_patient, 40),
    list_study = left(list_study, 40), list_modality = left(list_modality, 40)
WHERE length(list_patient) > 40 OR length(list_study) > 40
    OR length(list_modality) > 40
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_temporary_passwords'),
        ('annotations', '0007_segment_interpolation'),
        ('studies', '0004_withheld_series'),
        ('worklist', '0008_covering_list_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(SHORTEN, migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name='workitem',
            name='item_list',
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('reason', apps.worklist.types.ItemReason['CLINICAL']), ('state__in', ('open', 'leased')), ('withdrawn', False)), fields=['rank_class', 'sort_at', 'arrived_at', 'id'], include=('site', 'state', 'band', 'deadline_at', 'study', 'shows_ai', 'list_modalities', 'list_body_part', 'list_words', 'list_patient', 'list_study', 'list_modality', 'ai_state', 'ai_label', 'ai_probability', 'assignee', 'lease_holder'), name='item_list'),
        ),
    ]

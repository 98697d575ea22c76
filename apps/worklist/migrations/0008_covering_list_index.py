"""The list is narrowed and counted by its index alone; so is what was read."""

import apps.worklist.types
from django.conf import settings
from django.db import migrations, models


# An entry of an index has room for so much (`apps.worklist.listed`).
SHORTEN = """
UPDATE worklist_workitem
SET list_words = left(list_words, 300), list_modalities = list_modalities[1:16]
WHERE length(list_words) > 300 OR cardinality(list_modalities) > 16
"""
# An index is read alone only where the table was vacuumed since: after some thousand
# changes, not after a fifth of a million rows.
VACUUM = """
ALTER TABLE worklist_workitem SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 2000)
"""
AS_BEFORE = """
ALTER TABLE worklist_workitem RESET (
    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
    autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_insert_threshold)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_hotkeys'),
        ('annotations', '0007_segment_interpolation'),
        ('studies', '0004_withheld_series'),
        ('worklist', '0007_arrivals_index'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(SHORTEN, migrations.RunSQL.noop),
        migrations.RunSQL(VACUUM, AS_BEFORE),
        migrations.RemoveIndex(
            model_name='workitem',
            name='item_list',
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('reason', apps.worklist.types.ItemReason['CLINICAL']), ('state__in', ('open', 'leased')), ('withdrawn', False)), fields=['rank_class', 'sort_at', 'arrived_at', 'id'], include=('site', 'state', 'band', 'deadline_at', 'study', 'shows_ai', 'list_modalities', 'list_body_part', 'list_words', 'ai_state', 'ai_label', 'ai_probability', 'assignee', 'lease_holder'), name='item_list'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('reason', apps.worklist.types.ItemReason['CLINICAL']), ('state', apps.worklist.types.ItemState['DONE']), ('withdrawn', False)), fields=['rank_class', 'sort_at', 'arrived_at', 'id'], include=('site',), name='item_done'),
        ),
    ]

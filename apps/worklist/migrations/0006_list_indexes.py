"""Every item names its study; the indexes of the list."""

import apps.worklist.types
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('worklist', '0005_fill_list_columns'),
    ]

    operations = [
        migrations.AlterField(
            model_name='workitem',
            name='study',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='studies.study'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('reason', apps.worklist.types.ItemReason['CLINICAL']), ('state__in', ('open', 'leased')), ('withdrawn', False)), fields=['rank_class', 'sort_at', 'arrived_at', 'id'], include=('site', 'band', 'deadline_at'), name='item_list'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('reason', apps.worklist.types.ItemReason['CLINICAL']), ('state__in', ('open', 'leased')), ('withdrawn', False), ('assignee__isnull', False)), fields=['assignee'], name='item_assigned'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('reason', apps.worklist.types.ItemReason['CLINICAL']), ('state__in', ('open', 'leased')), ('withdrawn', False), ('shows_ai', False)), fields=['study'], name='item_blind'),
        ),
    ]

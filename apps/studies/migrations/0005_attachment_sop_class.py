from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('studies', '0004_withheld_series'),
    ]

    operations = [
        migrations.AddField(
            model_name='attachment',
            name='sop_class_uid',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
    ]

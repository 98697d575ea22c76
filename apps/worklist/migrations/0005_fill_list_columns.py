"""Fill the list's columns of the items that are there."""

from django.db import migrations

# `lower` by the C locale's rules would leave Ö as it is; Python does the rest when
# an item is next written.
FILL = """
UPDATE worklist_workitem AS i SET
    study_id = s.id,
    shows_ai = (p.display_mode = 'concurrent'),
    list_patient = left(lower(t.name), 400),
    list_study = left(lower(s.description), 250),
    list_modality = left(lower(array_to_string(s.modalities, '/')), 200),
    list_modalities = s.modalities,
    list_body_part = s.body_part,
    list_words = lower(concat_ws(
        E'\\n', t.name, t.patient_id, s.accession_number, s.description))
FROM worklist_case c
JOIN studies_studyrevision r ON r.id = c.revision_id
JOIN studies_study s ON s.id = r.study_id
JOIN studies_patient t ON t.id = s.patient_id
JOIN annotations_readingprotocol p ON p.id = c.protocol_id
WHERE c.id = i.case_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('worklist', '0004_list_columns'),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]

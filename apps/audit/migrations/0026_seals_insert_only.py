"""Refuse UPDATE, DELETE and TRUNCATE of the seals, as of the records."""

from django.db import migrations

FORWARDS = """
CREATE TRIGGER audit_insert_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE audit_auditseal ENABLE ALWAYS TRIGGER audit_insert_only;
"""
BACKWARDS = "DROP TRIGGER audit_insert_only ON audit_auditseal;"


class Migration(migrations.Migration):
    """Adds the trigger."""

    dependencies = [("audit", "0025_seals")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]

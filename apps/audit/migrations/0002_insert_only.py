"""Refuse UPDATE, DELETE and TRUNCATE of the audit log, to its owner as well."""

from django.db import migrations

# ALWAYS: also while replaying with session_replication_role = replica. Who may
# alter the table can still drop a trigger, which is why the application's role may
# not, and why only migrations run as the owner.
FORWARDS = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is insert-only: % is refused.', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END;
$$;
CREATE TRIGGER audit_insert_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_auditrecord
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
ALTER TABLE audit_auditrecord ENABLE ALWAYS TRIGGER audit_insert_only;
"""
BACKWARDS = """
DROP TRIGGER audit_insert_only ON audit_auditrecord;
DROP FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    """Adds the trigger."""

    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]

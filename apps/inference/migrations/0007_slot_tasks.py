"""Give older slots a task, count them as settled, and let no version change."""

from django.db import migrations, models

# A slot was a model's name until now; what was active then had been taken to the list.
FILL = """
UPDATE inference_slot SET task = left(model.name, 80), settled_at = now()
FROM inference_modelversion AS model
WHERE model.id = inference_slot.model_version_id;
"""
KEEP = """
CREATE FUNCTION inference_slot_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.site_id, NEW.model_version_id, NEW.task, NEW.kind, NEW.number,
        NEW.thresholds, NEW.acuities, NEW.calibrations, NEW.routing, NEW.reason)
       IS DISTINCT FROM
       (OLD.site_id, OLD.model_version_id, OLD.task, OLD.kind, OLD.number,
        OLD.thresholds, OLD.acuities, OLD.calibrations, OLD.routing, OLD.reason)
    THEN
        RAISE EXCEPTION 'A version of a slot never changes: make another one.'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER inference_slot_immutable BEFORE UPDATE ON inference_slot
    FOR EACH ROW EXECUTE FUNCTION inference_slot_refuse_change();
"""
LOOSE = """
DROP TRIGGER inference_slot_immutable ON inference_slot;
DROP FUNCTION inference_slot_refuse_change();
"""


class Migration(migrations.Migration):
    """Fills, constrains, and adds the trigger."""

    dependencies = [("inference", "0006_slot_versions")]
    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='slot',
            index=models.Index(condition=models.Q(('settled_at__isnull', True)), fields=['site'], name='slot_unsettled'),
        ),
        migrations.AddConstraint(
            model_name='slot',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True)), fields=('site', 'task', 'kind'), name='slot_kind_once'),
        ),
        migrations.RunSQL(KEEP, LOOSE),
    ]

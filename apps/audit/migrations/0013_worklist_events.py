"""Events of assigning and of saved views."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0012_amend_and_export_events'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditrecord',
            name='event',
            field=models.CharField(choices=[('system:start', 'system:start'), ('session:login', 'session:login'), ('session:login_failed', 'session:login_failed'), ('session:locked', 'session:locked'), ('session:logout', 'session:logout'), ('permission:refused', 'permission:refused'), ('token:create', 'token:create'), ('token:revoke', 'token:revoke'), ('user:create', 'user:create'), ('user:read', 'user:read'), ('membership:grant', 'membership:grant'), ('membership:revoke', 'membership:revoke'), ('site:create', 'site:create'), ('share:grant', 'share:grant'), ('share:revoke', 'share:revoke'), ('audit:read', 'audit:read'), ('worklist:list', 'worklist:list'), ('worklist:push', 'worklist:push'), ('study:list', 'study:list'), ('study:open', 'study:open'), ('study:register', 'study:register'), ('study:quarantine', 'study:quarantine'), ('study:import', 'study:import'), ('intake:begin', 'intake:begin'), ('intake:read', 'intake:read'), ('intake:finish', 'intake:finish'), ('study:delete', 'study:delete'), ('study:return', 'study:return'), ('study:replace', 'study:replace'), ('arrival:retry', 'arrival:retry'), ('quarantine:read', 'quarantine:read'), ('quarantine:release', 'quarantine:release'), ('quarantine:keep', 'quarantine:keep'), ('quarantine:accept', 'quarantine:accept'), ('pixels:refused', 'pixels:refused'), ('ae_title:create', 'ae_title:create'), ('ae_title:delete', 'ae_title:delete'), ('item:read', 'item:read'), ('item:place', 'item:place'), ('item:lease', 'item:lease'), ('item:release', 'item:release'), ('item:lease_expired', 'item:lease_expired'), ('item:take_next', 'item:take_next'), ('item:band', 'item:band'), ('item:assign', 'item:assign'), ('item:assign_undo', 'item:assign_undo'), ('view:save', 'view:save'), ('view:delete', 'view:delete'), ('item:rank', 'item:rank'), ('item:supersede', 'item:supersede'), ('item:cancel', 'item:cancel'), ('inference:request', 'inference:request'), ('inference:result', 'inference:result'), ('inference:retry', 'inference:retry'), ('pack:retry', 'pack:retry'), ('model:register', 'model:register'), ('slot:fill', 'slot:fill'), ('protocol:change', 'protocol:change'), ('ai:view', 'ai:view'), ('ai:switch', 'ai:switch'), ('artefact:read', 'artefact:read'), ('reading:read', 'reading:read'), ('reading:draft', 'reading:draft'), ('reading:commit', 'reading:commit'), ('reading:sign', 'reading:sign'), ('segment:write', 'segment:write'), ('segment:read', 'segment:read'), ('segment:interpolate', 'segment:interpolate'), ('segment:remove', 'segment:remove'), ('reading:amend', 'reading:amend'), ('reading:export', 'reading:export'), ('report_template:write', 'report_template:write'), ('critical:raise', 'critical:raise'), ('critical:read', 'critical:read'), ('critical:close', 'critical:close'), ('critical:remind', 'critical:remind'), ('export:read', 'export:read'), ('export:store', 'export:store'), ('export:failed', 'export:failed'), ('machine:read', 'machine:read'), ('layout:save', 'layout:save'), ('layout:delete', 'layout:delete'), ('dicomweb:search', 'dicomweb:search'), ('dicomweb:read', 'dicomweb:read'), ('dicomweb:store', 'dicomweb:store')], max_length=48),
        ),
    ]

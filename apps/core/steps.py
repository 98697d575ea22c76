"""The names of all steps of a study's journey, as Celery knows them.

A step is enqueued by name, so that what follows what is written in one place
(`apps.workflow.flow`) and no module imports a task of a higher one.
"""

from enum import StrEnum


class Step(StrEnum):
    """One step; the value is the Celery task's name."""

    TAKE_ARRIVALS = "workflow.take_arrivals"
    RECONCILE = "workflow.reconcile"
    SWEEP = "workflow.sweep"
    REQUEST_PACK = "workflow.request_pack"
    ACCEPT_PACK = "workflow.accept_pack"
    REQUEST_INFERENCE = "workflow.request_inference"
    ACCEPT_RESULTS = "workflow.accept_results"
    SETTLE_SLOTS = "workflow.settle_slots"
    EXPORT_RESULT = "workflow.export_result"
    EXPORT_RESULTS = "workflow.export_results"
    EXPORT_READING = "workflow.export_reading"
    FINISH_ACCEPT = "workflow.finish_accept"
    REMIND_CRITICAL = "workflow.remind_critical"
    DELIVER_NOTIFICATION = "notifications.deliver"
    DELIVER_DUE = "notifications.deliver_due"
    WATCH_STAT_SHARE = "workflow.watch_stat_share"
    EXPIRE_LEASES = "workflow.expire_leases"
    ABANDON_UPLOADS = "workflow.abandon_uploads"
    WATCH_FOLDERS = "workflow.watch_folders"
    ACCEPT_INTERPOLATION = "workflow.accept_interpolation"
    SEND_EXPLANATIONS = "workflow.send_explanations"
    ACCEPT_EXPLANATION = "workflow.accept_explanation"
    REQUEST_COMPARISON = "workflow.request_comparison"
    ACCEPT_COMPARISON = "workflow.accept_comparison"
    EXPORT_COMPARISON = "workflow.export_comparison"
    SEAL_AUDIT = "workflow.seal_audit"
    CHECK_AUDIT = "workflow.check_audit"
    FORGET_SESSIONS = "workflow.forget_sessions"
    FORGET_SLICES = "workflow.forget_slices"
    RUN_MODEL_IMPORT = "inference.run_model_import"
    SWEEP_MODEL_IMPORTS = "inference.sweep_model_imports"

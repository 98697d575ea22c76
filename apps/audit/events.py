"""Everything that the audit log can say; the names follow `noun:verb`."""

from enum import IntEnum, StrEnum


class Event(StrEnum):
    """What happened. A name that is not here cannot be recorded."""

    SYSTEM_START = "system:start"
    SESSION_LOGIN = "session:login"
    SESSION_LOGIN_FAILED = "session:login_failed"
    SESSION_LOCKED = "session:locked"
    SESSION_LOGOUT = "session:logout"
    PERMISSION_REFUSED = "permission:refused"
    TOKEN_CREATE = "token:create"  # noqa: S105
    TOKEN_REVOKE = "token:revoke"  # noqa: S105
    USER_CREATE = "user:create"
    USER_READ = "user:read"
    MEMBERSHIP_GRANT = "membership:grant"
    MEMBERSHIP_REVOKE = "membership:revoke"
    SITE_CREATE = "site:create"
    SHARE_GRANT = "share:grant"
    SHARE_REVOKE = "share:revoke"
    AUDIT_READ = "audit:read"
    WORKLIST_LIST = "worklist:list"
    WORKLIST_PUSH = "worklist:push"
    STUDY_LIST = "study:list"
    STUDY_OPEN = "study:open"
    STUDY_REGISTER = "study:register"
    STUDY_QUARANTINE = "study:quarantine"
    STUDY_IMPORT = "study:import"
    INTAKE_BEGIN = "intake:begin"
    INTAKE_READ = "intake:read"
    INTAKE_FINISH = "intake:finish"
    STUDY_DELETE = "study:delete"
    STUDY_RETURN = "study:return"
    STUDY_REPLACE = "study:replace"
    ARRIVAL_RETRY = "arrival:retry"
    QUARANTINE_READ = "quarantine:read"
    QUARANTINE_RELEASE = "quarantine:release"
    QUARANTINE_KEEP = "quarantine:keep"
    QUARANTINE_ACCEPT = "quarantine:accept"
    PIXELS_REFUSED = "pixels:refused"
    AE_TITLE_CREATE = "ae_title:create"
    AE_TITLE_DELETE = "ae_title:delete"
    ITEM_READ = "item:read"
    ITEM_PLACE = "item:place"
    ITEM_LEASE = "item:lease"
    ITEM_RELEASE = "item:release"
    ITEM_LEASE_EXPIRED = "item:lease_expired"
    ITEM_TAKE_NEXT = "item:take_next"
    ITEM_BAND = "item:band"
    ITEM_RANK = "item:rank"
    ITEM_SUPERSEDE = "item:supersede"
    ITEM_CANCEL = "item:cancel"
    INFERENCE_REQUEST = "inference:request"
    INFERENCE_RESULT = "inference:result"
    INFERENCE_RETRY = "inference:retry"
    PACK_RETRY = "pack:retry"
    MODEL_REGISTER = "model:register"
    SLOT_FILL = "slot:fill"
    AI_VIEW = "ai:view"
    AI_SWITCH = "ai:switch"
    ARTEFACT_READ = "artefact:read"
    READING_READ = "reading:read"
    READING_DRAFT = "reading:draft"
    READING_COMMIT = "reading:commit"
    READING_SIGN = "reading:sign"
    EXPORT_READ = "export:read"
    EXPORT_STORE = "export:store"
    EXPORT_FAILED = "export:failed"
    MACHINE_READ = "machine:read"
    DICOMWEB_SEARCH = "dicomweb:search"
    DICOMWEB_READ = "dicomweb:read"
    DICOMWEB_STORE = "dicomweb:store"


class Outcome(IntEnum):
    """How it went, as DICOM PS3.15 A.5 codes it (EventOutcomeIndicator)."""

    SUCCESS = 0
    MINOR_FAILURE = 4
    SERIOUS_FAILURE = 8
    MAJOR_FAILURE = 12

"""What all environments share. Names of variables: docs/architecture.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from portal.settings.environment import database, redis_database, text, words

BASE_DIR = Path(__file__).resolve().parents[2]
STATE_DIR = Path(text("OVERREAD_STATE_DIR", str(BASE_DIR / "var")))
PACKS_DIR = Path(text("OVERREAD_PACKS_DIR", str(STATE_DIR / "packs")))
ARTEFACTS_DIR = Path(text("OVERREAD_ARTEFACTS_DIR", str(STATE_DIR / "artefacts")))
SEGMENTS_DIR = Path(text("OVERREAD_SEGMENTS_DIR", str(STATE_DIR / "segments")))
MODELS_DIR = Path(text("OVERREAD_MODELS_DIR", str(STATE_DIR / "models")))
WATCH_DIR = Path(text("OVERREAD_WATCH_DIR", str(STATE_DIR / "watch")))
MODEL_KEY_FILE = Path(
    text("OVERREAD_MODEL_KEY_FILE", str(STATE_DIR / "keys" / "models.key"))
)
AUDIT_KEY_FILE = Path(
    text("OVERREAD_AUDIT_KEY_FILE", str(STATE_DIR / "keys" / "audit.key"))
)
"""Signs the seals on the audit log; never in the database."""
AUDIT_SEALS_FILE = Path(
    text("OVERREAD_AUDIT_SEALS_FILE", str(STATE_DIR / "audit-seals.jsonl"))
)
"""The list of seals beside the database; best where nobody can write twice."""
SHIPPED_MODELS_DIR = BASE_DIR / "workers" / "models" / "shipped"

DEBUG = text("OVERREAD_DEBUG", "").lower() in {"1", "true", "yes"}
SECRET_KEY = text("OVERREAD_SECRET_KEY", "")
ALLOWED_HOSTS = words("OVERREAD_ALLOWED_HOSTS", "localhost,127.0.0.1")
PUBLIC_URL = text("OVERREAD_PUBLIC_URL", "http://localhost")
PORTAL_URL = text("OVERREAD_PORTAL_URL", PUBLIC_URL)
TRUSTED_PROXIES = frozenset(words("OVERREAD_TRUSTED_PROXIES", "127.0.0.1,::1"))

ORTHANC_URL = text("ORTHANC_URL", "http://127.0.0.1:8042")
ORTHANC_USER = text("ORTHANC_USER", "")
ORTHANC_PASSWORD = text("ORTHANC_PASSWORD", "")
SOFTWARE_VERSION = "0.1.0"
WINDOW_PRESETS_FILE = text("OVERREAD_WINDOW_PRESETS", "")  # JSON; '': the built-in
DCIODVFY = text("OVERREAD_DCIODVFY", "dciodvfy")
# How long an open critical result waits between two reminders, in seconds.
CRITICAL_REMIND_S = int(text("OVERREAD_CRITICAL_REMIND_S", "900"))

# --- what leaves by e-mail and webhook: never a patient's data ----------------------
# Without a host e-mail is off; "console" prints it, for development.
EMAIL_HOST = text("OVERREAD_EMAIL_HOST", "")
EMAIL_IS_ON = bool(EMAIL_HOST)
EMAIL_BACKEND = (
    "django.core.mail.backends.console.EmailBackend"
    if EMAIL_HOST == "console"
    else "django.core.mail.backends.smtp.EmailBackend"
)
EMAIL_PORT = int(text("OVERREAD_EMAIL_PORT", "587"))
EMAIL_HOST_USER = text("OVERREAD_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = text("OVERREAD_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = text("OVERREAD_EMAIL_SECURITY", "starttls") == "starttls"
EMAIL_USE_SSL = text("OVERREAD_EMAIL_SECURITY", "starttls") == "tls"
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = text("OVERREAD_EMAIL_FROM", "overread@localhost")
# Networks and host names that webhooks may reach although they are private.
WEBHOOK_ALLOW = words("OVERREAD_WEBHOOK_ALLOW")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.postgres",
    "guardian",
    "rest_framework",
    "drf_spectacular",
    "channels",
    "apps.core",
    "apps.audit",
    "apps.accounts",
    "apps.notifications",
    "apps.studies",
    "apps.inference",
    "apps.annotations",
    "apps.worklist",
    "apps.reports",
    "apps.workflow",
]
MIDDLEWARE = [
    "apps.core.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.IdleSession",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
ASGI_APPLICATION = "portal.asgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = text("OVERREAD_TIME_ZONE", "UTC")  # of dates and times inside DICOM
USE_I18N = False
LANGUAGE_CODE = "en-gb"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
TEMPLATES: list[dict[str, Any]] = []

# --- the database ---------------------------------------------------------------
DATABASES = {
    "default": {
        **database(text("DATABASE_URL", "postgresql:///overread")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
}

# --- accounts -------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
GUARDIAN_MONKEY_PATCH_USER = False
ANONYMOUS_USER_NAME = None
# Object permissions are asked through apps.core.permissions, never through the
# generic backends, so guardian's is not installed on purpose.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "UserAttributeSimilarityValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[0]["OPTIONS"] = {"min_length": 10}  # type: ignore[assignment]

SESSION_COOKIE_NAME = "overread_session"
SESSION_COOKIE_AGE = 8 * 3600  # since the last request; see accounts.middleware
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "overread_csrf"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "apps.core.api.csrf_failure"

# --- the API --------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.accounts.authentication.SessionActor"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.access.NotDeclared"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.accounts.refusals.handle_error",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Overread",
    "DESCRIPTION": "The portal's REST API; sockets are in docs/architecture.md.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["apps.core.access.Open"],
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "VerificationStateEnum": ["waiting", "sent_back", "verified", "replaced"],
        "HealthStateEnum": ["ok", "degraded", "down"],
        "SlotKindEnum": ["live", "shadow", "challenger"],
        "TruthKindEnum": ["unaided", "final"],
        "FittedMethodEnum": ["temperature", "platt", "isotonic"],
        "SlotMethodEnum": ["package", "temperature", "platt", "isotonic"],
        "AiStateEnum": [
            "pending",
            "running",
            "done",
            "failed",
            "rejected",
            "none",
            "blinded",
        ],
        "RoleEnum": "apps.accounts.roles.Role",
        "ReadingStateEnum": [
            "draft",
            "unaided",
            "committed",
            "revealed",
            "signed",
        ],
        "ComparisonStateEnum": ["queued", "running", "done", "incomparable", "failed"],
        "InterpolationStateEnum": ["queued", "running", "done", "failed"],
        "IntakeStateEnum": ["open", "done", "abandoned"],
        "IntakeFileStateEnum": ["waiting", "received", "taken"],
        "ModelImportStateEnum": [
            "uploading",
            "waiting",
            "running",
            "added",
            "refused",
            "cancelled",
            "interrupted",
        ],
        "ModelImportFileStateEnum": ["waiting", "taken"],
        "ModelImportKindEnum": "workers.model_import.KINDS",
        "PackStateEnum": ["ready", "building", "absent", "failed"],
        "WorkItemStateEnum": ["open", "leased", "done", "cancelled"],
    },
}

# --- Redis: broker (0), channel layer (1), cache (2) ------------------------------
REDIS_URL = text("REDIS_URL", "redis://127.0.0.1:6379/0")
CHANNEL_LAYERS: dict[str, Any] = {
    "default": {
        "BACKEND": "apps.core.layers.KeptLoopLayer",
        "CONFIG": {"hosts": [redis_database(REDIS_URL, 1)], "prefix": "overread"},
    }
}
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_database(REDIS_URL, 2),
        "KEY_PREFIX": "overread",
    }
}

CELERY_BROKER_URL = redis_database(REDIS_URL, 0)
CELERY_TASK_DEFAULT_QUEUE = "portal"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# The shortest visibility timeout of all applications on a broker is the one that
# counts; it must exceed the longest task (the workers' settings say the same).
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "visibility_timeout": 3600,
    # A web request that enqueues while the broker is down gives up at once: the
    # sweep sends it again. (Workers have their own rule for reconnecting.)
    "max_retries": 1,
    "interval_start": 0.05,
    "interval_step": 0.05,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "queue_order_strategy": "priority",
    "priority_steps": [0, 3, 6, 9],
}

# --- the log ----------------------------------------------------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "apps.core.logs.AddRequestId"},
        "no_patient_data": {"()": "apps.core.logs.NoPatientData"},
    },
    "formatters": {"json": {"()": "apps.core.logs.JsonLines"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "json",
            "filters": ["request_id", "no_patient_data"],
        }
    },
    "root": {"handlers": ["stderr"], "level": text("OVERREAD_LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        # It quotes what it cannot draw: words of a report.
        "weasyprint": {"level": "CRITICAL", "propagate": False},
        "fontTools": {"level": "WARNING"},
    },
}

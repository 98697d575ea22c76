"""Tests: real PostgreSQL from DATABASE_URL (an owner's), nothing else required."""

from portal.settings.base import *  # noqa: F403

DEBUG = False
SECRET_KEY = "test-secret-that-production-refuses"  # noqa: S105
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PUBLIC_URL = "http://testserver"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# No broker unless a test starts one: what is enqueued stays in the process.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}

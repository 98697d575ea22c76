"""A machine of one's own: embedded services, plain HTTP on the loopback."""

from portal.settings.base import *  # noqa: F403
from portal.settings.environment import text

# Only here is there a default; production refuses it by name.
SECRET_KEY = text("OVERREAD_SECRET_KEY", "local-secret-that-production-refuses")

"""The tests' settings for a portal that is served, at the address it is given."""

import os

from portal.settings.test import *  # noqa: F403

PUBLIC_URL = os.environ["OVERREAD_PUBLIC_URL"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

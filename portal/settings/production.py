"""A department: HTTPS in front, nothing by default, unsafe settings refused."""

from portal.settings.base import *  # noqa: F403
from portal.settings.base import DEBUG, ORTHANC_PASSWORD, ORTHANC_URL, ORTHANC_USER
from portal.settings.environment import text, words
from portal.settings.safety import refuse_unsafe

SECRET_KEY = text("OVERREAD_SECRET_KEY", "")
ALLOWED_HOSTS = words("OVERREAD_ALLOWED_HOSTS")
PUBLIC_URL = text("OVERREAD_PUBLIC_URL", "")

refuse_unsafe(
    secret_key=SECRET_KEY,
    debug=DEBUG,
    allowed_hosts=ALLOWED_HOSTS,
    public_url=PUBLIC_URL,
    orthanc_url=ORTHANC_URL,
    orthanc_user=ORTHANC_USER,
    orthanc_password=ORTHANC_PASSWORD,
)

CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
# nginx ends TLS and sets this header itself; the portal listens to nobody else.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600

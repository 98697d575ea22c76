"""The front door: composition only, no rules."""

# Celery's `shared_task` and `current_app` need our application to exist in every
# process that imports the portal, the web processes included.
from portal.celery import app as celery_app

__all__ = ["celery_app"]

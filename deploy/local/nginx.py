"""The one door: nginx with its own configuration, in its own folders."""

import grp
import os
import pwd
import re
import shutil
from pathlib import Path

from deploy.local import web
from deploy.local.environment import Environment, write_private
from deploy.local.layout import LOOPBACK, ROOT, TEMPLATES, Layout
from deploy.local.postgres import clean_env
from deploy.local.problem import Problem
from deploy.local.processes import Part

FRAME_SYNTAXES = {
    "raw": "1.2.840.10008.1.2.1",
    "rle": "1.2.840.10008.1.2.5",
    "jpg": "1.2.840.10008.1.2.4.50",
    "jpe": "1.2.840.10008.1.2.4.51",
    "jpl": "1.2.840.10008.1.2.4.70",
    "jls": "1.2.840.10008.1.2.4.80",
    "j2k": "1.2.840.10008.1.2.4.90",
    "jph": "1.2.840.10008.1.2.4.201",
}
"""File name extension of a frame in a pixel pack → its transfer syntax."""

SESSION_COOKIE = "overread_session"
"""As in portal.settings.base; a test compares them."""
MIME_TYPES = Path("/etc/nginx/mime.types")


def frame_types() -> str:
    """The lines of nginx's `types` block for frames."""
    return "\n".join(
        f'        "application/octet-stream; transfer-syntax={uid}" {extension};'
        for extension, uid in FRAME_SYNTAXES.items()
    )


def render(template: str, values: dict[str, str]) -> str:
    """Fill `@NAME@` in a template.

    Raises:
        Problem: A name is left over, or a value would break out of its place.
    """
    for name, value in values.items():
        if name != "FRAME_TYPES" and set(value) & set("'\"{}\n"):
            raise Problem(
                f"{value!r} cannot stand in a configuration file.",
                advice="Choose a folder without quotes, braces and line breaks.",
            )
        template = template.replace(f"@{name}@", value)
    if left := re.findall(r"@[A-Z_]+@", template):
        raise Problem(f"The template names {left[0]}, which nothing fills in.")
    return template


def config_text(layout: Layout, env: Environment, *, bind: str) -> str:
    """nginx.conf of this instance."""
    user_line = ""
    if os.geteuid() == 0:
        group = grp.getgrgid(os.getegid()).gr_name
        user_line = f"user {pwd.getpwuid(os.geteuid()).pw_name} {group};"
    return render(
        (TEMPLATES / "nginx.conf").read_text(encoding="utf-8"),
        {
            "STATE": str(layout.state),
            "STATIC": str(ROOT / "static" / "app"),
            "PACKS": env.values["OVERREAD_PACKS_DIR"],
            "MIME_TYPES": str(MIME_TYPES),
            "USER_LINE": user_line,
            "WSGI": str(layout.ports.wsgi),
            "ASGI": str(layout.ports.asgi),
            "BIND": bind,
            "PUBLIC": str(layout.ports.public),
            "SESSION_COOKIE": SESSION_COOKIE,
            "FRAME_TYPES": frame_types(),
        },
    )


def make_part(layout: Layout, env: Environment, *, bind: str) -> Part:
    """Write the configuration and describe the process."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(program).exists():
        raise Problem(
            "nginx is not installed.",
            advice="As root: apt-get install --no-install-recommends nginx",
        )
    folder = layout.state / "nginx"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    config = folder / "nginx.conf"
    write_private(config, config_text(layout, env, bind=bind))
    host = LOOPBACK if bind in ("0.0.0.0", "[::]") else bind  # noqa: S104 - compared

    def ready() -> str:
        return web.accepts(layout.ports.public, host=host)

    log = str(layout.logs / "nginx.log")
    return Part(
        name="nginx",
        argv=(program, "-e", log, "-p", str(folder), "-c", str(config)),
        env=clean_env(),
        cwd=folder,
        ready=ready,
        tier=2,
    )

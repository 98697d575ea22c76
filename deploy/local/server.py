"""The whole of Overread in the foreground: what `script/server` runs."""

import hashlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from deploy.local import bootstrap, nginx, portal, services
from deploy.local.commands import run_logged
from deploy.local.console import Console
from deploy.local.environment import Environment, make_environment, write_env_file
from deploy.local.layout import ROOT, Layout, check_ports
from deploy.local.problem import StopRequestedError
from deploy.local.supervisor import Supervisor, recover, single_instance

WATCH_S = 1.0
HEALTH_EVERY_S = 5.0
RECONCILE = "workflow.reconcile"
"""As `apps.core.steps.Step.RECONCILE`; a test compares them."""
DEMO_PASSWORD = "overread-demo"  # noqa: S105 - public: it is printed at every start
DEMO_LOGINS = (
    ("radiologist", "reads at Northfield"),
    ("radiologist2", "reads at Northfield, to race with"),
    ("resident", "resident at Northfield: readings are verified"),
    ("specialist", "reads at Northfield what a model is unsure of"),
    ("southgate", "reads at Southgate, and sees nothing of Northfield"),
    ("annotator", "labels at Northfield"),
    ("lead", "clinical lead at Northfield"),
    ("admin", "sites, people, AE titles, quarantine, audit log"),
)
"""As `manage.py setup_demo` makes them; a test compares the two."""
PARTS_AFTER_THE_DEMO = ("worker-portal", "worker-exports", "beat")


@dataclass(frozen=True)
class Choices:
    """What the command line asked for.

    Attributes:
        test: Settings for tests: no waiting for the disk, StableAge 1 s.
        empty: Only a first administrator, no demonstration data.
        examples: A few example images instead of the demonstration department.
        build: Whether to build the front end.
        setup: Whether to install packages and environment first.
        bind: Address on which people are served.
        gpu: Whether to run a gpu worker here; another machine may have it.
    """

    test: bool = False
    empty: bool = False
    examples: bool = False
    build: bool = True
    setup: bool = True
    bind: str = "127.0.0.1"
    gpu: bool = True


def on_signal(_number: int, _frame: FrameType | None) -> None:
    """Turn the first Ctrl-C or SIGTERM into an orderly stop; ignore the rest."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise StopRequestedError


def serve(layout: Layout, choices: Choices, console: Console) -> int:
    """Start everything, watch it until told to stop, stop it.

    Returns:
        The exit status: 0 after an orderly stop.
    """
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, on_signal)
    with single_instance(layout):
        supervisor = Supervisor(layout, console)
        begun = time.monotonic()
        try:
            _start(supervisor, choices, begun)
            _watch(supervisor)
        except StopRequestedError:
            console.say("\nStopping …")
        finally:
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(each, signal.SIG_IGN)
            started = bool(supervisor.children)
            supervisor.stop()
            if started:
                console.say("Stopped.")
    return 0


def _start(supervisor: Supervisor, choices: Choices, begun: float) -> None:
    layout, console = supervisor.layout, supervisor.console
    console.say(f"Overread, state in {layout.state}")
    recover(layout, console)
    env = make_environment(layout, kind="local", outer=os.environ)
    ports = layout.ports
    check_ports(
        {
            "people": ports.public,
            "the portal": ports.wsgi,
            "sockets": ports.asgi,
            **services.wanted_ports(layout, env),
        }
    )
    if choices.setup:
        bootstrap.prepare(layout, console, build=choices.build)
    write_env_file(layout.env_file, env.values)
    services.start(supervisor, env, test=choices.test, console=console)
    migrate(layout, env, console)
    renew_models(layout, env, console)
    parts = portal.make_parts(layout, env, gpu=choices.gpu)
    # The department's past is lived through before anything happens by itself.
    late = [part for part in parts if part.name in PARTS_AFTER_THE_DEMO]
    early = [part for part in parts if part not in late]
    early.append(nginx.make_part(layout, env, bind=choices.bind))
    with console.step("portal, workers, nginx"):
        supervisor.start(early)
    fill(layout, env, choices, console)
    supervisor.start(late)
    catch_up(layout, env, console)
    supervisor.announce(
        {
            "url": layout.public_url,
            "dicom": f"127.0.0.1:{ports.dicom}",
            "state": str(layout.state),
            "env": str(layout.env_file),
        }
    )
    console.say(welcome(layout, seconds=time.monotonic() - begun))


def manage(layout: Layout, env: dict[str, str], console: Console, *words: str) -> None:
    """Run `manage.py`; its output goes to `log/manage.log`."""
    run_logged(
        [portal.PYTHON, str(ROOT / "manage.py"), *words],
        log=layout.logs / "manage.log",
        console=console,
        what=f"manage.py {words[0]}",
        env=env,
        advice=f"The whole output is in {layout.logs / 'manage.log'}.",
        alone=True,
    )


def schema_hash() -> str:
    """Hash of everything that decides schema and rights."""
    digest = hashlib.sha256(bootstrap.LOCK.read_bytes())
    files = [*ROOT.glob("apps/*/migrations/*.py"), *ROOT.glob("apps/*/models.py")]
    files += ROOT.glob("apps/audit/**/*.py")
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def migrate(layout: Layout, env: Environment, console: Console) -> None:
    """Bring schema and rights up to date.

    An embedded database that these very migrations were run on is left as it is;
    of somebody else's we know nothing, so it is asked every time.
    """
    mark = layout.state / "schema"
    wanted = schema_hash()
    known = mark.read_text(encoding="utf-8") if mark.exists() else ""
    if "database" in env.embedded and known == wanted:
        return
    with console.step("database schema and rights"):
        manage(layout, env.for_owner(), console, "migrate", "--no-input")
        manage(layout, env.for_owner(), console, "grant_app_role")
    mark.write_text(wanted, encoding="utf-8")


def shipped_hash() -> str:
    """Hash of the models that come with the code."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "workers/models/shipped").rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def renew_models(layout: Layout, env: Environment, console: Console) -> None:
    """After an update of the code, register the models that came with it."""
    mark = layout.state / "shipped"
    wanted = shipped_hash()
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    if (layout.state / "filled").exists():
        with console.step("models of this version"):
            manage(layout, env.for_portal(), console, "models", "shipped")
    mark.write_text(wanted, encoding="utf-8")


def fill(layout: Layout, env: Environment, choices: Choices, console: Console) -> None:
    """Make sites, people and demonstration studies once per state folder."""
    mark = layout.state / "filled"
    if mark.exists():
        return
    environment = env.for_portal()
    if choices.empty:
        with console.step("first administrator"):
            manage(layout, environment, console, "setup_demo", "--empty")
    elif choices.examples or choices.test:
        with console.step("sites, people, example images"):
            manage(layout, environment, console, "setup_demo")
    else:
        with console.step("sites, people, models"):
            manage(layout, environment, console, "setup_demo", "--no-examples")
        with console.step("a department of phantoms (once; some minutes)"):
            manage(layout, environment, console, "setup_department")
    mark.write_text("empty" if choices.empty else "demo", encoding="utf-8")


def catch_up(layout: Layout, env: Environment, console: Console) -> None:
    """Ask for a full comparison with the archive: it may have changed without us."""
    run_logged(
        [portal.PYTHON, "-m", "celery", "-A", "portal.celery", "call", RECONCILE],
        log=layout.logs / "manage.log",
        console=console,
        what=RECONCILE,
        env=env.for_portal(),
    )


def example_store(layout: Layout) -> str:
    """A command that sends a study to us."""
    sample = Path("PATH/TO/DICOM")
    return (
        f"TCP_NODELAY=1 storescu -R -xt -aec OVERREAD 127.0.0.1 {layout.ports.dicom}"
        f" +sd +r {sample}"
    )


def welcome(layout: Layout, *, seconds: float) -> str:
    """What to do now, for the person who started it."""
    lines = [f"\nReady after {seconds:.0f} s:  {layout.public_url}\n"]
    empty = (layout.state / "filled").read_text(encoding="utf-8") == "empty"
    people = DEMO_LOGINS[-1:] if empty else DEMO_LOGINS
    password = DEMO_PASSWORD
    if empty:
        password = (layout.state / "admin-password").read_text(encoding="utf-8")
    lines += [f"Log in (password {password.strip()}):"]
    lines += [f"  {name:<14}{what}" for name, what in people]
    lines += [""]
    lines += ["Send a study:", f"  {example_store(layout)}", ""]
    lines += [f"Logs: {layout.logs}    Ctrl-C stops everything.", ""]
    return "\n".join(lines)


def _watch(supervisor: Supervisor) -> None:
    layout, console = supervisor.layout, supervisor.console
    asked = 0.0
    why = ""
    while True:
        supervisor.trim_logs()
        for line in supervisor.check():
            console.say(f"{time.strftime('%H:%M:%S')}  {line}")
        if time.monotonic() - asked > HEALTH_EVERY_S:
            asked = time.monotonic()
            why = portal.health(layout)
        state = "healthy" if not why else f"the portal {why}"
        console.live(f"● {state} · {supervisor.summary()}")
        time.sleep(WATCH_S)

"""Command line: `python -m deploy.local serve|up|down|status|services …`."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from deploy.local import benchmarks, bootstrap, checks, portal, services
from deploy.local.console import Console
from deploy.local.environment import make_environment, write_env_file
from deploy.local.layout import DICOM_PORT, PUBLIC_PORT, ROOT, Layout, Ports
from deploy.local.problem import Problem, StopRequestedError
from deploy.local.processes import is_alive, load_records
from deploy.local.server import Choices, serve
from deploy.local.supervisor import (
    Supervisor,
    holder_pid,
    recover,
    single_instance,
    stop_everything,
)

UP_TIMEOUT_S = 900


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/server", description="Run the whole of Overread on this machine."
    )
    parser.add_argument("command", choices=sorted(COMMANDS), help=argparse.SUPPRESS)
    parser.add_argument(
        "--port", type=int, default=PUBLIC_PORT, help="people (the next five: inner)"
    )
    parser.add_argument("--dicom-port", type=int, help="modalities (C-STORE)")
    parser.add_argument(
        "--state", type=Path, default=ROOT / "var", help="folder of all state"
    )
    parser.add_argument("--bind", default="127.0.0.1", help="address for people")
    parser.add_argument(
        "--empty", action="store_true", help="an administrator only, no demo data"
    )
    parser.add_argument(
        "--examples",
        action="store_true",
        help="a few example images instead of the department: starts sooner",
    )
    parser.add_argument(
        "--no-browser-build", action="store_true", help="leave static/app as it is"
    )
    parser.add_argument(
        "--no-setup", action="store_true", help="install and build nothing"
    )
    parser.add_argument(
        "--no-gpu-worker", action="store_true", help="another machine has it"
    )
    parser.add_argument("--test", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--studies", type=int, help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--status", action="store_true", help="say what runs")
    parser.add_argument("--stop", action="store_true", help="stop what runs")
    return parser


def _layout(options: argparse.Namespace) -> Layout:
    dicom = options.dicom_port
    if dicom is None and options.port == PUBLIC_PORT:
        dicom = DICOM_PORT
    ports = Ports.from_base(options.port, dicom=dicom)
    layout = Layout(state=options.state.resolve(), ports=ports)
    layout.make_folders()
    return layout


def run_serve(options: argparse.Namespace, console: Console) -> int:
    """Everything, in the foreground."""
    if options.stop:
        return run_down(options, console)
    if options.status:
        return run_status(options, console)
    choices = Choices(
        test=options.test,
        empty=options.empty,
        examples=options.examples,
        build=not options.no_browser_build,
        setup=not options.no_setup,
        bind=options.bind,
        gpu=not options.no_gpu_worker,
    )
    return serve(_layout(options), choices, console)


def run_up(options: argparse.Namespace, console: Console) -> int:
    """Everything, in the background; returns when it is ready."""
    layout = _layout(options)
    if holder_pid(layout):
        console.say(f"  • already running on {layout.state}")
        return 0
    layout.ready_file.unlink(missing_ok=True)
    log = layout.logs / "supervisor.log"
    command = [sys.executable, "-m", "deploy.local", "serve", *_passed_on(options)]
    with log.open("w", encoding="utf-8") as output:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + UP_TIMEOUT_S
    while not layout.ready_file.exists():
        if child.poll() is not None or time.monotonic() > deadline:
            if child.poll() is None:
                child.terminate()
                child.wait(timeout=90)
            raise Problem(
                f"It did not start:\n{log.read_text(encoding='utf-8')}",
                advice=f"The logs are in {layout.logs}.",
            )
        time.sleep(0.2)
    console.say(f"  ✓ running at {layout.public_url}, pid {child.pid}")
    return 0


def _passed_on(options: argparse.Namespace) -> list[str]:
    words = ["--port", str(options.port), "--state", str(options.state.resolve())]
    if options.dicom_port is not None:
        words += ["--dicom-port", str(options.dicom_port)]
    words += ["--bind", options.bind]
    for name in (
        *("empty", "examples", "no_browser_build"),
        *("no_setup", "no_gpu_worker", "test"),
    ):
        if getattr(options, name):
            words.append("--" + name.replace("_", "-"))
    return words


def run_services(options: argparse.Namespace, console: Console) -> int:
    """Only PostgreSQL, Redis and Orthanc, left running in the background."""
    layout = _layout(options)
    kind = "test" if options.test else "local"
    with single_instance(layout):
        recover(layout, console)
        env = make_environment(layout, kind=kind, outer=os.environ)
        write_env_file(layout.env_file, env.values)
        supervisor = Supervisor(layout, console)
        try:
            services.start(supervisor, env, test=options.test, console=console)
        except BaseException:
            supervisor.stop()
            raise
    console.say(f"  ✓ running; set -a; . {layout.env_file}; set +a")
    return 0


def run_down(options: argparse.Namespace, console: Console) -> int:
    """Stop everything of a state folder."""
    stopped = stop_everything(_layout(options), console)
    console.say("  ✓ stopped" if stopped else "  ✓ nothing was running")
    return 0


def run_status(options: argparse.Namespace, console: Console) -> int:
    """Say what runs on a state folder; exit status 0 when it is ready."""
    layout = _layout(options)
    pid = holder_pid(layout)
    for record in load_records(layout):
        state = f"pid {record.pid}" if is_alive(record) else "not running"
        console.say(f"  {record.name:<16} {state}")
    if not layout.ready_file.exists():
        console.say("  starting" if pid else "  the portal is not running")
        return 1
    facts = json.loads(layout.ready_file.read_text(encoding="utf-8"))
    console.say(f"  ready at {facts['url']}, supervisor pid {pid}")
    return 0


def run_setup(options: argparse.Namespace, console: Console) -> int:
    """Only install and build; start nothing."""
    layout = _layout(options)
    build = not options.no_browser_build
    bootstrap.prepare(layout, console, browser=options.test, build=build)
    return 0


def run_health(options: argparse.Namespace, console: Console) -> int:
    """Ask the running portal how it is."""
    why = portal.health(_layout(options))
    console.say(why or "healthy")
    return 1 if why else 0


def run_test(options: argparse.Namespace, console: Console) -> int:
    """Every check and test, or pytest with the words given."""
    return checks.run_tests(ROOT / "var", options.words, console)


def run_benchmark(options: argparse.Namespace, console: Console) -> int:
    """One benchmark against a running stack, or one started for it."""
    if len(options.words) != 1:
        raise Problem(
            "Which benchmark?",
            advice=f"One of: {', '.join(benchmarks.names()) or 'none yet'}.",
        )
    return benchmarks.run(
        options.words[0],
        _layout(options),
        json_file=options.json,
        quick=options.quick,
        studies=options.studies,
        console=console,
    )


COMMANDS = {
    "test": run_test,
    "benchmark": run_benchmark,
    "serve": run_serve,
    "up": run_up,
    "down": run_down,
    "status": run_status,
    "services": run_services,
    "setup": run_setup,
    "health": run_health,
}


def main() -> int:
    """Run one command; problems are said in plain words."""
    parser = _parser()
    options = parser.parse_args()
    if options.words and options.command not in ("test", "benchmark"):
        parser.error(f"what is {' '.join(options.words)}?")
    console = Console()
    try:
        return COMMANDS[options.command](options, console)
    except Problem as problem:
        console.say(f"\n{problem}")
        return 1
    except (KeyboardInterrupt, StopRequestedError):
        console.say("\nStopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""Command line: `python -m deploy.local services|up|down|status …`."""

import argparse
import os
import sys
from pathlib import Path

from deploy.local import services
from deploy.local.console import Console
from deploy.local.environment import make_environment, write_env_file
from deploy.local.layout import DICOM_PORT, PUBLIC_PORT, ROOT, Layout, Ports
from deploy.local.problem import Problem
from deploy.local.supervisor import (
    Supervisor,
    recover,
    single_instance,
    stop_everything,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_text in (
        ("services", "only PostgreSQL, Redis and Orthanc, in the background"),
        ("down", "stop what runs on a state folder"),
    ):
        command = commands.add_parser(name, help=help_text)
        command.add_argument("--state", type=Path, default=ROOT / "var")
        command.add_argument("--port", type=int, default=PUBLIC_PORT)
        command.add_argument("--dicom-port", type=int)
        command.add_argument("--test", action="store_true")
    return parser


def _layout(options: argparse.Namespace) -> Layout:
    dicom = options.dicom_port
    if dicom is None and options.port == PUBLIC_PORT:
        dicom = DICOM_PORT
    ports = Ports.from_base(options.port, dicom=dicom)
    layout = Layout(state=options.state.resolve(), ports=ports)
    layout.make_folders()
    return layout


def run_services(options: argparse.Namespace, console: Console) -> int:
    """Start the services and leave them running."""
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
    layout = _layout(options)
    stopped = stop_everything(layout, console)
    console.say("  ✓ stopped" if stopped else "  ✓ nothing was running")
    return 0


COMMANDS = {"services": run_services, "down": run_down}


def main() -> int:
    """Run one command; problems are said in plain words."""
    options = _parser().parse_args()
    console = Console()
    try:
        return COMMANDS[options.command](options, console)
    except Problem as problem:
        console.say(f"\n{problem}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

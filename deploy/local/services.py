"""PostgreSQL, Redis and Orthanc together: the parts that others may replace."""

from dataclasses import dataclass

from deploy.local import orthanc, postgres, redis
from deploy.local.console import Console
from deploy.local.environment import Environment
from deploy.local.layout import Layout, check_ports
from deploy.local.processes import Part
from deploy.local.supervisor import Supervisor


@dataclass(frozen=True)
class Prepared:
    """The embedded services of an instance, ready to be started."""

    parts: list[Part]
    place: postgres.Installation | None


def wanted_ports(layout: Layout, env: Environment) -> dict[str, int]:
    """The ports that the embedded services will listen on."""
    ports = layout.ports
    wanted = {}
    if "database" in env.embedded:
        wanted["PostgreSQL"] = ports.postgres
    if "redis" in env.embedded:
        wanted["Redis"] = ports.redis
    if "orthanc" in env.embedded:
        wanted |= {"Orthanc": ports.orthanc, "DICOM": ports.dicom}
    return wanted


def prepare(layout: Layout, env: Environment, *, test: bool) -> Prepared:
    """Make data folders and configurations of the embedded services."""
    parts: list[Part] = []
    place = None
    if "database" in env.embedded:
        place = postgres.locate(layout)
        password = env.secrets["postgres_superuser"]
        postgres.initialise(place, superuser_password=password)
        parts.append(postgres.make_part(layout, place, durable=not test))
    if "redis" in env.embedded:
        parts.append(redis.make_part(layout, env))
    if "orthanc" in env.embedded:
        part = orthanc.make_part(layout, env, stable_age_s=1 if test else 3)
        orthanc.seed_index(layout, part)
        parts.append(part)
    return Prepared(parts=parts, place=place)


def start(
    supervisor: Supervisor, env: Environment, *, test: bool, console: Console
) -> None:
    """Prepare and start the embedded services; afterwards all of them serve."""
    layout = supervisor.layout
    check_ports(wanted_ports(layout, env))
    with console.step("data folders of the services"):
        prepared = prepare(layout, env, test=test)
    names = ", ".join(part.name for part in prepared.parts) or "none, all external"
    with console.step(f"services: {names}"):
        supervisor.start(prepared.parts)
        if prepared.place:
            postgres.bootstrap(layout, prepared.place, env, test=test)
        if "orthanc" in env.embedded:
            orthanc.check_private(layout, env)

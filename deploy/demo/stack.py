"""The demo's whole farm on one machine: servers, two web nodes, worker, beat and dispatchd, remote departments."""

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import servers
from deploy.demo import ports
from deploy.demo.external_site import ExternalSite, open_external_site
from deploy.demo.secret_files import kept_secret
from deploy.demo.supervisor import Program, Supervisor
from deploy.demo.vendor_sites import Departments, open_departments

PROJECT = Path(__file__).resolve().parent.parent.parent
NODES = ("web1", "web2")
CELERY = (sys.executable, "-m", "celery", "--app", "mall")


@dataclass(frozen=True)
class Stack:
    port: int
    took: str
    departments: Departments
    supervisor: Supervisor

    def watch(self) -> None:
        """Restart each program that ends, until the process is told to stop."""
        while True:
            self.supervisor.check()
            time.sleep(0.2)


@contextmanager
def running_stack(data: Path, port: int, say: Callable[[str], None]) -> Iterator[Stack]:
    """Run everything while the block lasts. Raise ``servers.ServerError`` where a server or a port is missing."""
    ports.demand(port, "the web nodes", f"Choose another one: PORT={port + 100} make demo")
    departments, external_site = open_departments(data, port + 1), open_external_site(data, port + 4)
    for kind, taken in departments.ports.items():
        wanted_by = f"the {kind} department" if kind != "drop" else "the drop folders"
        ports.demand(taken, wanted_by, "Stop that program, or start afresh: make demo-reset")
    notes = data / "run"
    for folder in (notes, data / "static", data / "media"):
        folder.mkdir(exist_ok=True)
    say("Starting PostgreSQL and Redis ...")
    with servers.running(data / "servers", durable=True, say=say) as running_servers:
        say(f"  {running_servers.took}")
        supervisor = Supervisor(PROJECT, notes, say)
        try:
            environment = environment_for(data, port, departments, running_servers)
            start_all(supervisor, environment, port, departments, external_site)
            yield Stack(port, running_servers.took, departments, supervisor)
        finally:
            supervisor.stop()


def environment_for(data: Path, port: int, departments: Departments, taken: servers.Servers) -> dict[str, str]:
    key = kept_secret(data / "secrets" / "django", secrets.token_urlsafe(48))
    return os.environ | {
        "SECRET_KEY": key.read_text(),
        "DATABASE_URL": taken.database_url,
        "REDIS_URL": taken.redis_url,
        "DJANGO_SETTINGS_MODULE": "mall.settings",
        "PYTHONUNBUFFERED": "1",
        "PUBLIC_SCHEME": "http",
        "PUBLIC_PORT": str(port),
        "DEMO": "true",
        "MALL_DATA": str(data),
        "STATIC_ROOT": str(data / "static"),  # empty: with DEMO, files come from the apps' own folders
        "LOG_FORMAT": "plain",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(departments.ports["smtp"]),
        "EGRESS_ALLOW": "127.0.0.0/8",  # the departments are on this machine
        "DROP_FOLDER_PORT": str(departments.ports["drop"]),
        "DROP_FOLDER_HOST_KEY": str(departments.drop_host_key),
    }


def start_all(
    supervisor: Supervisor,
    environment: dict[str, str],
    port: int,
    departments: Departments,
    external_site: ExternalSite,
) -> None:
    say = supervisor.say
    say("Starting seven remote shipping departments ...")
    for program in departments.programs(environment):
        supervisor.start(program)
    theirs = [port for kind, port in departments.ports.items() if kind != "drop"]
    wait_until(supervisor, "the departments listen", lambda: all(map(listens, theirs)))
    say("Preparing the database, filling the mall ...")
    prepare = (sys.executable, "-m", "deploy.demo.prepare", str(supervisor.notes / "welcome"))
    own = {"DJANGO_SETTINGS_MODULE": "deploy.demo.settings", "DB_POOL": "0"}
    own |= departments.for_the_mall | external_site.for_the_mall
    supervisor.run(Program("prepare", prepare, environment | own))
    say("Starting two web nodes, a worker, the clock, the dispatcher, the drop folders, an external magazine ...")
    ready = []
    for name in NODES:
        ready.append(supervisor.notes / f"{name}.ready")
        ready[-1].unlink(missing_ok=True)
        own = environment | {"NODE": name, "READY_FILE": str(ready[-1])}
        supervisor.start(Program(name, (sys.executable, "-m", "deploy.demo.node", str(port)), own))
    queues = "celery,jobs,dispatch"
    worker = (*CELERY, "worker", "--loglevel", "WARNING", "--concurrency", "2", "--without-mingle", "-Q", queues)
    supervisor.start(Program("worker", worker, environment | {"NODE": "worker", "DB_POOL": "0"}))
    dispatchd = (sys.executable, "manage.py", "dispatchd")
    supervisor.start(Program("dispatchd", dispatchd, environment | {"NODE": "dispatchd", "DB_POOL": "0"}))
    sftpd = (sys.executable, "manage.py", "sftpd")
    supervisor.start(Program("sftpd", sftpd, environment | {"NODE": "sftpd", "DB_POOL": "0"}))
    beat = (*CELERY, "beat", "--loglevel", "WARNING", "--pidfile=", "--schedule", str(supervisor.notes / "beat"))
    supervisor.start(Program("beat", beat, environment | {"NODE": "beat", "DB_POOL": "0"}))
    supervisor.start(external_site.program(port))
    wait_until(
        supervisor,
        "all of them listen",
        lambda: (
            all(path.exists() for path in ready) and listens(external_site.port) and listens(departments.ports["drop"])
        ),
    )
    supervisor.note_pids()


def wait_until(supervisor: Supervisor, what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition. Raise RuntimeError with the end of its log where a program ends meanwhile."""
    until = time.monotonic() + seconds
    while not condition():
        for name, running_program in supervisor.programs.items():
            if (code := running_program.process.poll()) is not None:
                log = supervisor.log(name)
                raise RuntimeError(f"{name} ended with code {code} ({log}):\n{log.read_text(errors='replace')[-3000:]}")
        if time.monotonic() > until:
            raise RuntimeError(f"Waited {seconds:.0f} s in vain until {what}; the logs are in {supervisor.notes}.")
        time.sleep(0.1)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0

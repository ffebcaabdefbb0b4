"""Real nodes of the whole mall on the test's own database: processes that share a port, to be killed and asked again.

The test must commit what the nodes shall see (``transactional_db``), and every node is gone when the block ends:
a connection that one left open would keep the test database from being dropped.
"""

import os
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from django.db import connection

from deploy.demo.stack import PROJECT
from deploy.servers import processes
from tests.support.private_servers import PREFIX
from tests.support.waiting import wait_for

HTTPS = 443


class Nodes:
    """``port`` is where all of them listen; ``url`` an address as a browser knows it."""

    def __init__(self, folder: Path, port: int, environment: dict[str, str]):
        self.folder, self.port = folder, port
        self.environment = environment
        self._running = {}

    def url(self, host: str, path: str = "/") -> str:
        scheme, public = self.environment["PUBLIC_SCHEME"], int(self.environment["PUBLIC_PORT"])
        where = host if (scheme, public) == ("https", HTTPS) else f"{host}:{public}"
        return f"{scheme}://{where}{path}"

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    def kill(self, name: str) -> int:
        """Kill -9 a node; it is gone, sockets and all, when this returns."""
        process = self._running.pop(name)
        process.kill()
        process.wait()
        return process.pid

    def restart(self, name: str) -> int:
        """Bring a node back, stopped before where it still runs. From the main thread only (processes.start)."""
        if name in self._running:
            processes.stop(self._running.pop(name), signal.SIGTERM, seconds=10)
        self.start(name)
        return self.pids[name]

    def logs(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.stem}\n{log.read_text(errors='replace')}" for log in logs)

    def start(self, *names: str) -> None:
        """Start nodes and wait until they listen."""
        ready = [self.folder / f"{name}.ready" for name in names]
        for name, file in zip(names, ready, strict=True):
            file.unlink(missing_ok=True)
            self._running[name] = processes.start(
                [sys.executable, "-m", "deploy.demo.node", str(self.port)],
                log=self.folder / f"{name}.log",
                last_signal=signal.SIGTERM,
                environment=self.environment | {"NODE": name, "READY_FILE": str(file)},
                folder=PROJECT,
            )

        def listening() -> bool:
            for name in names:
                assert self._running[name].poll() is None, f"{name} does not start."
            return all(file.exists() for file in ready)

        wait_for(listening, f"{', '.join(names)} to listen", 60)

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            processes.stop(process, signal.SIGTERM, seconds=10)


@contextmanager
def running_nodes(count: int = 2, port: int | None = None, tls: tuple[str, str] | None = None, **environment: str):
    """Nodes ``web1`` … while the block lasts; what fails in it is shown with their logs.

    Without ``tls`` they stand behind a balancer that ends it (``Wire(port, forwarded_proto="https")``); with a
    certificate's and a key's file they speak TLS themselves, on the port that addresses name. They do not probe the
    master, unless ``PROBE_SECONDS`` says how often (with TLS ``PROBE_CA`` too: the authority's file).
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        port = port or processes.free_port()
        nodes = Nodes(Path(folder), port, environment_for(Path(folder), port, tls) | environment)
        try:
            nodes.start(*(f"web{number}" for number in range(1, count + 1)))
            yield nodes
        except BaseException as error:
            error.add_note(nodes.logs()[-4_000:])
            raise
        finally:
            nodes.stop()


def environment_for(folder: Path, port: int, tls: tuple[str, str] | None) -> dict[str, str]:
    own = os.environ | {
        "DATABASE_URL": url_of_test_database(),
        "DB_POOL": "4",
        "DJANGO_SETTINGS_MODULE": "mall.settings",
        "PYTHONUNBUFFERED": "1",
        "PUBLIC_SCHEME": "https",
        "PUBLIC_PORT": str(port if tls else HTTPS),
        "BEHIND_PROXY": "true",
        "DEMO": "1",
        "MALL_DATA": str(folder),
        "STATIC_ROOT": str(folder),  # with DEMO, files come from the apps' own folders
        "LOG_FORMAT": "plain",
        "EGRESS_ALLOW": "127.0.0.0/8",
        "PROBE_SECONDS": "0",  # no name of a test resolves, and a node does not know its test's authority
        "PROBE_ADDRESS": f"127.0.0.1:{port}",
        "PROBE_CA": "",
    }
    return own | (dict(zip(("TLS_CERT", "TLS_KEY"), tls, strict=True)) if tls else {})


def url_of_test_database() -> str:
    """The run's own server, and the database that pytest-django made on it."""
    name = quote(connection.settings_dict["NAME"], safe="")
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()

"""The external magazine that shares the shopper: a site of its own beside the demo."""

import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.ports import port_near
from deploy.demo.secret_files import kept_secret
from deploy.demo.supervisor import Program

SITE = Path("deploy/external_site/site.py")
HOST = "lanternpost.localhost"


@dataclass(frozen=True)
class ExternalSite:
    """The site's port, and the secret that it shares with the mall."""

    port: int
    secret: Path

    @property
    def for_the_mall(self) -> dict[str, str]:
        """Return the environment from which the registry's entry is loaded."""
        return {"DEMO_EXTERNAL_PORT": str(self.port), "DEMO_EXTERNAL_SECRET": self.secret.read_text()}

    def program(self, mall_port: int) -> Program:
        """Return the program, without the mall's environment; it dials 127.0.0.1, for *.localhost does not resolve."""
        command = [sys.executable, str(SITE), "--port", str(self.port), "--secret-file", str(self.secret)]
        addresses = {
            "--origin": f"http://{HOST}:{self.port}",
            "--mall": f"http://mall.localhost:{mall_port}",
            "--dial": f"http://127.0.0.1:{mall_port}",
        }
        return Program("magazine", (*command, *(word for pair in addresses.items() for word in pair)), os.environ)


def open_external_site(data: Path, first_port: int) -> ExternalSite:
    """Prepare the site of a data folder. Its secret stays; its port may change at each start, and the mall is told."""
    return ExternalSite(port_near(first_port), kept_secret(data / "secrets" / "lanternpost", secrets.token_urlsafe(32)))

"""The README of the departments' programs, followed word by word: from nothing to orders in a shop's books.

Its blocks of commands are run as they stand, in an empty folder with a fresh environment and the built wheel; of the
examples in it the mall's address, the key and the order's number are put in.
"""

import re
import shutil
import subprocess
import sys

import pytest
from django.urls import reverse

from cart.orders.models import Consignment
from shipping.models import Department, Dispatch, Route
from tests.integration.shipping.conftest import SITES
from tests.integration.shipping.test_admin import sign_in  # noqa: F401 -- signs staff in
from tests.support.html import form_data

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.scale, pytest.mark.timeout(300)]
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
EXAMPLE = "https://mall.example/ship/v1/"


def steps():
    """The blocks of commands of the README's first part."""
    text = (SITES / "README.md").read_text().partition("## From nothing")[2].partition("\n## ")[0]
    return ["\n".join(line.strip() for line in block.splitlines()) for block in BLOCK.findall(text)]


def build_wheel(folder):
    command = [sys.executable, "-m", "venv", folder / "builder"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    sites = folder / "sites"
    shutil.copytree(SITES, sites, ignore=shutil.ignore_patterns("__pycache__"))
    command = [folder / "builder" / "bin" / "pip", "wheel", "--no-deps", "-w", folder, sites]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return next(folder.glob("mall_department-*.whl"))


class Home:
    """An empty folder on a vendor's machine, in which the README's commands are run as they stand."""

    def __init__(self, folder, mall):
        self.folder, self.mall = folder, mall

    def follow(self, block, typed="", code=0, number="M-7K3Q-1"):
        words = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder)}
        block = block.replace(EXAMPLE, self.mall).replace("M-7K3Q-1", number)
        done = subprocess.run(
            ["sh", "-e", "-c", block], cwd=self.folder, env=words, input=typed, capture_output=True, text=True,
            timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def home(tmp_path, live_server, scale):
    if scale == 1:
        pytest.skip("It builds a wheel and makes an environment: make prove.")
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.move(build_wheel(tmp_path), folder)
    return Home(folder, f"http://mall.localhost:{live_server.url.rpartition(':')[2]}/ship/v1/")


def make_key(client, vendor):
    """Make the department and its key in the admin, as step 2 says; the line that is shown once."""
    client.post(reverse("admin:shipping_department_add"), {"name": "Shipping"})
    department = Department.objects.get(vendor=vendor)
    page = client.post(reverse("admin:shipping_department_keys", args=[department.pk]), {"button": "make"})
    (line,) = re.findall(r'class="registry-copy">([^<]+)<', page.content.decode())
    return line


def add_route(client, vendor):
    """Add the route in the admin, as step 3 says; its page."""
    add = reverse("admin:shipping_route_add") + "?transport=pull_http"
    form = {name: value for name, value in form_data(client.get(add)).items() if name != "q"}
    department = Department.objects.get(vendor=vendor)
    client.post(add, form | {"department": department.pk, "rank": 1, "ack_policy": "callback"})
    route = Route.objects.get()
    return client.get(reverse("admin:shipping_route_change", args=[route.pk])).content.decode()


@pytest.mark.timeout(600)
def test_new_vendor_follows_the_readme_to_merged_orders(home, vendor, place_order, sign_in):  # noqa: F811
    install, key_file, pull, books, sent, watch = steps()
    home.follow(install)
    client = sign_in(vendor, "owner")
    home.follow(key_file, typed=f"{make_key(client, vendor)}\n")
    assert (home.folder / "keys").stat().st_mode & 0o077 == 0
    assert "/ship/v1/</code>" in add_route(client, vendor), "the route's page says the address"
    assert home.follow(pull) == "", "no order waits"
    for _ in range(2):
        place_order(vendor)
    assert home.follow(pull).count(": applied") == 2
    assert {row.state for row in Dispatch.objects.all()} == {"acked"}
    listed = home.follow(books)
    assert listed.count("to pack") == 2
    number = listed.split()[0]
    home.follow(sent, number=number)
    assert Consignment.objects.get(number=number).tracking_number == "RR123456785IE"
    assert home.follow(books).count("to pack") == 1
    place_order(vendor)
    assert ": applied" in home.follow(f"timeout 5 {watch}", code=124)

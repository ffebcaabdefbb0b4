"""A farm with a second one of each part: its files, its secrets, and the promotion's words for what it will not do."""

import json
import os
import sys

import pytest

from deploy.farm import FarmError, compose, credentials, pairs
from sessions_farm.stores.redis.address import read_address
from tests.support.product_code import ROOT
from vendors import task_queue

HA = (ROOT / "deploy" / "compose.ha.yaml").read_text()
SERVICES = HA.partition("\nservices:\n")[2].partition("\n# The same names")[0]


@pytest.fixture
def farm(monkeypatch, tmp_path):
    """A farm with pairs, whose files are a test's own and which has no containers."""
    monkeypatch.setattr(compose, "RUN", tmp_path / "run")
    monkeypatch.setattr(credentials, "SECRETS", tmp_path / "secrets")
    monkeypatch.setattr(credentials, "docker", lambda *_words: "")
    monkeypatch.setattr(compose.Farm, "containers", lambda _self, *_services: [])
    own = compose.Farm("demo", "mall")
    pairs.choose_pairs(own, "1")
    return own


DOCKER = """#!{python}
import io, json, pathlib, sys, tarfile
here, words = pathlib.Path(__file__).parent, sys.argv[1:]
world = json.loads((here / "world.json").read_text())
with (here / "done").open("a") as done:
    done.write(" ".join(words[:3]) + "\\n")
if words[0] == "exec" and "pg_is_in_recovery" in words[-1]:
    print({{"standby": "t", "primary": "f"}}[world["roles"][words[1]]])
if words[0] == "cp" and words[2] == "-":
    content = world["settings"].encode()
    entry = tarfile.TarInfo("postgresql.auto.conf")
    entry.size = len(content)
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        archive.addfile(entry, io.BytesIO(content))
if words[:2] == ["cp", "-"]:
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive, (here / "done").open("a") as done:
        done.write(f"put {{[entry.name for entry in archive]}}\\n")
"""


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """A program in docker's place, which answers as an engine with such containers; return what it was asked to do."""
    folder = tmp_path / "engine"
    folder.mkdir()

    def make(roles, settings=""):
        (folder / "world.json").write_text(json.dumps({"roles": roles, "settings": settings}))
        program = folder / "docker"
        program.write_text(DOCKER.format(python=sys.executable))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return lambda: (folder / "done").read_text().splitlines()

    return make


def container(service, state="running"):
    return compose.Container(service, f"mall-{service}-1", service, 1, state, "healthy", 0)


def test_pairs_are_remembered_and_laid_over_the_farm(farm):
    assert [path.name for path in farm.files] == [
        "compose.yaml",
        "compose.demo.yaml",
        "compose.ha.yaml",
        "compose.ha.demo.yaml",
    ]
    again = compose.Farm("production", "mall") if (ROOT / "deploy" / "production.env").exists() else farm
    assert again.has_pairs
    pairs.choose_pairs(farm, "")
    assert farm.has_pairs
    pairs.choose_pairs(farm, "0")
    assert [path.name for path in farm.files] == ["compose.yaml", "compose.demo.yaml"]


def test_a_farm_that_is_there_is_not_changed_into_another(farm, monkeypatch):
    monkeypatch.setattr(compose.Farm, "containers", lambda _self, *_services: [container("db")])
    with pytest.raises(FarmError, match="make farm-down first"):
        pairs.choose_pairs(farm, "0")
    with pytest.raises(FarmError, match="neither 0 nor 1"):
        pairs.choose_pairs(farm, "yes")


def test_the_data_of_a_promoted_standby_are_not_left_behind(farm):
    farm.write_numbers(farm.numbers() | {"STANDBY_LEADS": 1})
    with pytest.raises(FarmError, match="promoted standby's"):
        pairs.choose_pairs(farm, "0")


def test_the_addresses_of_pairs_are_read_by_every_part(farm, tmp_path):
    credentials.make_secrets(farm)
    for name in ("redis_ha_url", "broker_ha_url", "cache_ha_url"):
        address = read_address(credentials.read_secret(name), name)
        assert len(address.sentinels) == 3
        assert address.sentinel_login["username"] == address.login["username"] == "mall"
    assert task_queue.configured(credentials.read_secret("broker_ha_url"))["options"]["master_name"] == "mall"
    texts = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    lists = [text for name, text in texts.items() if name.endswith("_acl")]
    for name in ("replica_password", "sentinel_password", "redis_password"):
        assert not any(texts[name] in text for text in lists), name
        assert sum(credentials.digest_of(texts[name]) in text for text in lists) >= 2, name
    assert all(line.startswith("user ") for text in lists for line in text.splitlines())


def test_there_is_nothing_to_promote_without_pairs(farm):
    pairs.choose_pairs(farm, "0")
    with pytest.raises(FarmError, match="one database"):
        pairs.promote(farm)


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({}, "neither database is there"),
        ({"db": "primary", "db-standby": "gone"}, "db-standby is gone"),
        ({"db": "primary", "db-standby": "primary"}, "db is primary, db-standby is primary"),
    ],
)
def test_without_a_standby_nothing_is_promoted_and_it_says_why(farm, engine, monkeypatch, roles, words):
    there = [container(name, "exited" if role == "gone" else "running") for name, role in roles.items()]
    monkeypatch.setattr(compose.Farm, "containers", lambda _self, *_services: there)
    engine(roles)
    with pytest.raises(FarmError, match=words):
        pairs.promote(farm)


@pytest.mark.parametrize(("settings", "is_whole"), [("synchronous_standby_names = '*'\n", True), ("", False)])
def test_orders_that_only_the_primary_has_are_not_given_up(farm, engine, monkeypatch, settings, is_whole):
    """The former primary lives on: it is ended before the promotion, and marked before it starts again."""
    there = [container("db"), container("db-standby")]
    monkeypatch.setattr(compose.Farm, "containers", lambda _self, *_services: there)
    done = engine({"db": "primary", "db-standby": "standby"}, settings)
    if not is_whole:
        with pytest.raises(FarmError, match="FORCE=1"):
            pairs.promote(farm)
        assert [line for line in done() if line.startswith(("stop", "start", "put"))] == []
        monkeypatch.setenv("FORCE", "1")
    pairs.promote(farm)
    assert [line for line in done()[-5:] if not line.startswith("exec db psql")] == [
        "stop --time 0",
        "exec db-standby psql",
        f"cp - db:{pairs.DATA}",
        "put ['fenced']",
        "start db",
    ]
    assert farm.numbers()["STANDBY_LEADS"] == 1


def test_every_part_of_a_pair_is_bounded_and_reached_from_inside_alone():
    assert "privileged" not in HA
    assert HA.count("ports:") == 1  # the second balancer's
    for name in ("db-standby", "db-keeper", "redis-replica", "cache-replica"):
        block = SERVICES.partition(f"\n  {name}:\n")[2].partition("\n  cache:\n")[0].partition("\n\n")[0]
        assert "mem_limit" in block, name
        assert "outside" not in block, name
    assert "read_only: true" in HA.partition("services:")[0]
    assert "pids_limit" in HA.partition("x-sentinel")[2].partition("services:")[0]


def test_no_program_of_the_mall_looks_a_database_up_by_a_name_that_goes():
    """A container that is gone takes its name with it, and to find that out takes seconds."""
    assert "{BACK_PREFIX:-10.213.97}.21" in SERVICES.partition("\n  db:\n")[2].partition("\n\n")[0]
    of_the_mall = ("web", "web-large", "worker", "dispatchd", "sftpd", "jobs", "beat")
    assert [name for name in of_the_mall if f"\n  {name}: *hosts\n" not in HA] == []

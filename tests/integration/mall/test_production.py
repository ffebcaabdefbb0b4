"""The farm in production: settings without a warning, secrets that are kept, words for what goes wrong."""

import os
import re
import stat
import subprocess
import sys

import pytest
import yaml

from deploy.farm import FarmError, backup, compose, credentials, nodes, reach, running, scaling
from tests.support.product_code import ROOT

COMPOSE = (ROOT / "deploy" / "compose.yaml").read_text()
SERVICES = COMPOSE.partition("\nservices:\n")[2].partition("\nsecrets:\n")[0]


def test_the_production_settings_pass_djangos_own_check():
    own = {
        "DJANGO_SETTINGS_MODULE": "mall.settings",
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "PUBLIC_SCHEME": "https",
        "BEHIND_PROXY": "true",
        "HSTS_SECONDS": "31536000",
        "DEMO": "false",
        "DEBUG": "false",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def farm(monkeypatch, tmp_path):
    """A farm whose files are a test's own and whose engine has the volumes that the test says."""
    monkeypatch.setattr(compose, "RUN", tmp_path / "run")
    monkeypatch.setattr(credentials, "SECRETS", tmp_path / "secrets")
    volumes = []
    monkeypatch.setattr(credentials, "docker", lambda *_words: "\n".join(volumes))
    own = compose.Farm("demo", "mall")
    own.volumes = volumes
    return own


def test_secrets_are_made_once_and_are_their_owners_alone(farm, tmp_path):
    made = credentials.make_secrets(farm)
    folder = tmp_path / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    texts = {name: (folder / name).read_text() for name in made}
    assert len(texts["secret_key"]) >= 50
    assert texts["redis_password"] not in texts["redis_acl"]
    assert texts["redis_password"] in texts["redis_url"]
    assert not any(text.endswith("\n") for name, text in texts.items() if not name.endswith("_acl"))
    assert credentials.make_secrets(farm) == []
    assert {name: (folder / name).read_text() for name in made} == texts


def test_new_secrets_beside_old_data_are_told_in_words(farm, tmp_path):
    farm.volumes.append("mall_pg17")
    with pytest.raises(FarmError, match=r"(?s)database of before.*farm-erase"):
        credentials.make_secrets(farm)
    assert list((tmp_path / "secrets").iterdir()) == []


def test_a_new_key_is_known_to_all_nodes_before_it_seals(farm, tmp_path):
    credentials.make_secrets(farm)
    old = credentials.read_secret("secret_key")
    credentials.rotate_key()
    coming = credentials.read_secret("secret_key_fallbacks")
    assert credentials.read_secret("secret_key") == old
    credentials.rotate_key()
    assert credentials.read_secret("secret_key") == coming
    assert credentials.read_secret("secret_key_fallbacks") == old


def test_a_backup_that_is_cut_short_is_none(tmp_path):
    (tmp_path / "database.dump").write_bytes(b"PGDMP")
    with pytest.raises(FarmError, match=r"media\.tar is missing"):
        backup.check_backup(tmp_path)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ('FATAL:  password authentication failed for user "mall"', "another password"),
        ("The database files are incompatible with server", "another version of PostgreSQL"),
    ],
)
def test_a_farm_that_does_not_start_says_why(farm, monkeypatch, log, words):
    failed = compose.Container("1", "mall-migrate-1", "migrate", 1, "exited", "", 1)
    monkeypatch.setattr(compose.Farm, "containers", lambda _self, *_services: [failed])
    monkeypatch.setattr(compose.Farm, "run", lambda _self, *_words, **_options: log)
    assert words in running.why(farm, "service migrate didn't complete")
    assert "choose others" in running.why(farm, "bind: address already in use")
    assert "EDGE_NET=" in running.why(farm, "Pool overlaps with other one on this address space")


def test_every_service_is_bounded_and_none_is_privileged():
    assert "privileged" not in COMPOSE
    assert COMPOSE.count("ports:") == 2  # the balancer's, and that of the drop folders
    assert "back: {internal: true}" in COMPOSE
    for name in ("db", "redis", "cache"):
        block = SERVICES.partition(f"\n  {name}:\n")[2].partition("\n\n")[0]
        assert "mem_limit" in block, name
        assert "pids_limit" in block, name
        assert "networks: [back]" in block, name


def composed():
    """The services of the production's file, and of both with the demo's laid over it; by name."""
    production = yaml.safe_load(COMPOSE)
    demo = yaml.safe_load((ROOT / "deploy" / "compose.demo.yaml").read_text())
    both = {part: production.get(part, {}) | demo.get(part, {}) for part in ("secrets", "networks", "volumes")}
    names = {*production["services"], *demo["services"]}
    both["services"] = {name: production["services"].get(name, {}) | demo["services"].get(name, {}) for name in names}
    return production, both


def names_in(service, part):
    """The secrets, networks or named volumes that a service names, and the services that it waits for."""
    found = service.get(part, [])
    if part == "volumes":
        return {each.partition(":")[0] for each in found if each[0] not in "./"}
    return set(found)


def test_what_the_compose_files_name_is_there():
    for file in composed():
        for name, service in file["services"].items():
            for part in ("secrets", "networks", "volumes"):
                assert names_in(service, part) <= set(file[part]), (name, part)
            assert names_in(service, "depends_on") <= set(file["services"]), name


def test_drop_folders_are_served_and_fetched_from():
    production, both = composed()
    server = production["services"]["sftpd"]
    assert server["ports"] == ["${BIND:-127.0.0.1}:${DROP_FOLDER_PORT:-2022}:2022"]
    assert set(server["networks"]) == {"back", "folders"}
    keys = {name for name, each in production["services"].items() if "drop_key:/drop_key" in each.get("volumes", [])}
    assert keys == {"sftpd", "volumes"}, "no node reads the host key"
    client = both["services"]["saltmarsh"]
    assert client["networks"] == ["folders"]
    assert "sftpd:2022" in client["command"]
    assert "sftpd" in scaling.WORKERS


def test_the_balancers_lists_follow_the_nodes(farm, monkeypatch):
    def node(name, health="healthy"):
        return compose.Container(name, f"mall-{name}", "web", 1, "running", health, 0)

    there = {"web": [node("web-1", "unhealthy"), node("web-2"), node("web-3", "starting")], "web-large": []}
    monkeypatch.setattr(compose.Farm, "running", lambda _self, *services: there.get(services[0], [node("lb")]))
    monkeypatch.setattr(compose.Farm, "run", lambda _self, *_words, **_options: "")
    nodes.follow_nodes(farm, leaving=[there["web"][1]])
    folder = farm.folder / "nodes"
    assert (folder / "shared.caddy").read_text() == "to mall-web-1:8000\n"
    assert (folder / "large.caddy").read_text() == "# nobody\n"
    with pytest.raises(FarmError, match="leave nobody"):
        scaling.scale_pools(farm, {"WEB": 0})


@pytest.fixture
def told(farm, monkeypatch):
    """What a farm with a door and two balancers is told, one after the other; a reload fails where a test says so."""
    said = []
    there = {
        name: compose.Container(name, f"mall-{name}-1", name, 1, "running", "", 0) for name in ("door", "lb", "lb2")
    }
    monkeypatch.setattr(compose.Farm, "running", lambda _self, *names: [there[name] for name in names if name in there])

    def run(_self, *words, **_options):
        if "reload" in words and "faulty" in said:
            raise FarmError("adapting config")
        said.append(f"{words[2]} {words[-1]}" if words[2] == "door" else f"{words[2]} {words[4]}")
        return ""

    monkeypatch.setattr(compose.Farm, "run", run)
    monkeypatch.setattr(nodes, "SETTLE", 0)
    return said


def leads(balancer, state):
    words = "".join(f"set server {way}/{balancer} state {state};" for way in ("tls", "plain"))
    return f"door exec 3<>/dev/tcp/127.0.0.1/9999; echo '{words}' >&3; cat <&3"


def test_a_balancer_reads_its_configuration_while_nobody_comes_to_it(farm, told):
    """Whoever had connected to it and not yet asked is cut off by a reload."""
    nodes.reload_balancer(farm)
    assert told == [
        "lb validate",
        *(leads("lb", "drain"), "lb reload", leads("lb", "ready")),
        *(leads("lb2", "drain"), "lb2 reload", leads("lb2", "ready")),
    ]


def test_a_balancer_that_refuses_its_configuration_is_led_to_again(farm, told):
    told.append("faulty")
    with pytest.raises(FarmError, match="adapting config"):
        nodes.reload_balancer(farm)
    assert told[-1] == leads("lb", "ready")


def test_a_farm_is_up_where_its_one_shots_have_done_their_work(farm, monkeypatch):
    def container(service, state, health="", exit_code=0):
        return compose.Container(service, f"mall-{service}-1", service, 1, state, health, exit_code)

    there = [container("web", "running", "healthy"), container("seed", "exited")]
    monkeypatch.setattr(compose.Farm, "containers", lambda _self: there)
    running.wait_well(farm, 1)
    there.append(container("migrate", "exited", exit_code=1))
    with pytest.raises(FarmError, match="ended with an error: migrate"):
        running.wait_well(farm, 1)
    there[-1] = container("beat", "running", "starting")
    with pytest.raises(FarmError, match="in vain"):
        running.wait_well(farm, 0)


def test_only_the_gate_and_the_drop_folders_are_published():
    production, _both = composed()
    assert {name for name, each in production["services"].items() if "ports" in each} == {"door", "sftpd"}
    door = (ROOT / "deploy" / "balancer" / "door.cfg").read_text()
    for balancer in nodes.BALANCERS:
        assert f"server {balancer} {balancer}:8443" in door
        assert f"server {balancer} {balancer}:8080" in door
    assert all(f"\nlisten {way}\n" in door for way in nodes.WAYS)


def test_the_scan_of_the_networks_knows_every_service_of_the_mall():
    """One that it does not know is a stranger's machine, and may be reached by anybody."""
    pairs = (ROOT / "deploy" / "compose.ha.yaml").read_text()
    services = SERVICES + pairs.partition("\nservices:\n")[2].partition("\n# The same names")[0]
    known = {service for services in reach.KINDS.values() for service in services}
    assert set(re.findall(r"^  ([a-z0-9-]+):", services, re.MULTILINE)) - {"volumes", "migrate"} == known - {"mail"}


def place(service):
    return reach.Place(service, 1, (), (), has_way_out=False)


def test_strangers_may_reach_drop_folders_and_figures_of_the_mall_and_no_data():
    stranger = place("fowlers-dispatch")
    allowed = [("sftpd", 2022), ("worker", 9100), ("lb", 8081), ("mail", 2525)]
    refused = [
        ("db", 5432),
        ("redis-replica", 6379),
        ("sentinel-1", 26379),
        ("web", 8000),
        ("worker", 2022),
        ("door", 8443),
    ]
    assert all(reach.Way(stranger, place(service), port).is_allowed for service, port in allowed)
    assert not any(reach.Way(stranger, place(service), port).is_allowed for service, port in refused)
    assert not reach.Way(place("mail"), place("redis"), 6379).is_allowed
    assert not reach.Way(place("lb"), place("worker"), 9100).is_allowed


def test_what_is_the_farms_own_is_asked_of_no_node_by_strangers():
    """Caddy sorts: a respond outside comes after every handle, so it answered nobody."""
    balancer = (ROOT / "deploy" / "balancer" / "Caddyfile").read_text()
    site = balancer.partition("\nhttps:// {")[2].partition("\n}\n")[0]
    assert "handle @operations {\n\t\trespond 404" in site
    assert site.index("handle @operations") < site.index("handle @large") < site.index("handle {")


def test_a_node_keeps_idle_connections_for_longer_than_the_balancer():
    """A form that is sent just as a node closes an idle connection cannot be sent again."""
    balancer = (ROOT / "deploy" / "balancer" / "Caddyfile").read_text()
    entry = (ROOT / "deploy" / "entrypoint").read_text()
    balancers = int(re.search(r"\tkeepalive (\d+)s", balancer)[1])
    nodes_own = int(re.search(r"--timeout-keep-alive (\d+)", entry)[1])
    assert nodes_own >= 2 * balancers

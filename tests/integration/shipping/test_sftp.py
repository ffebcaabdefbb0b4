"""A file by SFTP: whole or not there, never over another, to the right server only."""

import os
import threading
import time
from datetime import timedelta

import asyncssh
import pytest
from django.utils import timezone

from shipping import services
from shipping.envelope import ORDER, seal
from shipping.keys import file_name
from shipping.models import Dispatch
from shipping.runner import drain
from shipping.transports.files.sftp import SftpTransport
from tests.integration.shipping.conftest import signing_key


@pytest.fixture
def route(route_to, sftp_department):
    return route_to("sftp", sftp_department.config, {"password": sftp_department.password})


def signed(row):
    return seal(bytes(row.body), ORDER, [signing_key("fowlers")])


@pytest.fixture
def row(route, vendor, place_order, dispatch_of):
    return dispatch_of(place_order(vendor))


def test_server_with_another_host_key_gets_nothing(row, route, route_to, sftp_department):
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    route_to("sftp", sftp_department.config | {"host_key": other}, {"password": sftp_department.password})
    assert drain() == {"retry": 1}
    route.refresh_from_db()
    assert (route.state, sftp_department.files) == ("held", [])
    assert "host key" in route.reason
    route_to("sftp", sftp_department.config, {"password": sftp_department.password})  # the control: the right one
    drain()
    assert len(sftp_department.files) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"password": "no"}, {"private_key": "rubbish"}, {"host_key": "ssh-ed25519 rubbish"}, {"folder": "../../etc"}],
)
def test_wrong_settings_hold_the_route(wrong, row, route, route_to, sftp_department):
    secret = {"password": sftp_department.password} | {
        k: v for k, v in wrong.items() if k in {"password", "private_key"}
    }
    config = sftp_department.config | {k: v for k, v in wrong.items() if k in {"host_key", "folder"}}
    route_to("sftp", config, secret)
    drain()
    route.refresh_from_db()
    row.refresh_from_db()
    assert (route.state, row.state) == ("held", "held")


def test_half_a_file_is_never_seen(route, vendor, place_order, dispatch_of, sftp_department, cutter, scale):
    """Pushes are cut at many points; a scanner that never rests sees only whole files."""
    size = len(signed(dispatch_of(place_order(vendor))))
    stop, seen = threading.Event(), []

    def scan():
        while not stop.is_set():
            seen.extend(path.stat().st_size for path in sftp_department.inbox.glob("csg_*.json"))

    scanner = threading.Thread(target=scan)
    scanner.start()
    try:
        for cut in range(1, 9 if scale == 1 else 21):
            proxy = cutter(sftp_department.port, cut_after=cut * (700 if scale == 1 else 280))
            services.set_up_route(
                vendor=vendor,
                transport="sftp",
                config=sftp_department.config | {"port": proxy.port},
                secrets={"password": sftp_department.password},
                now=timezone.now(),
            )
            Dispatch.objects.update(spent=0)  # else it is given up before the last cuts
            drain(now=timezone.now() + cut * timedelta(days=1))
    finally:
        stop.set()
        scanner.join()
    left = [path for path in sftp_department.inbox.iterdir() if path.name.endswith(".part")]
    assert set(seen) <= {size}
    assert left, "the control: no push was cut while it was writing"


def test_file_of_that_name_with_other_content_is_left_alone(row, sftp_department):
    final = sftp_department.inbox / file_name(row.key, row.sha256)
    final.write_bytes(b"theirs")
    assert drain() == {"refused": 1}
    assert final.read_bytes() == b"theirs"
    row.refresh_from_db()
    assert "something else" in row.reason
    final.unlink()
    drain(now=timezone.now() + timedelta(hours=1))
    assert final.read_bytes() == signed(row)


def test_file_that_arrived_without_our_knowing_is_enough(row, sftp_department):
    final = sftp_department.inbox / file_name(row.key, row.sha256)
    final.write_bytes(signed(row))  # the answer to the rename was lost
    os.utime(final, (1, 1))
    assert drain() == {"sent": 1}
    assert final.stat().st_mtime == 1, "it was written again"


def test_cut_push_leaves_nothing_once_another_has_gone_through(route, row, route_to, sftp_department, cutter):
    proxy = cutter(sftp_department.port, cut_after=3500)
    route_to("sftp", sftp_department.config | {"port": proxy.port}, {"password": sftp_department.password})
    assert drain() == {"retry": 1}
    Dispatch.objects.update(next_at=timezone.now())
    (sftp_department.inbox / f".{file_name(row.key, row.sha256)}.1.part").touch()  # wherever the cut was
    route_to("sftp", sftp_department.config, {"password": sftp_department.password})
    assert drain() == {"sent": 1}
    assert [path.name for path in sftp_department.files] == [file_name(row.key, row.sha256)]


def test_name_taken_between_look_and_rename_is_not_overwritten(row, sftp_department, monkeypatch):
    final = sftp_department.inbox / file_name(row.key, row.sha256)
    rename = asyncssh.SFTPClient.rename

    async def after_another(client, *arguments, **options):
        final.write_bytes(b"theirs")
        await rename(client, *arguments, **options)

    monkeypatch.setattr(asyncssh.SFTPClient, "rename", after_another)
    assert drain() == {"refused": 1}
    assert final.read_bytes() == b"theirs"
    assert sftp_department.files == [final], "nothing of ours is left"


def test_newest_of_more_than_one_look_holds_is_found(route, vendor, place_order, sftp_department, monkeypatch):
    monkeypatch.setattr(SftpTransport, "most_files", 3)
    rows = [Dispatch.objects.get(consignment__order=place_order(vendor)) for _ in range(8)]
    assert drain() == {"sent": 8}
    newest = sftp_department.inbox / file_name(rows[-1].key, rows[-1].sha256)
    newest.rename(newest.parent / "done" / newest.name)
    assert drain(now=timezone.now() + timedelta(minutes=1)) == {"collected": 1}
    assert list(Dispatch.objects.filter(state="acked")) == [rows[-1]]


def test_look_for_acknowledgements_is_not_slowed_by_what_is_done(route, row, sftp_department, scale):
    drain()
    for number in range(3000 * scale):
        (sftp_department.inbox / "done" / f"old_{number}.json").touch()
    (sftp_department.inbox / f"{file_name(row.key, row.sha256)}.ack").touch()
    begun = time.monotonic()
    assert drain(now=timezone.now() + timedelta(minutes=1)) == {"collected": 1}
    assert time.monotonic() - begun < 10

"""Jobs of the staff: done once, whichever worker dies; refused rows are counted; one's own only."""

from datetime import timedelta

import pytest
from auditlog.context import set_extra_data
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mall.accounts.models import User
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.audit import log_changes
from vendors.jobs import retention, running, services
from vendors.jobs.errors import JobLostError, JobRefusedError, JobStoppedError
from vendors.jobs.kinds import Kind, RowsKind
from vendors.jobs.models import Job, JobFile
from vendors.jobs.run import Run
from vendors.models import Membership, Product

ROLES = frozenset({Membership.Role.OWNER})


class RenameProducts(RowsKind):
    name = "test_rename"
    roles = ROLES
    batch_size = 10
    dies_at = None  # a row in whose batch the worker dies

    def apply(self, job, rows):
        for row in rows:
            if row == type(self).dies_at:
                raise KeyboardInterrupt
            product = Product.objects.filter(pk=row).first()
            if product:
                log_changes([(product, {"name": (product.name, product.name + "!")})])
                Product.objects.filter(pk=row).update(name=product.name + "!")
        return [(f"row {row}", "there is none") for row in rows if row < 0]


class Upper(Kind):
    name = "test_upper"
    roles = ROLES

    def run(self, run):
        text = bytes(run.input().content).decode()
        if not text:
            raise JobRefusedError("The file is empty.")
        run.progress(1, 1)
        run.output("upper.txt", "text/plain", text.upper().encode())
        return "1 text made."


@pytest.fixture
def sides(db, redis_client):
    marketplace = make_marketplace()
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


@pytest.fixture
def dies_at(monkeypatch):
    return lambda row: monkeypatch.setattr(RenameProducts, "dies_at", row)


def start(side, rows, role="owner", **more):
    facts = {"kind": RenameProducts, "title": "Rename", "now": timezone.now(), **more}
    return services.start_job(user=side.staff[role], vendor=side.vendor, rows=rows, **facts)


def later(job):
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))


def client_of(user):
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


def test_a_few_rows_are_done_at_once_and_the_refused_are_counted(sides):
    product = sides[0].rows[Product]
    job = start(sides[0], [product.pk, -1, -2])
    assert (job.state, job.done, job.refused, job.reasons) == (Job.State.FINISHED, 1, 2, {"there is none": 2})
    assert job.summary == "1 of 3 done, 2 left as they are."
    assert Product.objects.get(pk=product.pk).name == product.name + "!"


def test_many_rows_wait_for_a_worker_and_end_in_one_summary(sides):
    job = start(sides[0], [-n for n in range(1, 3_001)])
    assert job.is_open
    running.run_due_jobs()
    job.refresh_from_db()
    assert (job.state, job.position, job.refused, len(job.refusals)) == (Job.State.FINISHED, 3_000, 3_000, 200)
    page = client_of(sides[0].staff["owner"]).get(reverse("admin:jobs_job_change", args=[job.pk]))
    assert "3000 × there is none" in page.content.decode()


def test_a_job_whose_worker_died_goes_on_behind_the_last_batch(sides, dies_at):
    product = sides[0].rows[Product]
    rows = [product.pk, *range(-1, -200, -1)]
    job = start(sides[0], rows)
    dies_at(-25)
    with pytest.raises(KeyboardInterrupt):
        running.run_by_uuid(job.uuid)
    job.refresh_from_db()
    assert (job.state, job.position) == (Job.State.RUNNING, 20)
    running.run_due_jobs()  # nobody else begins it while its lease lasts
    job.refresh_from_db()
    assert job.position == 20

    dies_at(None)
    later(job)
    running.run_due_jobs()
    job.refresh_from_db()
    assert (job.state, job.position, job.refused) == (Job.State.FINISHED, 200, 199)
    assert Product.objects.get(pk=product.pk).name == product.name + "!", "the first batch was done once"


def test_a_job_that_ends_its_worker_each_time_is_given_up(sides, dies_at):
    job = start(sides[0], list(range(-1, -200, -1)))
    dies_at(-1)
    for _ in range(running.CLAIMS):
        with pytest.raises(KeyboardInterrupt):
            running.run_by_uuid(job.uuid)
        later(job)
    running.run_by_uuid(job.uuid)
    job.refresh_from_db()
    assert (job.state, job.summary) == (Job.State.REFUSED, running.AWAY)


def test_a_worker_that_lost_its_claim_changes_nothing(sides):
    job = start(sides[0], list(range(-1, -200, -1)))
    slow = Job.objects.select_related("user", "vendor").get(pk=job.pk)
    assert running.claim_job(slow, timezone.now())
    later(job)
    assert running.claim_job(Job.objects.get(pk=job.pk), timezone.now())
    with pytest.raises(JobLostError), Run(slow).batch():
        pytest.fail("the batch was begun")


def test_a_job_is_stopped_behind_its_batch(sides):
    job = start(sides[0], list(range(-1, -200, -1)))
    assert running.claim_job(job, timezone.now())
    assert services.stop_job(job=job, now=timezone.now())
    with pytest.raises(JobStoppedError), Run(job).batch():
        pytest.fail("the batch was begun")
    assert not services.stop_job(job=job, now=timezone.now()), "it has ended"


def test_a_person_who_lost_the_role_meanwhile_changes_nothing(sides):
    job = start(sides[0], [sides[0].rows[Product].pk, *range(-1, -200, -1)])
    Membership.objects.filter(user=sides[0].staff["owner"]).update(role="support")
    running.run_due_jobs()
    job.refresh_from_db()
    assert (job.state, job.position) == (Job.State.REFUSED, 0)
    assert "no role any more" in job.summary


@pytest.mark.parametrize(("role", "state"), [("operator", "refused"), ("superuser", "finished")])
def test_the_malls_staff_do_what_their_role_allows(sides, role, state):
    is_super = role == "superuser"
    user = User.objects.create_user(
        "boss@example.org", is_staff=True, is_superuser=is_super, mall_role="" if is_super else role
    )
    job = services.start_job(kind=RenameProducts, title="Rename", user=user, vendor=None, now=timezone.now(), rows=[-1])
    assert job.state == state
    assert client_of(user).get(reverse("admin:jobs_job_change", args=[job.pk])).status_code == 200


def test_the_audit_log_names_who_started_the_job(sides):
    product = sides[0].rows[Product]
    start(sides[0], [product.pk, *range(-1, -200, -1)])
    running.run_due_jobs()
    entry = LogEntry.objects.get_for_object(product).first()
    assert (entry.actor, entry.changes) == (sides[0].staff["owner"], {"name": [product.name, product.name + "!"]})


def test_the_audit_log_names_both_where_one_acts_for_another(sides):
    product = sides[0].rows[Product]
    support = User.objects.create_superuser("support@example.org")
    with set_extra_data({"actor": support, "additional_data": {"as": "the owner"}}):
        start(sides[0], [product.pk, *range(-1, -200, -1)])
    running.run_due_jobs()
    entry = LogEntry.objects.get_for_object(product).first()
    assert (entry.actor, entry.additional_data) == (support, {"as": "the owner"})


def test_a_file_goes_in_and_the_one_made_is_its_owners_alone(sides):
    ours, theirs = sides
    file = SimpleUploadedFile("words.txt", b"amber", content_type="text/plain")
    job = services.start_job(
        kind=Upper, title="Upper", user=ours.staff["owner"], vendor=ours.vendor, now=timezone.now(), file=file
    )
    running.run_due_jobs()
    url = reverse("admin:jobs_job_file", args=[job.pk])
    response = client_of(ours.staff["owner"]).get(url)
    assert response.content == b"AMBER"
    assert response.headers["Content-Disposition"] == 'attachment; filename="upper.txt"'
    assert client_of(ours.staff["catalogue"]).get(url).status_code == 404
    assert client_of(theirs.staff["owner"]).get(url).status_code == 404
    owner = client_of(ours.staff["owner"])
    Membership.objects.filter(user=ours.staff["owner"]).delete()
    assert owner.get(url).status_code == 404, "who works there no more gets nothing"


def test_a_refused_job_says_why_in_words(sides):
    job = services.start_job(
        kind=Upper, title="Upper", user=sides[0].staff["owner"], vendor=sides[0].vendor, now=timezone.now(),
        file=SimpleUploadedFile("words.txt", b""),
    )  # fmt: skip
    running.run_due_jobs()
    page = client_of(sides[0].staff["owner"]).get(reverse("admin:jobs_job_change", args=[job.pk])).content.decode()
    assert "Not done" in page
    assert "The file is empty." in page


def test_old_jobs_are_deleted_with_their_files(sides):
    file = SimpleUploadedFile("words.txt", b"amber")
    job = services.start_job(
        kind=Upper, title="Upper", user=sides[0].staff["owner"], vendor=None, now=timezone.now(), file=file
    )
    services.stop_job(job=job, now=timezone.now())
    assert retention.delete_old_jobs(timezone.now()) == 0
    assert retention.delete_old_jobs(timezone.now() + retention.KEPT + timedelta(minutes=1)) == 1
    assert not JobFile.objects.exists()


@pytest.mark.parametrize("address", ["x", "9" * 30, "%00", "-1", "1/file", "1/stop"])
def test_crafted_addresses_are_not_found(sides, address):
    response = client_of(sides[0].staff["owner"]).get(f"/admin/jobs/job/{address}/", follow=True)
    assert response.status_code in {404, 405, 400}

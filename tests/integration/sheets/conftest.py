"""Two vendors of one mall with staff, and a third of another; their people hand files in and take files out."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sessions_farm.communities.models import Community
from tests.support.html import words_of
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.jobs import running
from vendors.jobs.models import Job
from vendors.models import Category, Marketplace


class Office(Client):
    """A member of staff, who hands files in and waits for the worker."""

    def __init__(self, side, role="catalogue", user=None):
        super().__init__(headers={"host": MASTER})
        self.side, self.user = side, user or side.staff[role]
        self.force_login(self.user)

    def work(self):
        """Let the worker do what waits."""
        while running.run_due_jobs():
            pass

    def work_once(self):
        running.run_due_jobs()

    def latest(self) -> Job:
        self.work()
        return Job.objects.filter(user=self.user).latest("pk")

    def check(self, content, model="product", name="goods.csv", **data) -> Job:
        """Hand a file in, and return its check."""
        content = content.encode() if isinstance(content, str) else content
        file = SimpleUploadedFile(name, content, "text/csv")
        data = {"sheet": "products", **data}
        answer = self.post(reverse(f"admin:vendors_{model}_import"), {"file": file, **data})
        assert answer.status_code == 302, words_of(answer)
        return self.latest()

    def start(self, check, model="product"):
        return self.post(reverse(f"admin:vendors_{model}_import_start", args=[check.pk]))

    def do_import(self, content, **more) -> Job:
        """Hand a file in, look at the preview, and import it."""
        check = self.check(content, **more)
        assert check.state == Job.State.FINISHED, (check.summary, check.refusals)
        assert self.start(check, more.get("model", "product")).status_code == 302
        return self.latest()

    def faults(self, content, **more) -> str:
        """Return what a check says of a file that cannot be imported."""
        job = self.check(content, **more)
        assert job.state == Job.State.REFUSED, job.summary
        return "\n".join([job.summary, *(f"{row}, {why}" for row, why in job.refusals)])

    def export(self, model="product", form="xlsx", app="vendors", **data) -> bytes:
        answer = self.post(reverse(f"admin:{app}_{model}_export"), {"format": form, "sheet": "products", **data})
        assert answer.status_code == 302, words_of(answer)
        return self.file_of(self.latest())

    def file_of(self, job) -> bytes:
        assert job.state == Job.State.FINISHED, job.summary
        return self.get(reverse("admin:jobs_job_file", args=[job.pk])).content


@pytest.fixture
def sides(db, redis_client):
    marketplace = make_marketplace()
    Category.objects.create(marketplace=marketplace, slug="lamps", name="Lamps & light")
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


@pytest.fixture
def office(sides):
    return Office(sides[0])


@pytest.fixture
def foreign(sides):
    """A department of another community's marketplace."""
    other = Marketplace.objects.create(
        community=Community.objects.create(slug="tide", name="Tide", cookie_name="tide"), currency="EUR"
    )
    return Category.objects.create(marketplace=other, slug="nets", name="Nets of another mall")

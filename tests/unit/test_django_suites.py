"""The program that runs Django's own suites notices what is new, and what is explained no longer."""

from tests.django_suites.expected import complaints, explained

REASONS = {"auth_tests.a.A.test_known": "why", "csrf_tests.b.B.test_other": "why"}


def test_explained_failures_alone_are_no_complaint():
    assert complaints(["auth_tests.a.A.test_known"], ["auth_tests"], REASONS) == []


def test_failure_without_a_reason_is_one():
    failed = ["auth_tests.a.A.test_known", "auth_tests.a.A.test_new"]
    assert complaints(failed, ["auth_tests"], REASONS) == ["fails unexplained: auth_tests.a.A.test_new"]


def test_explained_test_that_passes_is_one_where_it_was_run():
    assert complaints([], ["auth_tests"], REASONS) == ["is explained, but passes: auth_tests.a.A.test_known"]
    assert complaints([], ["auth"], REASONS) == []


def test_each_reason_is_one_sentence():
    assert all(reason.endswith(".") for reason in explained().values())

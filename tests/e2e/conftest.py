"""The running demo, and a Chromium to walk through it.

Playwright keeps an event loop running in this thread while its browser lives, so these fixtures end with the folder,
and tests here leave Django's database alone: the demo has one of its own.
"""

import json
import logging
import shutil
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect, sync_playwright

from sessions_farm.communities.tests.support.name_server import NameServer
from tests.e2e import chromium, tls
from tests.e2e.farm import running_farm

BLOCKED = 2  # Chromium's content setting
logger = logging.getLogger(__name__)
expect.set_options(timeout=30_000)  # a busy machine is no fault of the pages


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("/conftest.py")):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))  # the first of them waits for the demo to be seeded
    # The slow ones last; and of them first those that need the demo, which then ends.
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None and (1 if needs_demo(item) else 2))


def needs_demo(item) -> bool:
    return "mall_farm" in item.fixturenames


def pytest_runtest_teardown(item, nextitem):
    """End the demo after the last test that needs it: its programs are never idle."""
    if nextitem is not None and needs_demo(item) and not needs_demo(nextitem):
        item.funcargs["mall_farm"].close()


@pytest.fixture(scope="package")
def name_server():
    """The DNS that the demo asks for domains' records; a test writes its zone."""
    with NameServer() as server:
        yield server


@pytest.fixture(scope="package")
def mall_farm(request, name_server):
    """One demo for all tests here; where any of them failed, its logs are left in .pytest_cache/demo."""

    def keep_logs():
        if request.session.testsfailed:
            logs = request.config.cache.mkdir("demo")
            for log in (farm.data / "demo.log", *(farm.data / "run").glob("*.log")):
                shutil.copy(log, logs)

    with ExitStack() as closing:
        farm = closing.enter_context(running_farm(name_server.address))
        farm.close = closing.close
        closing.callback(keep_logs)
        yield farm


@pytest.fixture(scope="package")
def communities(request, tmp_path_factory):
    """Nodes that serve the communities of tests.e2e.tls; their logs are left in .pytest_cache/hosts as the demo's."""
    with tls.running_communities(tmp_path_factory.mktemp("tls")) as nodes:
        yield nodes
        if request.session.testsfailed:
            (request.config.cache.mkdir("hosts") / "nodes.log").write_text(nodes.logs())


@pytest.fixture(scope="package")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium_program(playwright):
    return chromium.find(playwright.chromium.executable_path) or pytest.fail(chromium.HOW)


@pytest.fixture(scope="package")
def browser(playwright, chromium_program):
    browser = playwright.chromium.launch(executable_path=chromium_program, args=chromium.flags())
    yield browser
    browser.close()


def note(page, fault: str):
    """A view transition that Chromium gives up, as on the way to the payment company's page, is no fault."""
    if not fault.startswith("Transition was "):
        page.faults.append(fault)


def forget_late_events(browser):
    """Let an event that came after its page's test count for no other test.

    Playwright keeps what a listener raised, its own ones too, and raises it at the next call whatever that is about.
    """
    try:
        browser.new_context().close()
    except Exception:
        logger.exception("An event came after its page was closed.")


@pytest.fixture
def new_page(browser):
    """Make a page in a context of its own (cookies); ``faults`` of a page hold what its console complained of."""
    contexts, listening = [], []

    def make(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.faults, page.nodes = [], set()
        listeners = {
            "pageerror": lambda error: note(page, str(error)),
            "console": lambda message: note(page, message.text) if message.type == "error" else None,
            "response": lambda response: page.nodes.add(response.headers.get("x-node")),
        }
        for event, listener in listeners.items():
            page.on(event, listener)
            listening.append((page, event, listener))
        return page

    yield make
    for page, event, listener in listening:
        page.remove_listener(event, listener)
    for context in contexts:
        context.close()
    forget_late_events(browser)


@pytest.fixture
def new_cookieless_page(playwright, chromium_program, tmp_path):
    """Make a page of a Chromium that keeps no cookies and finds the hosts of tests.e2e.tls; ``faults`` as above."""
    with ExitStack() as closing:

        def make(**options):
            preferences = tmp_path / "Default" / "Preferences"
            preferences.parent.mkdir()
            preferences.write_text(json.dumps({"profile": {"default_content_setting_values": {"cookies": BLOCKED}}}))
            context = playwright.chromium.launch_persistent_context(
                tmp_path,
                executable_path=chromium_program,
                args=[*chromium.flags(), *tls.CHROMIUM_FLAGS],
                ignore_https_errors=True,
                **options,
            )
            closing.callback(context.close)
            context.set_default_timeout(30_000)
            page = context.pages[0]
            page.faults = []
            context.on("weberror", lambda error: page.faults.append(str(error.error)))
            context.on("console", lambda told: page.faults.append(told.text) if told.type == "error" else None)
            return page

        yield make

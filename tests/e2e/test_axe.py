"""The look at a page finds a page that is wrong."""

from tests.e2e.axe import faults_of


def test_page_without_names_that_is_too_wide_is_faulty(new_page):
    page = new_page(viewport={"width": 320, "height": 900})
    page.set_content('<html lang="en"><main style="width: 500px"><button></button><img src="data:,"></main></html>')
    found = [fault.split(":")[0] for fault in faults_of(page)]
    assert {"button-name", "image-alt", "wider than the window"} <= set(found)

"""What the page does where the service is away, hangs, or answers with half of an answer."""

import pytest
from playwright.sync_api import Page, expect

from service.between import between
from service.browsing import (
    LIST,
    LOADED,
    answers,
    as_it_is,
    away,
    job,
    listed,
    messages,
    nth,
    open_job,
    sign_in,
    with_batches,
    with_json,
)
from service.live import Live

pytestmark = pytest.mark.xdist_group("serve")
AWAY = "The service does not answer. Trying again …"


def test_batches_that_cannot_be_had_are_asked_for_again(page: Page, live: Live) -> None:
    fault = with_json({"detail": "The store is away."}, status=503)
    answers(page, "**/catalog/batches?*", fault, fault, with_json(LOADED))
    answers(page, "**/export/jobs/7", with_json(with_batches(job(7, "SUCCEEDED"))))
    told = messages(page)
    open_job(page, live)
    expect(page.get_by_role("table")).to_contain_text("success")
    expect(page.get_by_role("status")).to_have_text("The service answers again.")
    assert "The store is away. Trying again …" in told()


@pytest.mark.parametrize("fault", ["cut", "html"])
def test_an_answer_that_breaks_is_asked_for_again(fault: str, page: Page, live: Live) -> None:
    with between(live.url) as proxy:
        page.goto(f"{proxy.url}/")
        sign_in(page, live)
        expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        proxy.faults["/export/jobs"] = fault
        page.get_by_role("button", name="Refresh").click()
        expect(page.get_by_role("status")).to_have_text(AWAY)
        del proxy.faults["/export/jobs"]
        expect(page.get_by_role("status")).to_have_text("The service answers again.")
        page.goto("about:blank")


def test_a_service_that_hangs_is_told(page: Page, live: Live) -> None:
    page.clock.install()
    held = answers(page, LIST, as_it_is, lambda _: None, with_json(listed(job(7, "FAILED"))))
    sign_in(page, live)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    nth(page, held, 2)
    told = messages(page)
    page.clock.fast_forward(31_000)
    expect(page.get_by_role("link", name="7", exact=True)).to_be_visible()
    assert told() == [AWAY, "The service answers again."]


def test_a_job_of_which_nothing_comes_any_more_is_told(page: Page, live: Live) -> None:
    page.clock.install()
    new, failed = with_json(job(7, "NEW")), with_json(job(7, "FAILED"))
    asked = answers(page, "**/export/jobs/7", new, lambda _: None, failed)
    open_job(page, live)
    expect(page.get_by_role("status")).to_have_text("Job 7 is NEW.")
    told = messages(page)
    nth(page, asked, 2)
    page.clock.fast_forward(15_000)  # not yet
    expect(page.get_by_role("status")).to_have_text("Job 7 is NEW.")
    page.clock.fast_forward(20_000)
    expect(page.get_by_role("status")).to_have_text("Job 7 is FAILED.")
    assert told() == [AWAY, "Job 7 is FAILED."]


def test_what_has_come_does_not_say_that_the_service_is_back(page: Page, live: Live) -> None:
    names = answers(page, "**/segment/definitions?*", lambda _: None)
    answers(page, "**/export/jobs/7", with_json(job(7, "NEW")), away)
    open_job(page, live)
    expect(page.get_by_role("status")).to_have_text(AWAY)
    told = messages(page)
    nth(page, names, 1).fulfill(json={"segments": []})
    page.wait_for_timeout(500)
    assert set(told()) <= {AWAY}

"""What changes while somebody looks at it, presses it or reads it, and what comes late or never."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from service.between import between
from service.browsing import (
    BATCH,
    LIST,
    LOADED,
    answers,
    containing,
    job,
    listed,
    nth,
    open_job,
    sign_in,
    with_batches,
    with_json,
)
from service.live import Live

pytestmark = pytest.mark.xdist_group("serve")


def running_on(page: Page, document: dict[str, Any]) -> list[Route]:
    """A job whose progress is another each second."""
    seen: list[Route] = []

    def answer(route: Route) -> None:
        seen.append(route)
        progress = {"stage": "merge", "fraction": len(seen) / 100}
        route.fulfill(json={**document, "metrics": {"progress": progress}})

    page.route("**/export/jobs/7", answer)
    return seen


def changes(page: Page) -> None:
    """Wait until the progress of the job is another, twice."""
    for _ in range(2):
        told = page.locator("progress").get_attribute("aria-label")
        expect(page.locator("progress")).not_to_have_attribute("aria-label", told or "")


def press_slowly(page: Page, name: str, role: Any) -> None:
    """A press in which two looks at the service fall."""
    box = page.get_by_role(role, name=name, exact=True).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(2200)
    page.mouse.up()


def test_a_slow_press_opens_a_job(page: Page, live: Live) -> None:
    answers(page, LIST, with_json(listed(job(7, "PROCESSING"))))
    answers(page, "**/export/jobs/7", with_json(job(7, "FAILED")))
    sign_in(page, live)
    expect(page.get_by_role("link", name="7", exact=True)).to_be_visible()
    press_slowly(page, "7", "link")
    expect(page.get_by_role("status")).to_have_text("Job 7 is FAILED.")


def test_a_slow_press_cancels_a_job_once(page: Page, live: Live) -> None:
    cancelled: list[str] = []
    page.on("request", lambda r: cancelled.append(r.url) if r.method == "DELETE" else None)
    running_on(page, job(7, "PROCESSING"))
    open_job(page, live)
    expect(page.get_by_role("button", name="Cancel this job")).to_be_visible()
    press_slowly(page, "Cancel this job", "button")
    expect(page.get_by_role("status")).to_have_text("Job 7 is asked to stop.")
    assert len(cancelled) == 1


def test_focus_scrolling_and_selection_stay_while_a_job_changes(page: Page, live: Live) -> None:
    page.set_viewport_size({"width": 360, "height": 500})
    answers(page, "**/catalog/batches?*", with_json(LOADED))
    running_on(page, with_batches(job(7, "PROCESSING")))
    open_job(page, live)
    expect(page.get_by_role("table")).to_contain_text("success")
    page.get_by_text("Job document").click()
    page.locator("#job pre").focus()
    kept = page.evaluate("""() => {
        document.querySelector("#job .wide").scrollLeft = 100;
        getSelection().selectAllChildren(document.querySelector("#job td:nth-child(2)"));
        window.kept = () => [document.activeElement.tagName, scrollY, getSelection().toString(),
            document.querySelector("#job .wide").scrollLeft];
        return kept();
    }""")
    changes(page)
    assert page.evaluate("kept()") == kept
    assert kept[0] == "PRE"
    assert kept[2:] == ["b1", 100]
    page.locator("#job .wide").focus()
    changes(page)
    expect(page.locator("#job .wide")).to_be_focused()


def test_the_focus_goes_to_the_title_when_a_job_can_be_cancelled_no_more(
    page: Page, live: Live
) -> None:
    asked = answers(page, "**/export/jobs/7", with_json(job(7, "NEW")), lambda _: None)
    open_job(page, live)
    page.get_by_role("button", name="Cancel this job").focus()
    nth(page, asked, 2).fulfill(json=job(7, "CANCELLING"))
    expect(page.get_by_role("heading", name="Job 7")).to_be_focused()


def test_nothing_is_asked_while_the_page_is_hidden(page: Page, live: Live) -> None:
    asked = answers(page, "**/export/jobs/7", with_json(job(7, "PROCESSING")), lambda _: None)
    open_job(page, live)
    under_way = nth(page, asked, 2)
    hide = """hidden => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    under_way.fulfill(json=job(7, "CANCELLING"))
    expect(page.get_by_role("status")).to_have_text("Job 7 is CANCELLING.")
    page.wait_for_timeout(1500)
    assert len(asked) == 2
    page.evaluate(hide, False)
    nth(page, asked, 3)


def test_jobs_are_watched_in_many_windows_at_once(page: Page, live: Live) -> None:
    """A browser has six connections for a service: what is watched may not keep one."""
    with between(live.url) as proxy:
        proxy.faults["/events"] = "silent"
        page.context.route("**/export/jobs/7", with_json(job(7, "PROCESSING")))
        page.goto(f"{proxy.url}/")
        sign_in(page, live)
        expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
        for _ in range(7):
            with page.expect_popup() as opened:
                page.evaluate("open('#job=7')")  # signed in as this one is
            told = opened.value.get_by_role("status")
            expect(told).to_have_text("Job 7 is PROCESSING.")
        for window in page.context.pages:
            window.goto("about:blank")


def test_a_job_is_there_before_names_and_batches(page: Page, live: Live) -> None:
    names, batches = "**/segment/definitions?*", "**/catalog/batches?*"
    named, found = (answers(page, glob, lambda _: None) for glob in (names, batches))
    many = [{**BATCH, "batchId": f"b{n}"} for n in range(500)]
    answers(page, "**/export/jobs/7", with_json(with_batches(job(7, "SUCCEEDED"), *many)))
    open_job(page, live)
    row = page.get_by_role("row").nth(2)
    expect(page.get_by_role("status")).to_have_text("Job 7 is SUCCEEDED.")
    expect(row).to_contain_text("ups:vip (realized)")
    nth(page, found, 1).fulfill(json=LOADED)
    expect(row).to_contain_text("success")
    nth(page, named, 1).fulfill(json={"segments": [{"id": "vip", "name": "Who spends"}]})
    expect(row).to_contain_text("Who spends: ups:vip (realized)")
    page.get_by_role("button", name="All jobs").click()
    page.go_back()
    expect(row).to_contain_text("Who spends")
    expect(row).to_contain_text("…")  # asked for again: how it stands
    nth(page, found, 2)
    assert len(named) == 1


def test_the_batches_of_a_job_are_found_by_its_time(page: Page, live: Live) -> None:
    """The catalog's own answer, not one of the test."""
    sign_in(page, live)
    page.get_by_role("button", name="New export").click()
    expect(page.get_by_label("Request")).to_have_value(containing('"schema"'))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("status")).to_have_text(containing("is SUCCEEDED."))
    expect(page.get_by_role("row").nth(1)).to_contain_text("VIP: ups:vip")
    expect(page.get_by_role("row").nth(1)).to_contain_text("success")


def paged(jobs: list[dict[str, Any]], more: str = "") -> dict[str, Any]:
    link = {"next": "/next"} if more else {}
    return {"records": jobs, "page": {"pageOffset": more}, "link": link}


def test_of_many_jobs_only_the_first_are_looked_at_again(page: Page, live: Live) -> None:
    jobs = [job(9_000 - n, "FAILED") for n in range(120)]
    first = [{**jobs[0], "status": "PROCESSING"}, *jobs[1:20]]
    polls = answers(page, "**/export/jobs?limit=20", with_json(paged(first, "c")))
    steps = answers(page, "**/export/jobs?limit=100&offset=c", with_json(paged(jobs[20:])))
    sign_in(page, live)
    older = page.get_by_role("button", name="Older jobs")
    older.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="8980", exact=True)).to_be_focused()
    expect(older).to_be_hidden()
    expect(page.get_by_role("row")).to_have_count(121)
    nth(page, polls, len(polls) + 2)
    assert len(steps) == 1
    expect(page.get_by_role("row")).to_have_count(121)
    fresh = [job(9_000 + n, "FAILED") for n in range(20, 0, -1)]  # others may lie between
    page.route("**/export/jobs?limit=20", with_json(paged(fresh, "d")))
    expect(page.get_by_role("row")).to_have_count(21)
    expect(older).to_be_visible()

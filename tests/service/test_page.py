"""The page in a real Chromium, by mouse and by keyboard alone."""

import pytest
from playwright.sync_api import Page, Route, expect

from service.browsing import containing, nth, open_new_export, sign_in
from service.live import Live

pytestmark = pytest.mark.xdist_group("serve")

RUNNING = {"id": 7, "status": "PROCESSING", "metrics": {}, "creationTime": 1700000000000}


def test_a_bad_token_is_told(page: Page, live: Live) -> None:
    sign_in(page, live, token="pe_wrong")
    expect(page.get_by_role("status")).to_have_text("Oauth token is not valid")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_export_by_keyboard_alone(page: Page, live: Live) -> None:
    sign_in(page, live)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.get_by_role("button", name="New export").focus()
    page.keyboard.press("Enter")
    body = page.get_by_label("Request")
    expect(body).to_have_value(containing('"segmentPerBatch": true'))
    body.focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Dry run")).to_be_focused()
    page.keyboard.press("Enter")
    picture = page.get_by_role("img")
    expect(picture).to_be_visible()
    assert "exported:" in (picture.get_attribute("aria-label") or "")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Submit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(containing("is SUCCEEDED."))
    expect(page.get_by_role("table")).to_contain_text("success")
    assert "candidates" in (page.get_by_role("img").get_attribute("aria-label") or "")
    page.get_by_role("button", name="All jobs").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row").nth(1)).to_contain_text("SUCCEEDED")


def test_who_goes_elsewhere_while_the_jobs_are_listed_stays_there(page: Page, live: Live) -> None:
    """Neither the focus is taken, nor the view, even by a list that asks to be looked at again."""
    asked: list[Route] = []

    def held_but_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:  # whether the token is good
            route.continue_()

    page.route("**/export/jobs?limit*", held_but_the_first)
    sign_in(page, live)
    expect(page.get_by_role("button", name="Jobs", exact=True)).to_be_focused()
    page.get_by_role("button", name="New export").focus()
    page.keyboard.press("Enter")
    body = page.get_by_label("Request")
    expect(body).to_have_value(containing('"schema"'))
    listed = {"records": [RUNNING], "page": {"pageOffset": ""}, "link": {}}
    nth(page, asked, 2).fulfill(json=listed)
    expect(page.get_by_role("button", name="New export")).to_be_focused()
    page.wait_for_timeout(1500)  # a list of running jobs is asked for again after a second
    expect(page.get_by_role("button", name="New export")).to_be_focused()
    expect(body).to_be_visible()
    assert len(asked) == 2


def test_every_problem_of_a_request_is_shown_at_its_pointer(page: Page, live: Live) -> None:
    sign_in(page, live)
    open_new_export(page)
    page.get_by_label("Request").fill('{"feilds": "", "schema": {"name": "x"}}')
    page.get_by_role("button", name="Submit").click()
    problems = page.get_by_role("alert")
    for pointer in ("/feilds", "/schema/name", "/destination"):
        expect(problems.get_by_text(pointer, exact=True)).to_be_visible()


def test_what_users_wrote_is_text_and_never_markup(page: Page, live: Live) -> None:
    sign_in(page, live)
    open_new_export(page)
    page.get_by_label("Request").fill('{"<img src=x onerror=alert(1)>": 1}')
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#problems img").count() == 0


def test_sign_out_forgets_the_token(page: Page, live: Live) -> None:
    sign_in(page, live)
    page.get_by_role("button", name="Sign out").click()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0

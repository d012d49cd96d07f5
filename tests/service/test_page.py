"""The page in a real Chromium, by mouse and by keyboard alone."""

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

import serving
import small_sandbox
from service.live import Live, live_service

pytestmark = pytest.mark.xdist_group("serve")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

RUNNING = {"id": 7, "status": "PROCESSING", "metrics": {}, "creationTime": 1700000000000}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("page")
    file = small_sandbox.build(folder / "sandbox")
    file.write_text(small_sandbox.SANDBOX.rstrip() + serving.MORE, encoding="utf-8")
    with live_service(file.parent, folder / "store.db") as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    found = found or shutil.which("google-chrome")
    assert found, "The page is tested in Chromium: install it (scripts/test does)."
    subprocess.run([found, "--version"], check=True, capture_output=True)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, live: Live) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda told: faults.append(told.text) if _is_fault(told) else None)
    opened.goto(live.url)
    yield opened
    context.close()
    assert faults == []


def _is_fault(told) -> bool:  # type: ignore[no-untyped-def]
    """Errors of the page; Chromium logs refused calls as errors too, and those are asked for."""
    return told.type == "error" and "Failed to load resource" not in told.text


def sign_in(page: Page, live: Live, token: str | None = None) -> None:
    page.get_by_label("Access token").fill(token or live.token)
    page.get_by_label("Organisation").fill(serving.ORG)
    page.get_by_label("Sandbox").fill(serving.NAME)
    page.keyboard.press("Enter")


def open_new_export(page: Page) -> None:
    """The view of a new export, with the request that it proposes."""
    page.get_by_role("button", name="New export").click()
    expect(page.get_by_label("Request")).to_have_value(containing('"schema"'))


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
    expect(picture).to_be_visible(timeout=30_000)
    assert "exported:" in (picture.get_attribute("aria-label") or "")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Submit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(containing("is SUCCEEDED."), timeout=30_000)
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
    assert len(asked) == 2
    asked[1].fulfill(json=listed)
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


def containing(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text))

"""Whose page it is: below a path, at sign-in and sign-out, and what is left of a session."""

import pytest
from playwright.sync_api import Page, Route, expect

import serving
from service.between import between
from service.browsing import (
    DRY,
    LIST,
    answers,
    begin_count,
    containing,
    job,
    listed,
    nth,
    open_new_export,
    sign_in,
    with_json,
)
from service.live import Live

pytestmark = pytest.mark.xdist_group("serve")
COUNTED = {"candidates": 7, "exclusions": {}, "batches": [{"segment": {}, "recordCount": 7}]}
NO_TOKEN = with_json({"message": "Oauth token is not valid"}, status=401)


def another_sandbox(page: Page) -> None:
    """Answer for a sandbox that the service does not have."""
    answers(page, LIST, with_json(listed()))
    answers(page, "**/dataSets?*", with_json({}))
    answers(page, "**/segment/definitions?*", with_json({"segments": []}))


def test_below_a_path_of_a_proxy(page: Page, live: Live) -> None:
    asked: list[str] = []
    with between(live.url, "/pe") as proxy:
        page.goto("about:blank")
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{proxy.url}/")
        sign_in(page, live)
        open_new_export(page)
        expect(page.get_by_label("Export dataset")).not_to_be_empty()
        for name in ("OpenAPI", "Metrics", "Health"):
            place = page.get_by_role("link", name=name).evaluate("link => link.href")
            assert place.startswith(proxy.url)
        page.goto("about:blank")
    assert [url for url in asked if not url.startswith((f"{proxy.url}/", "about:"))] == []


def test_scripts_of_another_version_are_not_found(page: Page, live: Live) -> None:
    """In a rolling upgrade they would be kept for good under its name."""
    own = page.locator("script").get_attribute("src")
    assert page.request.get(f"{live.url}/{own}").ok
    assert page.request.get(f"{live.url}/static/another/page.js").status == 404


def test_the_skip_link_stays_in_the_view(page: Page, live: Live) -> None:
    sign_in(page, live)
    open_new_export(page)
    page.get_by_role("link", name="Skip to content").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    expect(page.get_by_label("Request")).to_be_visible()
    assert page.url == f"{live.url}/#new"


def test_a_request_is_not_shown_to_another_sandbox_though_a_token_was_mistyped(
    page: Page, live: Live
) -> None:
    sign_in(page, live)
    open_new_export(page)
    page.get_by_label("Request").fill('{"mine": 1}')
    page.reload()
    page.get_by_label("Request").fill('{"mine": 1}')
    page.route("**/export/jobs", NO_TOKEN)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.unroute("**/export/jobs")
    sign_in(page, live, token="mistyped")
    expect(page.get_by_role("status")).to_have_text("Oauth token is not valid")
    another_sandbox(page)
    sign_in(page, live, sandbox="another")
    expect(page.get_by_label("Request")).to_have_value(containing('"schema"'))


def test_a_count_is_not_shown_in_another_sandbox(page: Page, live: Live) -> None:
    held = begin_count(page, live)
    page.get_by_role("button", name="Sign out").click()
    another_sandbox(page)
    sign_in(page, live, sandbox="another")
    open_new_export(page)
    request = page.get_by_label("Request")
    count = nth(page, held, 1)
    request.fill(count.request.post_data or "")
    count.fulfill(json={"counts": COUNTED})
    page.wait_for_timeout(500)
    expect(page.locator("#counts")).to_be_empty()
    page.unroute(DRY)
    answers(page, DRY, with_json({"counts": COUNTED}))
    page.get_by_role("button", name="Dry run").click()  # not busy with the old one
    expect(page.locator("#counts")).to_contain_text("everyone asked for: 7 records")


def test_a_late_refusal_does_not_end_the_next_session(page: Page, live: Live) -> None:
    held = begin_count(page, live)
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, live)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    NO_TOKEN(nth(page, held, 1))
    page.wait_for_timeout(500)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_signing_in_is_told_and_done_once(page: Page, live: Live) -> None:
    held = answers(page, LIST, lambda _: None)
    sign_in(page, live)
    expect(page.get_by_role("status")).to_have_text("Signing in …")
    expect(page.locator("#enter")).to_have_attribute("aria-disabled", "true")
    first = nth(page, held, 1)
    page.get_by_label("Sandbox").press("Enter")
    page.wait_for_timeout(200)
    assert len(held) == 1
    first.continue_()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_what_is_wrong_at_sign_in_is_told_at_its_field(page: Page, live: Live) -> None:
    sign_in(page, live, token="pe_wrong")
    token, sandbox = page.get_by_label("Access token"), page.get_by_label("Sandbox")
    expect(token).to_have_attribute("aria-invalid", "true")
    expect(token).to_be_focused()
    sign_in(page, live, sandbox="nowhere")
    expect(sandbox).to_have_attribute("aria-describedby", "message")
    expect(token).not_to_have_attribute("aria-invalid", "true")
    sign_in(page, live, sandbox="日本")
    expect(sandbox).to_be_focused()


def test_each_proposed_request_has_a_key_of_its_own(page: Page, live: Live) -> None:
    """Its answer may have been lost: the next request of the same key would be refused."""
    keys: list[str | None] = []

    def lost(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        route.abort()

    page.route("**/export/jobs", lost)
    for _ in range(2):
        sign_in(page, live)
        open_new_export(page)
        for _ in range(2):  # the same request again is the same job
            page.get_by_role("button", name="Submit").click()
            expect(page.get_by_role("status")).to_have_text("The service does not answer.")
        page.get_by_role("button", name="Sign out").click()
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_a_sandbox_is_named_in_its_own_direction(page: Page, live: Live) -> None:
    sign_in(page, live)
    expect(page.locator("#who bdi")).to_have_text([serving.ORG, serving.NAME])
    answers(
        page,
        "**/export/jobs/7",
        with_json({**job(7, "FAILED"), "errors": [{"msg": "x", "code": "y"}]}),
    )
    page.goto(f"{live.url}/#job=7")
    expect(page.locator("#job .problem bdi")).to_have_text("x")

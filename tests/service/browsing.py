"""The page of a running service in a real Chromium, as its tests open it."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

import serving
from service.live import Live

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
UNION = {"schemaRef": {"id": "https://ns.adobe.com/x/profile__union"}}
LIST = "**/export/jobs?limit*"
DRY = "**/export/jobs?dryRun=true"
PATIENCE = 120.0
"""Seconds that a test waits for what it expects: a busy machine takes its time."""
BATCH = {"segmentId": "vip", "segmentNs": "ups", "status": ["realized"], "batchId": "b1"}
LOADED = {"b1": {"status": "success", "recordCount": 7, "size": 700}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    found = found or shutil.which("google-chrome")
    assert found, "The page is tested in Chromium: install it (scripts/test does)."
    subprocess.run([found, "--version"], check=True, capture_output=True)
    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser, live: Live) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(1000 * PATIENCE)
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


def sign_in(
    page: Page, live: Live, *, token: str | None = None, sandbox: str = serving.NAME
) -> None:
    page.get_by_label("Access token").fill(token or live.token)
    page.get_by_label("Organisation").fill(serving.ORG)
    page.get_by_label("Sandbox").fill(sandbox)
    page.keyboard.press("Enter")


def open_new_export(page: Page) -> None:
    """The view of a new export, with the request that it proposes."""
    page.get_by_role("button", name="New export").click()
    expect(page.get_by_label("Request")).to_have_value(containing('"schema"'))


def begin_count(page: Page, live: Live) -> list[Route]:
    """A dry run that is under way, signed in: its call, which is not answered yet."""
    held: list[Route] = []
    page.route(DRY, lambda route: held.append(route))
    sign_in(page, live)
    open_new_export(page)
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("status")).to_have_text("Counting …")
    return held


def open_job(page: Page, live: Live) -> None:
    sign_in(page, live)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.goto(f"{live.url}/#job=7")


def containing(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text))


def job(id_: int, status: str) -> dict[str, object]:
    """A job document as far as the page reads it."""
    return {
        "id": id_,
        "status": status,
        "creationTime": 1700000000000,
        "metrics": {},
        "mergePolicy": {"id": "p", "version": 1},
        "destination": {"datasetId": "d"},
    }


def with_batches(document: dict[str, Any], *batches: dict[str, Any]) -> dict[str, Any]:
    return {**document, "destination": {"datasetId": "d", "batches": list(batches or [BATCH])}}


def listed(*jobs: dict[str, object]) -> dict[str, object]:
    return {"records": list(jobs), "page": {"pageOffset": ""}, "link": {}}


def answers(page: Page, glob: str, *given: Callable[[Route], None]) -> list[Route]:
    """Calls of an address are answered in this order, the last way ever after; gives the calls."""
    seen: list[Route] = []

    def answer(route: Route) -> None:
        seen.append(route)
        given[min(len(seen), len(given)) - 1](route)

    page.route(glob, answer)
    return seen


def nth(page: Page, calls: list[Route], number: int) -> Route:
    """A call of those seen, counted from one, once it has come."""
    wait_until(page, lambda: len(calls) >= number)
    return calls[number - 1]


def wait_until(page: Page, reached: Callable[[], bool]) -> None:
    """Let the page go on until something is so."""
    until = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < until, f"not within {PATIENCE} s"
        page.wait_for_timeout(25)


def with_json(content: object, status: int = 200) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, json=content)


def away(route: Route) -> None:
    route.abort()


def messages(page: Page) -> Callable[[], list[str]]:
    """What the page says from now on, each once: also what is gone before anybody looks."""
    page.evaluate("""() => {
        window.told = [];
        const place = document.getElementById("message");
        const tell = () => place.textContent && told.push(place.textContent);
        new MutationObserver(tell).observe(place, {childList: true});
    }""")
    return lambda: list(page.evaluate("window.told"))


def as_it_is(route: Route) -> None:
    route.continue_()

"""What the page shows when it is left, when it is late, and when the service is away or refuses."""

import pytest
from playwright.sync_api import Page, Route, expect

import serving
from service.browsing import (
    LIST,
    UNION,
    answers,
    as_it_is,
    away,
    containing,
    job,
    listed,
    messages,
    nth,
    open_job,
    open_new_export,
    sign_in,
    with_json,
)
from service.live import Live

pytestmark = pytest.mark.xdist_group("serve")
LONG = "name" * 500


def test_a_list_goes_on_after_a_fault(page: Page, live: Live) -> None:
    fault = with_json({"detail": "The store is away."}, status=503)
    steps = (as_it_is, with_json(listed(job(7, "PROCESSING"))), away, fault)
    answers(page, LIST, *steps, with_json(listed(job(7, "SUCCEEDED"))))
    told = messages(page)
    sign_in(page, live)
    expect(page.get_by_role("row").nth(1)).to_contain_text("SUCCEEDED")
    expect(page.get_by_role("status")).to_have_text("The service answers again.")
    assert told()[-3:] == [
        "The service does not answer. Trying again …",
        "The store is away. Trying again …",
        "The service answers again.",
    ]


def test_a_job_is_told_to_its_end_though_the_service_goes_away(page: Page, live: Live) -> None:
    running, done = job(7, "PROCESSING"), job(7, "SUCCEEDED")
    answers(page, "**/export/jobs/7", with_json(running), away, with_json(running), with_json(done))
    sign_in(page, live)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    told = messages(page)
    page.goto(f"{live.url}/#job=7")
    expect(page.get_by_role("status")).to_have_text("Job 7 is SUCCEEDED.")
    away_once = "The service does not answer. Trying again …"
    running_once = "Job 7 is PROCESSING."
    assert told() == [running_once, away_once, running_once, "Job 7 is SUCCEEDED."]
    expect(page.get_by_role("button", name="Cancel this job")).to_have_count(0)


def test_a_late_answer_is_not_shown_as_another_job(page: Page, live: Live) -> None:
    held: list[Route] = []
    page.route("**/export/jobs/7", lambda route: held.append(route))
    answers(page, "**/export/jobs/8", with_json(job(8, "FAILED")))
    answers(page, LIST, with_json(listed(job(7, "FAILED"), job(8, "FAILED"))))
    sign_in(page, live)
    page.get_by_role("link", name="7", exact=True).click()
    expect(page.get_by_role("heading", name="Job 7")).to_be_focused()
    page.get_by_role("button", name="All jobs").click()
    page.get_by_role("link", name="8", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Job 8 is FAILED.")
    nth(page, held, 1).fulfill(json=job(7, "FAILED"))
    page.wait_for_timeout(500)
    expect(page.get_by_role("status")).to_have_text("Job 8 is FAILED.")
    assert '"id": 8' in (page.locator("#job pre").text_content() or "")


def test_a_job_has_an_address(page: Page, live: Live) -> None:
    answers(page, "**/export/jobs/8", with_json(job(8, "FAILED")))
    answers(page, LIST, with_json(listed(job(8, "FAILED"))))
    sign_in(page, live)
    page.get_by_role("link", name="8", exact=True).click()
    expect(page).to_have_title("Job 8 – Profile Export")
    assert page.url == f"{live.url}/#job=8"
    page.reload()
    expect(page.get_by_role("heading", name="Job 8")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="Job 8")).to_be_visible()
    for nowhere in ("#job=<b>", "#constructor"):
        page.goto(f"{live.url}/{nowhere}")
        expect(page).to_have_title("Jobs – Profile Export")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()


def test_more_jobs_stay_up_to_date_too(page: Page, live: Live) -> None:
    first = {**listed(job(9, "NEW")), "page": {"pageOffset": "c"}, "link": {"next": "/next"}}
    calls = answers(page, LIST, with_json(first))
    answers(page, "**/export/jobs?limit=100&offset=c", with_json(listed(job(8, "FAILED"))))
    sign_in(page, live)
    page.get_by_role("button", name="Older jobs").click()
    expect(page.get_by_role("link", name="8", exact=True)).to_be_visible()
    nth(page, calls, len(calls) + 2)


def test_a_filter_that_finds_nothing_says_so(page: Page, live: Live) -> None:
    sign_in(page, live)
    page.get_by_label("Status").select_option("CANCELLING")
    expect(page.get_by_text("No job is CANCELLING.")).to_be_visible()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("disk-full", "None: the job failed, and nothing of it is visible."),
        ("commit-expired", "None is known: the job failed."),
    ],
)
def test_of_a_failed_job_no_more_is_said_than_is_known(
    code: str, told: str, page: Page, live: Live
) -> None:
    """Of some that failed the rows are in the target, or may be."""
    failed = {**job(7, "FAILED"), "errors": [{"msg": "What is so.", "code": code}]}
    answers(page, "**/export/jobs/7", with_json(failed))
    open_job(page, live)
    expect(page.locator("#job p").last).to_have_text(told)


def test_that_there_is_no_dataset_to_export_to_is_told(page: Page, live: Live) -> None:
    answers(page, "**/dataSets?*", with_json({"d": {"name": "CRM", "schemaRef": {"id": "x"}}}))
    sign_in(page, live)
    open_new_export(page)
    told = page.get_by_text("No dataset that exports may go to")
    expect(told).to_be_visible()
    expect(page.get_by_label("Export dataset")).to_have_accessible_description(
        containing("POST /data/foundation/catalog/dataSets")
    )
    page.unroute("**/dataSets?*")
    page.reload()
    expect(page.get_by_label("Export dataset")).not_to_be_empty()
    expect(told).to_be_hidden()


def test_the_dataset_shown_is_that_of_the_request(page: Page, live: Live) -> None:
    """And of more than a page of them, each is there."""
    first = {f"d{n}": {"name": f"Export {n}", **UNION} for n in range(1000)}
    last = {"newest": {"name": "Newest", **UNION}}
    answers(page, "**/dataSets?limit=1000&start=0", with_json(first))
    answers(page, "**/dataSets?limit=1000&start=1000", with_json(last))
    sign_in(page, live)
    open_new_export(page)
    dataset, request = page.get_by_label("Export dataset"), page.get_by_label("Request")
    dataset.select_option("newest")
    expect(request).to_have_value(containing('"datasetId": "newest"'))
    page.get_by_role("button", name="Jobs", exact=True).click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    open_new_export(page)
    expect(dataset).to_have_value("newest")
    request.fill('{"destination": {"datasetId": "d7"}}')
    expect(dataset).to_have_value("d7")
    request.fill('{"destination": {"datasetId": "elsewhere"}}')
    expect(dataset).to_have_value("")


def test_a_refused_dry_run_is_told_where_the_focus_is(page: Page, live: Live) -> None:
    sign_in(page, live)
    open_new_export(page)
    request = page.get_by_label("Request")
    request.fill('{"feilds": ""}')
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("/feilds")
    expect(page.get_by_role("status")).to_have_text("")
    expect(page.get_by_role("button", name="Dry run")).to_be_focused()
    expect(request).to_have_attribute("aria-invalid", "true")
    request.fill("{}")
    expect(page.get_by_role("alert")).to_be_empty()


def test_a_token_that_may_only_read_is_told_and_stays(page: Page, live: Live) -> None:
    said = {"detail": "The token does not give this access", "errors": []}
    page.route("**/export/jobs", with_json(said, status=403))
    sign_in(page, live)
    open_new_export(page)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_have_text("The token does not give this access")
    expect(page.get_by_label("Request")).to_have_value(containing('"schema"'))


def test_who_signs_out_leaves_nothing_behind(page: Page, live: Live) -> None:
    sign_in(page, live)
    open_new_export(page)
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("img")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for left in ("jobs", "job", "counts", "problems", "dataset", "job-title"):
        assert page.locator(f"#{left}").inner_html() == "", left
    expect(page.locator("#body")).to_have_value("")
    assert page.url == f"{live.url}/"


@pytest.mark.parametrize("sandbox", [serving.NAME, "another"])
def test_a_token_that_has_run_out_leaves_what_is_being_written(
    sandbox: str, page: Page, live: Live
) -> None:
    """To whom it was: not in another sandbox."""
    sign_in(page, live)
    open_new_export(page)
    page.get_by_label("Request").fill('{"mine": 1}')
    page.route("**/export/jobs", with_json({"message": "Oauth token is not valid"}, status=401))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.unroute("**/export/jobs")
    if sandbox == serving.NAME:
        sign_in(page, live)
        expect(page.get_by_label("Request")).to_have_value('{"mine": 1}')
        return
    answers(page, LIST.replace("limit*", "limit=1"), with_json(listed()))
    answers(page, "**/dataSets?*", with_json({}))
    answers(page, "**/segment/definitions?*", with_json({"segments": []}))
    sign_in(page, live, sandbox=sandbox)
    expect(page.get_by_label("Request")).to_have_value(containing('"schema"'))


def test_a_sandbox_that_no_header_can_name_is_told(page: Page, live: Live) -> None:
    page.get_by_label("Access token").fill(live.token)
    page.get_by_label("Organisation").fill("acme")
    page.get_by_label("Sandbox").fill("日本")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(containing("“日本” cannot be sent"))
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_narrow_windows_do_not_scroll_sideways(page: Page, live: Live) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    answers(page, "**/dataSets?*", with_json({"d": {"name": LONG, **UNION}}))
    done = {**job(7, "FAILED"), "errors": [{"msg": LONG, "code": "x"}]}
    answers(page, "**/export/jobs/7", with_json(done))
    answers(page, LIST, with_json(listed(job(7, "FAILED"))))
    sign_in(page, live)

    def width() -> int:
        return int(page.evaluate("document.scrollingElement.scrollWidth"))

    expect(page.get_by_role("link", name="7", exact=True)).to_be_visible()
    assert width() <= 360
    page.get_by_role("link", name="7", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Job 7 is FAILED.")
    page.get_by_text("Job document").click()
    assert width() <= 360
    open_new_export(page)
    page.get_by_label("Request").fill(f'{{"{LONG}": 1}}')
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("alert")).to_contain_text("namename")
    assert width() <= 360

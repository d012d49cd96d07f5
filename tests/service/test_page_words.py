"""What the page says, where, and to whom: messages, names, numbers, and narrow windows."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from service.browsing import (
    DRY,
    LIST,
    UNION,
    answers,
    as_it_is,
    job,
    listed,
    nth,
    open_job,
    open_new_export,
    sign_in,
    with_json,
)
from service.live import Live

pytestmark = pytest.mark.xdist_group("serve")
TRILLION = 10**12
RTL = "שלום"


def counted(*segments: dict[str, Any], candidates: int = 7) -> dict[str, Any]:
    batches = [{"segment": segment, "recordCount": 1} for segment in segments]
    return {"counts": {"candidates": candidates, "exclusions": {}, "batches": batches}}


@pytest.mark.parametrize(
    ("button", "glob", "said"),
    [("Dry run", DRY, "Counting …"), ("Submit", "**/export/jobs", "Submitting …")],
)
def test_what_is_being_done_is_said_in_sight_and_done_once(
    button: str, glob: str, said: str, page: Page, live: Live
) -> None:
    page.set_viewport_size({"width": 360, "height": 500})
    held = answers(page, glob, lambda _: None)
    sign_in(page, live)
    open_new_export(page)
    pressed = page.get_by_role("button", name=button)
    pressed.click()
    expect(page.get_by_role("status")).to_have_text(said)
    expect(page.get_by_role("status")).to_be_in_viewport(ratio=1)
    expect(pressed).to_have_attribute("aria-disabled", "true")
    expect(pressed).to_be_focused()
    first = nth(page, held, 1)
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert len(held) == 1
    first.fulfill(status=503, json={"detail": "The service is busy.", "errors": []})
    expect(page.get_by_role("alert")).to_contain_text("The service is busy.")
    expect(page.get_by_role("status")).to_have_text("")
    expect(pressed).not_to_have_attribute("aria-disabled", "true")
    # the request is not what is wrong
    expect(page.get_by_label("Request")).not_to_have_attribute("aria-invalid", "true")


def test_a_message_goes_with_its_view(page: Page, live: Live) -> None:
    sign_in(page, live)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.goto(f"{live.url}/#job=404")
    expect(page.get_by_role("status")).to_contain_text("404")
    expect(page.locator("#job")).to_contain_text("404")
    page.get_by_role("button", name="New export").click()
    expect(page.get_by_role("status")).to_have_text("")
    expect(page.get_by_role("button", name="New export")).to_have_attribute("aria-current", "page")
    choose = page.get_by_role("button", name="Jobs", exact=True)
    expect(choose).not_to_have_attribute("aria-current", "page")


def test_a_definition_names_segments_of_its_namespace_only(page: Page, live: Live) -> None:
    ours = {"segmentId": "vip", "segmentNs": "ups", "status": ["realized"]}
    theirs = {"segmentId": "vip", "segmentNs": "AAM", "status": ["existing"]}
    answers(page, DRY, with_json(counted(ours, theirs)))
    batches = [{**ours, "batchId": "b1"}, {**theirs, "batchId": "b2"}]
    done = {**job(7, "SUCCEEDED"), "destination": {"datasetId": "d", "batches": batches}}
    answers(page, "**/export/jobs/7", with_json(done))
    answers(page, "**/catalog/batches?*", with_json({}))
    sign_in(page, live)
    open_new_export(page)
    page.get_by_role("button", name="Dry run").click()
    told = ["VIP: ups:vip (realized)", "AAM:vip (existing)"]
    counts = page.locator("#counts li")
    expect(counts).to_have_text([f"{each}: 1 record" for each in told])
    expect(counts.first.locator("bdi")).to_have_text(["VIP", "ups:vip"])
    page.goto(f"{live.url}/#job=7")
    expect(page.locator("#job tbody td:first-child")).to_have_text(told)


def test_names_do_not_turn_round_what_stands_beside_them(page: Page, live: Live) -> None:
    answers(page, "**/dataSets?*", with_json({"d": {"name": RTL, **UNION}}))
    sign_in(page, live)
    open_new_export(page)
    option = page.locator("#dataset option")
    assert option.text_content() == f"\u2068{RTL}\u2069 (\u2068d\u2069)"


RUNS_FORWARD = """(paragraph) => {
    const text = [...paragraph.childNodes].find(({ data }) => data?.includes("merge policy"));
    const left = (at) => {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        return range.getBoundingClientRect().left;
    };
    const at = text.data.indexOf("merge");
    return left(at) < left(at + 4);
}"""


def test_a_name_with_letters_that_turn_the_direction_turns_nothing(page: Page, live: Live) -> None:
    """An isolate in it that is not closed would be closed in place of the one around it."""
    steering, told = "a\u202eb\u2066c", "a\\u202eb\\u2066c"
    failed = {**job(7, "FAILED"), "destination": {"datasetId": steering}}
    answers(page, "**/export/jobs/7", with_json(failed))
    answers(page, "**/dataSets?*", with_json({"d": {"name": steering, **UNION}}))
    problem = {"pointer": f"/{steering}", "detail": f"No {steering}.", "code": "c"}
    answers(page, DRY, with_json({"detail": "Not so.", "errors": [problem]}, 400))
    open_job(page, live)
    times = page.locator("#job [data-key=times]")
    times.wait_for()
    assert times.evaluate(RUNS_FORWARD)
    expect(times.locator("bdi").first).to_have_text(told)
    open_new_export(page)
    assert page.locator("#dataset option").text_content() == f"\u2068{told}\u2069 (\u2068d\u2069)"
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("#problems bdi")).to_have_text([f"/{told}", f"No {told}."])


@pytest.mark.parametrize("spelled", ["dataSetId", "datasetId"])
def test_the_data_set_is_known_by_either_spelling(spelled: str, page: Page, live: Live) -> None:
    sets = {name: {"name": name, **UNION} for name in ("one", "two")}
    answers(page, "**/dataSets?*", with_json(sets))
    sign_in(page, live)
    open_new_export(page)
    request, dataset = page.get_by_label("Request"), page.get_by_label("Export dataset")
    request.fill(json.dumps({"destination": {spelled: "two"}}))
    expect(dataset).to_have_value("two")
    dataset.select_option("one")
    assert json.loads(request.input_value()) == {"destination": {spelled: "one"}}
    request.fill("[]")
    dataset.select_option("one")
    expect(page.get_by_role("status")).to_contain_text("no JSON object just now")
    expect(request).to_have_value("[]")


AS_TYPED = [
    (
        '{"fields" : "a,b",\n\t"n": 12345678901234567890.10, "destination":{"datasetId":"two"}}',
        '{"fields" : "a,b",\n\t"n": 12345678901234567890.10, "destination":{"datasetId":"one"}}',
    ),
    (
        '{"destination": {"segmentPerBatch":true},"a": "}{\\"", "a": [{"datasetId": 1}]}',
        '{"destination": {"datasetId": "one","segmentPerBatch":true},"a": "}{\\"", '
        '"a": [{"datasetId": 1}]}',
    ),
    (
        '{"destination": {\n    "segmentPerBatch": true\n  }}',
        '{"destination": {\n    "datasetId": "one",\n    "segmentPerBatch": true\n  }}',
    ),
    (
        '{"destination": {"datasetId": "x", "dataSetId" : "two", "datasetId": 7 }}',
        '{"destination": {"datasetId": "x", "dataSetId" : "one", "datasetId": "one" }}',
    ),
    ('{"destination": {}}', '{"destination": {"datasetId": "one"}}'),
    ('{"destination": null, "a": 1}', '{"destination": {"datasetId": "one"}, "a": 1}'),
    ('\n{\n  "a": 1\n}', '\n{\n  "destination": {"datasetId": "one"},\n  "a": 1\n}'),
    (" { } ", ' {"destination": {"datasetId": "one"} } '),
    ('{"destinatio\\u006e": {}}', '{"destinatio\\u006e": {"datasetId": "one"}}'),
]


def test_what_one_has_typed_stays_when_a_data_set_is_chosen(page: Page, live: Live) -> None:
    answers(page, "**/dataSets?*", with_json({name: {"name": name, **UNION} for name in ("one",)}))
    sign_in(page, live)
    open_new_export(page)
    request, dataset = page.get_by_label("Request"), page.get_by_label("Export dataset")
    for typed, after in AS_TYPED:
        request.fill(typed)
        expect(dataset).to_have_value("")
        dataset.select_option("one")
        expect(request).to_have_value(after)
        expect(dataset).to_have_value("one")


def test_a_narrow_window_breaks_no_words(page: Page, live: Live) -> None:
    page.set_viewport_size({"width": 360, "height": 600})
    answers(page, LIST, with_json(listed(job(7, "FAILED"))))
    sign_in(page, live)
    expect(page.get_by_role("link", name="7", exact=True)).to_be_visible()
    lines = """element => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return new Set([...range.getClientRects()].map(({top}) => Math.round(top))).size;
    }"""
    for one_line in ("h1", "#leave", "#who", "#jobs .when"):
        assert page.locator(one_line).evaluate(lines) == 1, one_line


def test_large_numbers_are_not_cut(page: Page, live: Live) -> None:
    answers(page, DRY, with_json(counted({}, candidates=TRILLION)))
    sign_in(page, live)
    open_new_export(page)
    page.get_by_role("button", name="Dry run").click()
    number = page.get_by_role("img").get_by_text("1,000,000,000,000")
    assert number.evaluate("""text => {
        const box = text.getBBox();
        return box.x >= 160 && box.x + box.width <= text.ownerSVGElement.viewBox.baseVal.width;
    }""")


def test_jobs_are_links(page: Page, live: Live) -> None:
    answers(page, LIST, as_it_is, with_json(listed(job(7, "FAILED"))))
    sign_in(page, live)
    link = page.get_by_role("link", name="7", exact=True)
    assert link.evaluate("link => link.href") == f"{live.url}/#job=7"


def test_data_sets_are_offered_before_segments_have_names(page: Page, live: Live) -> None:
    answers(page, "**/segment/definitions?*", lambda _: None)
    answers(page, "**/dataSets?*", with_json({"d": {"name": "Mine", **UNION}}))
    sign_in(page, live)
    page.get_by_role("button", name="New export").click()
    page.get_by_label("Request").fill('{"destination": {"datasetId": "d"}}')
    expect(page.get_by_label("Export dataset")).to_have_value("d")

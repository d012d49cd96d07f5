"""What the page looks like: contrast by computation, in light and dark, and on a narrow screen."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from service.browsing import DRY, answers, job, open_job, open_new_export, sign_in, with_json
from service.live import Live

pytestmark = pytest.mark.xdist_group("serve")

TEXT, GRAPHICS = 4.5, 3.0
"""WCAG 2.2, AA: 1.4.3 for text, 1.4.11 for the edges of controls and what a picture is made of."""
EXCLUSIONS = {"notInSegment": 70_000, "tooManyIdentities": 1}
COUNTS = {"candidates": 90_000, "exclusions": EXCLUSIONS, "batches": []}
RATIOS = """([selector, property]) => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const pixel = (colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = ([r, g, b]) => [[r, .2126], [g, .7152], [b, .0722]].reduce((sum, [c, part]) =>
        sum + part * (c / 255 <= .04045 ? c / 255 / 12.92 : ((c / 255 + .055) / 1.055) ** 2.4), 0);
    const behind = (element) => {
        const colours = [];
        for (let at = element; at; at = at.parentElement)
            colours.unshift(getComputedStyle(at).backgroundColor);
        return colours;
    };
    return [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility()).map((e) => {
        const style = getComputedStyle(e);
        const ground = behind(property === "color" ? e : e.parentElement);
        const seen = `${style[property]} ${100 * style.opacity}%`;
        const colour = `color-mix(in srgb, ${seen}, transparent)`;
        const [one, other] = [pixel(ground), pixel([...ground, colour])].map(luminance);
        return (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    });
}"""


def least(page: Page, selector: str, property_: str) -> float:
    """The least contrast of what a selector finds with what is behind it."""
    ratios: list[float] = page.evaluate(RATIOS, [selector, property_])
    assert ratios, selector
    return min(ratios)


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest, page: Page) -> str:
    page.emulate_media(color_scheme=request.param)
    return str(request.param)


@pytest.mark.usefixtures("scheme")
def test_controls_are_seen_by_their_edges(page: Page, live: Live) -> None:
    fields = "#sign-in-form input, #sign-in-form button"
    assert least(page, fields, "borderTopColor") >= GRAPHICS
    sign_in(page, live)
    open_new_export(page)
    controls = "header button, nav button, #new-form select, #new-form textarea, #new-form button"
    assert least(page, controls, "borderTopColor") >= GRAPHICS


@pytest.mark.usefixtures("scheme")
def test_words_and_pictures_are_seen(page: Page, live: Live) -> None:
    answers(page, DRY, with_json({"counts": COUNTS}))
    assert least(page, "h1, label, label span, p, footer a, button", "color") >= TEXT
    sign_in(page, live)
    open_new_export(page)
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("img")).to_be_visible()
    assert least(page, "svg text", "fill") >= TEXT
    assert least(page, "svg rect", "fill") >= GRAPHICS
    failed = {**job(7, "FAILED"), "errors": [{"msg": "The disk is full.", "code": "disk-full"}]}
    answers(page, "**/export/jobs/7", with_json(failed))
    page.goto(f"{live.url}/#job=7")
    expect(page.get_by_role("status")).to_have_text("Job 7 is FAILED.")
    assert least(page, "#job strong, #job p, #job summary, nav button", "color") >= TEXT


def test_every_count_is_in_sight_on_a_narrow_screen(page: Page, live: Live) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    done: dict[str, Any] = {**job(7, "SUCCEEDED"), "metrics": COUNTS}
    answers(page, "**/export/jobs/7", with_json(done))
    open_job(page, live)
    expect(page.get_by_role("img")).to_be_visible()
    for count in ("19,999", "70,000", "1"):
        number = page.get_by_role("img").get_by_text(count, exact=True)
        box = number.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 320

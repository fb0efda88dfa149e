"""The page in a real browser: choosing, playing, zooming, themes, keys; no console error, nothing leaves the page."""

from __future__ import annotations

import re

import numpy as np
import pytest

from otoscope.views.report import report_html

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="module")
def browser(chromium):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'otoscope[dev]'")
    with playwright.sync_playwright() as engine:
        running = engine.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def show(browser, tmp_path):
    """Open an explanation's page; afterwards there must be no error and no request but the page itself."""
    pages, complaints, requests = [], [], []

    def opened(explanation, *, scheme="light", width=1200, title=None):
        path = tmp_path / "page.html"
        path.write_text(report_html(explanation, title=title), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=20_000)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == len(pages)


def word(page, label):
    return page.get_by_role("option", name=label, exact=True)


def picture(page, canvas="picture"):
    return page.evaluate(f"document.getElementById('{canvas}').toDataURL()")


def view(page):
    return page.evaluate("state.view")


def wait_until_paused(page, wanted):
    """Poll from outside: the page's own policy forbids the evaluation that waiting inside would need."""
    for _ in range(200):
        if page.evaluate("audio.paused") == wanted:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"audio.paused did not become {wanted} in 10 s")


PIXELS = """([x, y, h]) => { const ratio = devicePixelRatio, copy = new OffscreenCanvas(1, Math.ceil(h * ratio));
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage($("picture"), -Math.round(x * ratio), -Math.round(y * ratio));
    return [...context.getImageData(0, 0, 1, copy.height).data]; }"""


def column(page, time_s, *, top, height):
    """RGBA of a column of the picture's relevance lane, from `top` above the zero line downwards, `(height, 4)`."""
    zero = page.evaluate("relevanceAxis(chosen().why, stage.lanes.relevance)(0)")
    pixels = page.evaluate(PIXELS, [page.evaluate(f"xOf({time_s})"), zero - top, height])
    return np.array(pixels).reshape(-1, 4)


def test_a_click_changes_everything_to_the_word(show, explanation):
    page = show(explanation)
    before = {name: picture(page, name) for name in ("picture", "matrix")}
    curves = page.locator("#curves").inner_html()
    checks = page.locator("#checks").inner_text()
    assert word(page, "and").get_attribute("aria-selected") == "true"
    word(page, "fellow").click()
    assert word(page, "fellow").get_attribute("aria-selected") == "true"
    assert word(page, "and").get_attribute("aria-selected") == "false"
    assert page.locator("#chosen-label").inner_text() == "fellow"
    assert page.locator("#reading").inner_text().startswith("“fellow” rests on 1.65–1.95 s (60 % of its")
    assert picture(page) != before["picture"]
    assert picture(page, "matrix") != before["matrix"]
    assert page.locator("#curves").inner_html() != curves
    assert page.locator("#checks").inner_text() != checks
    assert page.locator("tr[data-chosen] th").inner_text() == "fellow"
    assert page.evaluate("audio.currentTime") == pytest.approx(explanation[3].target.interval.start_s, abs=0.01)


def test_the_bars_are_drawn_where_the_relevance_is(show, explanation):
    """The strongest bar of the lane is orange at its top, and there is no orange where relevance is about none."""
    page = show(explanation)
    word(page, "fellow").click()
    red, _, blue, _ = column(page, 1.70, top=20, height=1)[0]
    assert red - blue > 100
    assert column(page, 3.4, top=20, height=1)[0, 3] == 0


def test_arrow_keys_step_through_the_words(show, explanation):
    page = show(explanation)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#chosen-label").inner_text() == "my"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#chosen-label").inner_text() == "so"
    word(page, "so").focus()
    page.keyboard.press("End")
    assert page.locator("#chosen-label").inner_text() == "do"
    page.keyboard.press("ArrowRight")
    assert page.locator("#chosen-label").inner_text() == "do"
    assert page.evaluate("document.activeElement.textContent") == "do"


def test_zoom_by_keys_and_by_dragging(show, explanation):
    page = show(explanation)
    assert view(page) == [0, 6]
    word(page, "fellow").click()
    page.keyboard.press("+")
    start, end = view(page)
    assert end - start == pytest.approx(3)
    assert start < 1.75 < end
    page.keyboard.press("0")
    assert view(page) == [0, 6]
    page.keyboard.press("z")
    assert view(page)[1] - view(page)[0] < 1.2
    page.keyboard.press("0")
    box = page.locator("#stage").bounding_box()
    xs = [box["x"] + page.evaluate("t => xOf(t)", t) for t in (2.0, 4.0)]
    page.mouse.move(xs[0], box["y"] + 100)
    page.mouse.down()
    page.mouse.move(xs[1], box["y"] + 120, steps=4)
    page.mouse.up()
    assert view(page) == pytest.approx([2, 4], abs=0.02)
    page.get_by_role("button", name="Show the whole recording").click()
    assert view(page) == [0, 6]


def test_a_click_on_the_picture_chooses_the_word_there(show, explanation):
    page = show(explanation)
    box = page.locator("#stage").bounding_box()
    page.mouse.click(box["x"] + page.evaluate("xOf(5.2)"), box["y"] + 150)
    assert page.locator("#chosen-label").inner_text() == "can"
    assert page.evaluate("audio.currentTime") == pytest.approx(5.2, abs=0.02)


def test_pointing_reads_values(show, explanation):
    page = show(explanation)
    word(page, "fellow").click()
    page.locator("#readout").scroll_into_view_if_needed()
    box = page.locator("#stage").bounding_box()
    page.mouse.move(
        box["x"] + page.evaluate("xOf(1.75)"), box["y"] + page.evaluate("yOf(1500, stage.lanes.spectrogram)")
    )
    said = page.locator("#readout").inner_text()
    assert re.match(r"1\.7\d s · 1[45]\d\d Hz · −?\d+ dB · cell \d", said)
    assert "word fellow (aligned, 31 % sure)" in said
    assert re.search(r"relevance [34]\.\d+ nats", said)


def test_enter_plays_the_word_and_stops_at_its_end(show, explanation):
    page = show(explanation)
    word(page, "fellow").click()
    page.evaluate(
        "() => { window.said = []; const button = document.querySelector('#play');"
        " new MutationObserver(() => said.push(button.innerText)).observe(button, {childList: true, subtree: true}); }"
    )
    page.keyboard.press("Enter")
    wait_until_paused(page, False)
    wait_until_paused(page, True)
    assert any("Pause" in text for text in page.evaluate("said"))  # read as it happens: the word is short
    interval = explanation[3].target.interval
    assert interval.end_s <= page.evaluate("audio.currentTime") < interval.end_s + 0.3
    page.keyboard.press("Space")
    wait_until_paused(page, False)
    page.keyboard.press("Space")
    wait_until_paused(page, True)


def test_light_dark_and_the_readers_own_preference(show, explanation):
    page = show(explanation, scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    dark = picture(page), page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(theme) == "light"
    assert picture(page) != dark[0]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark[1]
    page.keyboard.press("t")
    assert page.evaluate(theme) == "dark"
    assert picture(page) == dark[0]


def test_the_map_can_be_taken_off_the_spectrogram(show, explanation):
    page = show(explanation)
    with_map = picture(page)
    page.keyboard.press("m")
    assert page.get_by_role("button", name="Relevance on the spectrogram").get_attribute("aria-pressed") == "false"
    assert picture(page) != with_map


def test_help_opens_and_closes_by_keyboard(show, explanation):
    page = show(explanation)
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_a_failed_map_is_grey_with_its_reason(show, make):
    page = show(make(failures={3: ("seeds disagree",)}))
    assert not page.locator("#warning").is_visible()
    word(page, "fellow").click()
    assert (
        page.locator("#warning").inner_text()
        == "Do not read the relevance over time: seeds disagree. It is drawn in grey."
    )
    bar = column(page, 1.70, top=60, height=50)
    assert (bar[:, 3] > 150).sum() > 20
    assert np.abs(bar[:, 0] - bar[:, 2]).max() < 40


HOSTILE = ["</script><script>window.hit=1</script>", "<img src=x onerror=window.hit=1>", "שלום עולם", "🎧", "'\"&amp;"]


def test_hostile_labels_do_nothing(show, make):
    page = show(make(HOSTILE), title="<img src=x onerror=window.hit=1>")
    for index in range(len(HOSTILE)):
        page.get_by_role("option").nth(index).click()
        assert page.locator("#chosen-label").inner_text() == HOSTILE[index]
    assert page.evaluate("window.hit") is None
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_scrolls_sideways(show, explanation, width):
    page = show(explanation, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_words_and_one_word_without_phones_and_cells(show, make):
    empty = show(make([], cells=False))
    assert "No words" in empty.locator("main").inner_text()
    empty.keyboard.press("ArrowRight")
    empty.keyboard.press("+")
    one = show(make(["yes"], phones=False, cells=False, duration_s=1.0))
    one.keyboard.press("ArrowRight")
    assert one.locator("#chosen-label").inner_text() == "yes"
    assert not one.get_by_role("button", name="Relevance on the spectrogram").is_visible()


def test_two_hundred_words_in_a_minute(show, make):
    page = show(make([f"word{i}" for i in range(200)], duration_s=60.0))
    assert view(page)[1] - view(page)[0] < 60
    word(page, "word150").click()
    start, end = view(page)
    assert start < 150.5 * 0.3 < end
    assert page.locator("#chosen-label").inner_text() == "word150"


def test_a_hidden_page_draws_itself_when_it_is_shown(show, explanation):
    page = show(explanation)
    page.evaluate("document.body.style.display = 'none'; setTheme('dark'); choose(3); show(1, 3)")
    page.evaluate("document.body.style.display = ''")
    page.wait_for_function("stage.width > 500")
    page.wait_for_timeout(1000)
    seen = picture(page), picture(page, "matrix")
    page.evaluate("drawAll()")
    assert (picture(page), picture(page, "matrix")) == seen


def test_controls_have_names_and_focus_is_seen(show, explanation):
    page = show(explanation)
    for button in page.get_by_role("button").all():
        assert button.get_attribute("aria-label") or button.inner_text().strip()
    page.locator("#zoom-in").focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"

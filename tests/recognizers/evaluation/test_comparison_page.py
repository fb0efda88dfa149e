"""The page of a comparison in a real browser: playing words, stepping, finding; hostile text; nothing leaves."""

from __future__ import annotations

import re
from html import unescape

import pytest
from parrots import HEARD

from otoscope.recognizers.evaluation import compare
from otoscope.views import comparison as views
from otoscope.views.comparison import comparison_html

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--autoplay-policy=no-user-gesture-required"]
HOSTILE = "</script><script>window.hit=1</script>"


@pytest.fixture
def compared(parrot, corpus):
    better = {**HEARD, "u1": "so my fellow listeners", "u3": f"{HOSTILE} two <img> years"}
    return compare([parrot("a <b>"), parrot("b", better)], corpus)


def test_the_page_is_self_contained_and_lists_most_differences_first(compared):
    html = comparison_html(compared)
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    assert "default-src 'none'" in unescape(html)
    assert " style=" not in html.split("</style>")[1]
    ids = re.findall(r'data-id="(\w+)"', html)
    assert ids == [one.utterance.id for one in sorted(compared.differences, key=lambda one: -one.n_different)]
    assert "a &lt;b&gt;" in html
    assert HOSTILE not in html


def test_sound_is_left_out_where_there_is_too_much(compared, monkeypatch):
    assert comparison_html(compared).count("data:audio/flac") == len(compared.differences) == 2
    monkeypatch.setattr(views, "SOUND_UP_TO_S", 1.0)
    html = comparison_html(compared)
    assert html.count("data:audio/flac") == 1
    assert "The last 1 come without sound" in html


@pytest.fixture(scope="module")
def browser():
    import shutil

    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip(f"no browser: install one of {', '.join(names)} (Debian: apt install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'otoscope[dev]'")
    with playwright.sync_playwright() as engine:
        running = engine.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser, compared, tmp_path):
    complaints, requests = [], []
    path = tmp_path / "page.html"
    path.write_text(comparison_html(compared), encoding="utf-8")
    shown = browser.new_page(viewport={"width": 1000, "height": 800}, color_scheme="light")
    shown.on("console", lambda message: complaints.append(message.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("request", lambda request: requests.append(request.url))
    shown.goto(path.as_uri())
    shown.wait_for_selector("html[data-ready=yes]", timeout=20_000)
    yield shown
    hit = shown.evaluate("window.hit")
    shown.close()
    assert complaints == []
    assert hit is None
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]


def until(page, expression):
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{expression} did not come true in 10 s")


@pytest.mark.browser
def test_a_word_is_played_from_its_place_and_stops_at_its_end(page, compared):
    one = next(each for each in compared.differences if each.utterance.id == "u1")
    column = next(each for each in one.columns if each.differs)
    page.locator('[data-id="u1"] .place[data-differs]').first.click()
    until(page, "!audio.paused || audio.currentTime > 0")
    assert page.evaluate("state.id") == "u1"
    assert page.evaluate("state.stopAt") == pytest.approx(column.end_s + views.MARGIN_S, abs=1e-3)
    until(page, "audio.paused")
    played_to = page.evaluate("audio.currentTime")
    duration_s = page.evaluate("audio.duration")
    assert duration_s == pytest.approx(0.5, abs=0.01)
    assert column.start_s - views.MARGIN_S <= played_to <= duration_s


@pytest.mark.browser
def test_arrow_keys_go_through_the_places_that_differ(page, compared):
    n_places = sum(one.n_different for one in compared.differences)
    assert page.locator(".place[data-differs]").count() == n_places
    seen = []
    for _ in range(n_places + 1):
        page.keyboard.press("ArrowRight")
        seen.append(
            page.evaluate("[...document.querySelectorAll('.place[data-differs]')].indexOf(document.activeElement)")
        )
    assert seen == [*range(n_places), n_places - 1]
    page.keyboard.press("ArrowLeft")
    back = "[...document.querySelectorAll('.place[data-differs]')].indexOf(document.activeElement)"
    assert page.evaluate(back) == n_places - 2


@pytest.mark.browser
def test_the_whole_utterance_finding_a_word_and_the_theme(page):
    page.locator('[data-id="u3"] .hear').click()
    until(page, "state.id === 'u3' && state.stopAt === null")
    page.locator("#find").fill("fellow")
    assert page.locator(".utterance:visible").count() == 1
    assert page.locator("#found").inner_text() == "1 of 2 utterances"
    page.locator("#find").fill("")
    assert page.locator(".utterance:visible").count() == 2
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400

"""Pages and files of findings: everything is shown, nothing is fetched, failures are said, files read back."""

from __future__ import annotations

import csv
import io
import json
import re

import numpy as np
import pytest

from otoscope.core import Finding, Panel, Recording
from otoscope.views.export import export_explanation, export_finding
from otoscope.views.figures import figure
from otoscope.views.findings import MOST_ROWS, findings_html


@pytest.fixture
def finding() -> Finding:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 4))
    values[1, 2] = np.nan
    heatmap = {
        "values": values, "row_labels": ["encoder.0", "encoder.1", "encoder.2"], "column_labels": [0.0, 0.1, 0.2, 0.3],
        "x_label": "time (s)", "value_label": "restored", "diverging": True, "marks": [(0, 1)],
    }  # fmt: skip
    sound = Recording(0.1 * rng.standard_normal(1600).astype(np.float32), 16000)
    panels = (
        Panel("heatmap", "Where <b>it</b> is", heatmap, "Rows are sites."),
        Panel("sounds", "To be played", {"sounds": [{"label": "as it was", "recording": sound}]}),
        Panel("table", "Rows", {"columns": ["a"], "rows": [[1.5]]}, warning="too few"),
        Panel("text", "Said", {"text": "so <script>"}),
    )
    rows = tuple({"site": f"encoder.{i}", "share": i / 3, "words": ["so", "my"]} for i in range(3))
    return Finding("patching", "Site 1 carries it.", rows, panels, {"recognizer": "toy"}, ("random does as well",))


def test_a_page_shows_every_panel_and_says_what_failed(finding):
    page = findings_html([finding], title="talk & more")
    assert page.count('<img class="chart"') == 1
    assert page.count("<audio controls") == 1
    assert "Not to be believed: random does as well" in page
    assert "Not to be believed: too few" in page
    assert "talk &amp; more" in page
    assert "so &lt;script&gt;" in page
    assert "Where &lt;b&gt;it&lt;/b&gt; is" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "encoder.2" in page
    assert "so, my" in page


def test_a_page_says_how_many_rows_it_leaves_out():
    rows = tuple({"row": index} for index in range(MOST_ROWS + 3))
    assert "3 more rows are in the JSON" in findings_html([Finding("long", "Many.", rows)], title="x")


def test_a_heatmap_is_drawn_with_gaps_marks_and_grey_where_it_failed(finding):
    from matplotlib.colors import to_hex

    panel = finding.panels[0]
    axes = figure(panel).axes[0]
    image = axes.images[0]
    assert np.ma.getmaskarray(image.get_array()).sum() == 1
    assert [text.get_text() for text in axes.get_yticklabels()] == ["encoder.0", "encoder.1", "encoder.2"]
    assert len(axes.patches) == 1
    assert axes.patches[0].get_xy() == (0.5, -0.5)
    assert len([text for text in axes.texts if text.get_text()]) == 11
    failed = Panel(panel.kind, panel.title, panel.data, panel.caption, "no")
    red, green, blue = (int(to_hex(figure(failed).axes[0].images[0].cmap(1.0))[i : i + 2], 16) for i in (1, 3, 5))
    assert red == green == blue


def test_a_finding_is_written_as_json_csv_figures_and_sounds(finding, tmp_path):
    import soundfile

    written = export_finding(finding, tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    told = json.loads((tmp_path / "patching.json").read_text())
    assert told["panels"][0]["data"]["values"][1][2] is None
    assert told["failures"] == ["random does as well"]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "patching.csv").read_text())))
    assert rows[2]["site"] == "encoder.2"
    assert json.loads(rows[2]["words"]) == ["so", "my"]
    assert (tmp_path / "patching-1.svg").read_text().startswith("<?xml")
    assert soundfile.info(tmp_path / "patching-2-1-as-it-was.flac").frames == 1600


def test_an_explanation_is_written_for_programs_and_for_praat(explanation, tmp_path):
    from otoscope.io.formats import read_annotations

    export_explanation(explanation, tmp_path, name="talk")
    (annotation,) = read_annotations(tmp_path / "talk.TextGrid")
    names = [tier.name for tier in annotation.tiers]
    assert names[0] == "words"
    assert len(names) == len(explanation.trace.alignment.tiers) + len(explanation)
    shares = [float(i.label) for i in annotation.tiers[-1] if i.label]
    assert max(map(abs, shares)) == 100
    rows = list(csv.DictReader(io.StringIO((tmp_path / "talk.csv").read_text())))
    assert len(rows) == sum(len(a.segments) for a in explanation)
    assert float(rows[0]["relevance"]) == pytest.approx(float(explanation[0].relevance[0]))


def test_the_report_has_a_section_for_findings_only_where_there_are_any(explanation, finding):
    from otoscope.views.report import report_html

    assert "More about why" not in report_html(explanation)
    page = report_html(explanation, findings=[finding])
    assert "More about why" in page
    assert "Site 1 carries it." in page

"""Does a report on a network's poolings say the same as text and as a page, and open the explorer?"""

import subprocess
import sys
from html.parser import HTMLParser

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.networks import NOISE, ODD, PHOTO, SOUND, normal
from pooling_course import inspect_poolings
from pooling_course.expert import findings
from pooling_course.maths.kinds import settings_of


def reported():
    torch.manual_seed(0)
    layers = {"<stem>": nn.Conv2d(3, 4, 3, padding=1), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2)}
    return inspect_poolings(nn.Sequential(torch.nn.modules.container.OrderedDict(layers)), PHOTO[..., :31, :30])


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def test_the_page_is_a_table_with_heads_pictures_with_words_and_links():
    report = inspect_poolings(SOUND["DenseNet"][0](), normal(1, 3, 70, 70), backward=True)
    tags, rows = Tags(report._repr_html_()), len(report.rows)
    assert len(tags.all("caption")) == 1 and len(tags.all("tr")) == rows + 1
    scopes = [th["scope"] for th in tags.all("th")]
    assert scopes.count("row") == rows and scopes.count("col") == len(scopes) - rows == 14
    assert len(tags.all("td")) == rows * 13 and len(tags.all("img")) == rows
    for row, picture in zip(report.rows, tags.all("img"), strict=True):
        assert picture["alt"].startswith(f"{row.name}, channel ") and "input" in picture["alt"]
        assert picture["src"].startswith("data:image/png;base64,")
    assert {a["href"] for a in tags.all("a")} == {finding.link for finding in report.findings} != set()
    assert "hatched" in next(p["alt"] for p in tags.all("img") if "cells" in p["alt"])


def test_the_page_says_what_the_text_says():
    report = reported()
    text, page = str(report), report._repr_html_()
    assert text == repr(report) and "pool" in text and "&lt;" not in text
    row = report.rows[0]
    for shown in (row.name, row.code, findings.size(row.input), findings.percent(row.never_read)):
        assert shown in text and shown in page
    for finding in report.findings:
        assert f"- {finding.severity}: {finding.name} {finding.what}" in text and finding.what in page


def test_names_from_a_model_are_escaped():
    model = nn.Sequential(torch.nn.modules.container.OrderedDict({"<b>": nn.MaxPool2d(2)}))
    page = inspect_poolings(model, ODD)._repr_html_()
    assert "<b>" not in page and "&lt;b&gt;" in page


def test_a_report_without_findings_says_so():
    report = inspect_poolings(nn.MaxPool2d(2), PHOTO)
    assert "No findings" in str(report) and "No findings" in report._repr_html_()
    assert str(report).startswith("1 pooling or strided convolution in MaxPool2d\n")


def test_the_explorer_shows_what_the_layer_met():
    report = reported()
    explorer = report.explorer("pool", channel=2)
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 3, padding=1)
    met = conv(PHOTO[..., :31, :30]).relu()[0]
    assert torch.equal(explorer.x, met[2]) and explorer.pooling == settings_of(nn.MaxPool2d(2))
    assert torch.equal(explorer.trace.output, F.max_pool2d(met[2:3], 2)[0])
    assert torch.equal(report.explorer("pool").x, met)  # all channels, to be picked there
    with pytest.raises(ValueError, match="'none' is none of the poolings that were called: 'pool'"):
        report.explorer("none")
    with pytest.raises(ValueError, match="channel=4: pool met 4 channels, 0 to 3"):
        report.explorer("pool", channel=4)


def test_the_explorer_shows_depthwise_convolutions_and_says_which_it_cannot_show():
    depthwise, mixing = nn.Conv2d(2, 2, 3, 2, groups=2), nn.Conv2d(2, 3, 3, 2)
    report = inspect_poolings(nn.Sequential(depthwise, mixing), normal(1, 2, 11, 11))
    explorer = report.explorer("0", channel=1)
    assert torch.allclose(explorer.trace.output, depthwise(normal(1, 2, 11, 11))[0, 1], atol=1e-6)
    with pytest.raises(ValueError, match="1 makes each of its 3 outputs of 2 channels"):
        report.explorer("1")


def test_large_maps_open_with_as_many_channels_as_a_page_can_bear():
    report = inspect_poolings(nn.MaxPool2d(2), normal(1, 40, 64, 64))
    assert report.explorer("(model)").x.shape == (16, 64, 64)
    assert report.explorer("(model)", channel=39).x.shape == (64, 64)


def test_a_bar_is_shown_where_it_takes_long(monkeypatch, bars):
    model = nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2))
    inspect_poolings(model, NOISE)
    assert bars == []
    monkeypatch.setattr("pooling_course.expert.inspect.PATIENCE", -1)
    inspect_poolings(model, NOISE)
    assert [text.split("> ")[1] for text in bars] == [
        "0 of 2 poolings, starting", "0 of 2 poolings, 0", "1 of 2 poolings, 1", "2 of 2 poolings, done",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_text_needs_no_matplotlib():
    code = (
        "import sys, torch, pooling_course as p;"
        "str(p.inspect_poolings(torch.nn.MaxPool2d(2), torch.rand(1, 1, 4, 4)));"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.browser
@pytest.mark.parametrize("ground, ink", [("#ffffff", "#212121"), ("#111111", "#ffffff")], ids=["light", "dark"])
def test_the_page_is_read_in_light_and_in_dark(chromium, ground, ink):
    from axe_playwright_python.sync_playwright import Axe

    report = inspect_poolings(SOUND["DenseNet"][0](), normal(1, 3, 70, 70), backward=True)
    links = "#1565c0" if ink == "#212121" else "#64b5f6"  # the front end's own
    style = f"body {{ background: {ground}; color: {ink} }} a {{ color: {links} }}"
    page = chromium.new_page()
    head = f'<!doctype html><html lang="en"><title>report</title><style>{style}</style>'
    page.set_content(f"{head}<main><h1>A report</h1>{report._repr_html_()}</main></html>")
    found = Axe().run(page).response
    assert found["violations"] == []
    assert "color-contrast" in [rule["id"] for rule in found["passes"]]
    page.close()

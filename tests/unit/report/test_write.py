"""The report: complete, self-contained, and honest about what is missing."""

from __future__ import annotations

import dataclasses
import html.parser
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from iceball import library
from iceball.assessment.words import in_words, percent
from iceball.errors import InputError
from iceball.nouns import Ball, Drawn, Sensor, SensorCurve
from iceball.provenance import RESEARCH_USE
from iceball.report import write_report
from iceball.report.words import typeset


class Reader(html.parser.HTMLParser):
    """Keeps the words, every address that is referred to, and the balance of the tags."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, text):
        super().__init__()
        self.words, self.addresses, self.tags, self.ids, self.open = [], [], [], set(), []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids |= {value for name, value in attrs if name == "id"}
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module", params=[1, 20], ids=["one structure", "twenty structures"])
def told(request, vertebra, tmp_path_factory):
    nouns = vertebra(request.param)
    folder = tmp_path_factory.mktemp("report")
    files = write_report(*nouns, folder, pdf=False)
    text = files.html.read_text(encoding="utf-8")
    return nouns, files, text, Reader(text)


def test_the_page_needs_nothing_but_itself(told):
    _, _, text, page = told
    outside = [a for a in page.addresses if not a.startswith(("data:image/png;base64,", "#"))]
    assert outside == []
    assert {"script", "link", "iframe", "object"}.isdisjoint(page.tags)
    assert not re.search(r"@import|url\(", text)
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= page.ids
    assert page.open == []


def test_the_verdict_and_the_numbers_that_matter_come_first(told):
    (_, _, _, assessment), _, _, page = told
    head = page.text[: page.text.index("Pictures")]
    assert "Stop" in head
    assert typeset(assessment.findings[0].says) in head
    for isotherm in (-20.0, -40.0):
        result = next(r for r in assessment.isotherms if r.isotherm_c == isotherm)
        assert percent(result.coverage_fraction) in head
    assert "coldest at spinal cord" in head


def test_every_structure_finding_probe_and_note_is_told(told):
    (case, plan, _, assessment), _, _, page = told
    for clearance in assessment.clearances:
        assert in_words(clearance.structure) in page.text
    for finding in assessment.findings:
        assert typeset(finding.says) in page.text
    for placement in plan.placements:
        assert placement.probe.name in page.text
    assert all(note in page.text for note in case.notes)
    assert "freeze for 10 min, then passive thaw for 8 min, then freeze for 10 min" in page.text


def test_every_number_that_went_in_is_there_with_its_source_and_its_confidence(told):
    _, _, text, page = told
    for name in ("muscle", "fat", "cortical_bone", "red_marrow", "osteolytic_lesion"):
        for cited in library.tissue_rows(name).values():
            assert library.sources()[cited.source].title in page.text
            assert f"{cited.low:g} to {cited.high:g}".replace("-", "−") in page.text or cited.low == cited.high
    rows = [row for name in ("muscle", "fat") for row in library.tissue_rows(name).values()]
    assert any(row.confidence == "recalled" for row in rows)
    assert text.count('<span class="unsure">recalled</span>') >= sum(row.confidence == "recalled" for row in rows)


def test_it_says_what_it_cannot_know_and_that_it_is_research(told):
    _, _, _, page = told
    assert "Frozen bone is nearly unmeasured" in page.text
    assert page.text.count(RESEARCH_USE) >= 2


def test_what_people_wrote_is_shown_and_never_run(vertebra, tmp_path):
    case, plan, history, assessment = vertebra(1, notes=("<script>alert(1)</script> & more",))
    text = write_report(case, plan, history, assessment, tmp_path, pdf=False).html.read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<script>alert(1)</script> & more" in Reader(text).text


def test_every_page_of_the_pdf_says_research_use_only(vertebra, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("needs pdftotext from the system package poppler-utils")  # in CI a skip fails
    files = write_report(*vertebra(1), tmp_path)
    assert files.pdf is not None, files.remark
    printed = subprocess.run(["pdftotext", "-layout", files.pdf, "-"], capture_output=True, check=True).stdout.decode()
    pages = printed.split("\f")[:-1]
    assert len(pages) >= 4
    assert [page for page in pages if RESEARCH_USE[:22] not in page] == []
    numbered = [bool(re.search(rf"\b{n}\s*/\s*{len(pages)}\b", page)) for n, page in enumerate(pages, start=1)]
    assert numbered == [True] * len(pages)


class NoPango:
    """Stands for WeasyPrint where the system lacks pango: its import raises OSError."""

    def find_spec(self, name, path=None, target=None):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")


@pytest.mark.parametrize("missing", ["package", "pango"])
def test_without_weasyprint_the_page_stands_alone_and_says_how_to_get_the_pdf(missing, vertebra, tmp_path, monkeypatch):
    (tmp_path / "report.pdf").write_bytes(b"of an earlier run")
    if missing == "package":
        monkeypatch.setitem(sys.modules, "weasyprint", None)
    else:
        monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
        monkeypatch.setattr(sys, "meta_path", [NoPango(), *sys.meta_path])
    files = write_report(*vertebra(1), tmp_path)
    assert files.pdf is None
    assert "apt install libpango" in files.remark
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html"]


def test_a_folder_that_cannot_be_made_is_refused(vertebra, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make the report's folder"):
        write_report(*vertebra(1), tmp_path / "file" / "report", pdf=False)


def test_a_case_without_a_lesion_is_refused_and_leaves_nothing(vertebra, tmp_path):
    case, *rest = vertebra(1)
    with pytest.raises(InputError, match="has no lesion"):
        write_report(dataclasses.replace(case, lesion=None), *rest, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_run_that_froze_nothing_is_told_too(vertebra, tmp_path):
    nouns = vertebra(1, cold_c=20.0)
    page = Reader(write_report(*nouns, tmp_path, pdf=False).html.read_text(encoding="utf-8"))
    assert "no tissue got so cold" in page.text
    assert page.tags.count("img") == 3  # no worst place to show: the lesion's centre and two charts


def test_progress_only_grows_and_ends_at_one(vertebra, tmp_path):
    told = []
    write_report(*vertebra(1), tmp_path, pdf=False, progress=lambda done, text: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_protections_and_what_thermometers_showed_are_told_and_cited(vertebra, tmp_path):
    case, plan, history, assessment = vertebra(1)
    place = Ball(centre_mm=(0.0, 60.0, 0.0), radius_mm=30.0)
    glove = library.warm_pad("saline_glove", label="glove <b>", region=place)
    held = library.irrigation(label="beside the cord", region=Drawn(structure="spinal_cord"))
    sensor = Sensor(label="nerve root", at_mm=(1.0, 20.0, -3.0))
    shown = np.linspace(37.0, -4.0, history.time_s.size)
    curve = SensorCurve(label=sensor.label, at_mm=sensor.at_mm, temperature_c=shown)
    plan = dataclasses.replace(plan, protections=(glove, held, sensor))
    files = write_report(case, plan, dataclasses.replace(history, sensors=(curve,)), assessment, tmp_path, pdf=False)
    page = Reader(files.html.read_text(encoding="utf-8"))
    for words in (
        "nerve root 1.0, 20.0, −3.0 37.0 −4.0",
        "glove <b> pad of 40 °C, film 100 W/m²/K on the skin in a ball of 30 mm radius about 0.0, 60.0, 0.0 mm",
        "beside the cord saline in what is drawn as spinal cord, kept at 37 °C",
        "Protection: saline glove",
        "Protection: warm irrigation",
    ):
        assert words in page.text
    assert "no fluid put in to protect" not in page.text
    assert page.open == []

"""What is documented has sources, stands apart from what was measured, and says so."""

import fake_reports
import pytest

from labsupport import checked, documented, matrix
from labsupport.errors import WrongUse


def test_every_system_of_the_seed_that_is_not_measured_has_a_row():
    assert [system.name for system in documented.load()] == [
        "Weave Net", "Antrea", "AWS VPC CNI", "Azure CNI", "GKE Dataplane V2", "kindnet",
    ]  # fmt: skip


def test_a_fact_without_its_source_is_refused(tmp_path):
    file = tmp_path / "documented.yaml"
    fact = "[{text: It is., source: 'https://k8s.io', read: '2026-11-25'}]"
    file.write_text(f"[{{name: A, standard: {fact}, extended: {fact}, notes: [{{text: It is.}}]}}]")
    with pytest.raises(WrongUse, match=r"notes.*'source' is a required property"):
        checked.read_yaml(file, "documented")


@pytest.mark.parametrize("show", ["to_html", "to_markdown"])
def test_pages_name_each_system_with_sources_and_days(show):
    text = getattr(matrix.build([fake_reports.report()], "recorded"), show)()
    assert "Documented, not measured" in text
    for system in documented.load():
        assert system.name in text
        for fact in (*system.standard, *system.extended, *system.notes):
            assert fact.source in text
            assert fact.read in text


def test_no_documented_row_wears_a_verdict():
    text = matrix.build([fake_reports.report()], "recorded").to_html()
    section = text[text.index('<section aria-labelledby="documented"') :]
    section = section[: section.index("</section>")]
    assert 'class="sign' not in section
    assert section.count('class="badge">documented<') == len(documented.load())


def test_a_measured_cluster_is_named_beside_what_is_documented_of_it():
    one = fake_reports.report()
    one["implementation"] |= {"title": "our-eks", "mode": "AWS VPC CNI"}
    measured = {s.name: s.measured([one]) for s in documented.load() if s.measured([one])}
    assert measured == {"AWS VPC CNI": ["our-eks"]}
    assert "measured: our-eks" in matrix.build([one], "live").to_html()

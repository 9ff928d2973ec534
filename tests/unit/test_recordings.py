"""What ships is what was measured: whole, alike in every case, and shown as it is."""

import pytest

from labsupport import cases, groups, matrix, paths, report, versions
from labsupport.verdict import Verdict

DOCS = paths.ROOT / "docs"
RECORDINGS = report.recordings()

each = pytest.mark.parametrize("one", RECORDINGS, ids=lambda r: r["implementation"]["profile"])


def test_every_profile_is_recorded_with_every_case_as_it_is_today():
    assert [r["implementation"]["profile"] for r in RECORDINGS] == [
        profile.name for profile in versions.profiles()
    ]
    for one in RECORDINGS:
        assert [(c["id"], c["policySha256"]) for c in one["cases"]] == [
            (case.id, case.policy_sha256) for case in cases.load()
        ]


@each
def test_a_recording_says_which_commit_and_which_versions_it_measured(one):
    profile = versions.profile(one["implementation"]["profile"])
    assert one["implementation"]["version"] == profile.version
    assert one["run"]["lab"]["commit"]
    assert not one["run"]["lab"]["dirty"]


@each
def test_a_recording_leaves_nothing_open_that_was_run(one):
    unclear = [
        case["id"]
        for case in one["cases"]
        if case["verdict"] in (Verdict.INCONCLUSIVE, Verdict.UNSTABLE)
        or any(asked["answer"].startswith(groups.UNCLEAR) for asked in case["answers"])
    ]
    assert unclear == []


@pytest.mark.parametrize("form", ["html", "md"])
def test_the_matrix_in_docs_is_made_of_the_recordings(form):
    shown = matrix.build(RECORDINGS, "recorded")
    made = shown.to_html() if form == "html" else shown.to_markdown()
    assert (DOCS / f"matrix.{form}").read_text() == made, "run `./lab run --recorded --out docs`"

"""The main job on four real clusters: what they accept, and what they enforce."""

import pytest

from labsupport import cases, report, versions

ENFORCING = ("calico", "cilium", "canal")
TEN = [case.id for case in cases.load()][:10]
# What the ten do not do: change labels, start pods, ask, reach outside, use other APIs.
MORE = [
    "label-changed-on-namespace",
    "pod-starts-after-policy",
    "port-name-two-numbers",
    "ipblock-ingress",
    "existing-connections",
    "egress-ipblock-of-everything",
    "icmp-under-deny",
    "calico-tier-deny",
    "cilium-fqdn",
    "admin-deny",
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A part of the catalogue on all four: the whole of it is what a recording is for."""
    from tests.live.conftest import Lab

    lab = Lab(tmp_path_factory.mktemp("out"))
    chosen = [word for name in TEN + MORE for word in ("--case", name)]
    return lab, lab.run("--live", *chosen)


def test_every_profile_and_every_case_is_measured(measured):
    _, matrix = measured
    assert matrix["mode"] == "live"
    assert list(matrix["measured"]) == [profile.name for profile in versions.profiles()]
    for verdicts in matrix["measured"].values():
        assert set(verdicts) == {*TEN, *MORE}


def test_flannel_accepts_and_does_not_enforce(measured):
    _, matrix = measured
    verdicts = matrix["measured"]["flannel"]
    foreign = {"calico-tier-deny", "cilium-fqdn", "admin-deny"}
    assert {verdicts[name] for name in foreign} == {"not run"}
    assert {word for name, word in verdicts.items() if name not in foreign} == {"not enforced"}


@pytest.mark.parametrize("profile", ENFORCING)
def test_the_others_enforce(measured, profile):
    _, matrix = measured
    shipped = {one["implementation"]["profile"]: one for one in report.recordings()}[profile]
    expected = {case["id"]: case["verdict"] for case in shipped["cases"]}
    assert {matrix["measured"][profile][name] for name in TEN} == {"enforced"}
    assert matrix["measured"][profile] == {name: expected[name] for name in [*TEN, *MORE]}


@pytest.mark.parametrize("profile", ENFORCING)
def test_what_the_specification_leaves_open_is_answered_as_recorded(measured, profile):
    lab, _ = measured
    shipped = {one["implementation"]["profile"]: one for one in report.recordings()}[profile]

    def answers(made):
        found = {case["id"]: case.get("answers", []) for case in made["cases"]}
        return {(a["question"], a["answer"]) for name in MORE for a in found[name]}

    assert answers(lab.report(profile)) == answers(shipped) != set()


def test_several_runs_of_a_case_are_kept_with_one_verdict(lab):
    chosen = ["--case", "deny-all-ingress", "--case", "existing-connections"]
    matrix = lab.run("calico", "--live", "--runs", "2", *chosen)
    assert set(matrix["measured"]["calico"].values()) == {"enforced", "observed"}
    for case in lab.report("calico")["cases"]:
        assert [one["verdict"] for one in case["runs"]] == [case["verdict"]] * 2
        assert len({tuple(a["answer"] for a in one["answers"]) for one in case["runs"]}) == 1


def test_the_api_server_answers_the_same_on_all_of_them(measured):
    lab, _ = measured
    failures = [lab.report(profile.name)["silentFailure"] for profile in versions.profiles()]
    assert {one["accepted"] for one in failures} == {
        "networkpolicy.networking.k8s.io/deny-all created"
    }
    assert all("deny-all" in one["listed"] for one in failures)
    assert failures[0]["packets"]["with"] == failures[0]["packets"]["before"]
    assert all("allowed" not in one["packets"]["with"] for one in failures[1:])


def test_every_report_is_valid_and_says_where_it_comes_from(measured):
    lab, _ = measured
    for profile in versions.profiles():
        made = report.read(lab.out / f"report-{profile.name}.json")
        assert made["environment"]["kubernetes"] == versions.component("kubernetes")
        assert made["implementation"]["version"] == profile.version
        assert {image["name"] for image in made["implementation"]["images"]} == {
            image.name for image in profile.images
        }


def test_the_outputs_say_that_they_are_live(measured):
    lab, _ = measured
    for name in ("matrix.html", "matrix.md"):
        assert "Live: measured on this machine" in (lab.out / name).read_text().splitlines()[0]
    assert (lab.out / "matrix.png").read_bytes().startswith(b"\x89PNG")

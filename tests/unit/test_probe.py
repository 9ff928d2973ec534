"""Reading what the probe script printed, and running that script for real."""

import os
import stat
import subprocess

import pytest

from labsupport import probe
from labsupport.kube import ExecFailed
from labsupport.outcome import Observation, Outcome
from labsupport.probe import Prober, Target, parse


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("0 0 ", Outcome.ALLOWED),
        ("0 1 TIMEOUT", Outcome.TIMEOUT),
        ("0 1 TIMEOUT: read udp 10.0.0.1: i/o timeout", Outcome.TIMEOUT),
        ("0 1 REFUSED", Outcome.REFUSED),
        ("0 1 DNS: lookup api: no such host", Outcome.NAME_NOT_RESOLVED),
        ("0 1 OTHER: no route to host", Outcome.PROBE_FAILED),
        ("0 1 UNKNOWN: bad arguments", Outcome.PROBE_FAILED),
        ("0 127 sh: /agnhost: not found", Outcome.PROBE_FAILED),
        ("0 137", Outcome.PROBE_FAILED),
        ("", Outcome.PROBE_FAILED),
        ("command terminated", Outcome.PROBE_FAILED),
    ],
)
def test_each_answer_of_agnhost(line, outcome):
    assert parse(line, 1)[0].outcome is outcome


def test_answers_come_in_any_order_and_may_be_missing():
    seen = parse("2 1 TIMEOUT\n0 0 \n", 3)
    assert [s.outcome for s in seen] == [Outcome.ALLOWED, Outcome.PROBE_FAILED, Outcome.TIMEOUT]


def test_the_detail_is_what_the_probe_said():
    assert parse("0 1 DNS: lookup x: no such host", 1) == [
        Observation(Outcome.NAME_NOT_RESOLVED, "DNS: lookup x: no such host")
    ]


def test_the_script_tries_targets_side_by_side(tmp_path):
    """Two stand-in probes that wait for each other: run one after the other, both would fail."""
    agnhost = tmp_path / "agnhost"
    agnhost.write_text(
        "#!/bin/sh\n"
        'for last; do :; done\n: > "$DIR/$last"\n'
        "n=0; until [ -e $DIR/one:1 ] && [ -e $DIR/two:2 ]; do\n"
        "  n=$((n + 1)); [ $n -gt 500 ] && { echo TIMEOUT >&2; exit 1; }; sleep 0.01\ndone\n"
        '[ "$last" = one:1 ] && exit 0; echo "$@" >&2; exit 1\n'
    )
    agnhost.chmod(agnhost.stat().st_mode | stat.S_IXUSR)
    script = probe._SCRIPT.replace("/agnhost", str(agnhost))
    done = subprocess.run(
        ["sh", "-c", script], input="1s tcp/one:1 udp/two:2\n1s tcp/one:1\n",
        env={**os.environ, "DIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    first, second = done.stdout.split("done\n")[:2]
    assert sorted(first.splitlines()) == ["0 0 ", "1 1 connect --timeout=1s --protocol=udp two:2"]
    assert second.splitlines() == ["0 0 "]


class Broken:
    """Stands in for a cluster into which no exec can be made."""

    def converse(self, namespace, pod, command):
        raise ExecFailed(f"no exec into {namespace}/{pod}: not found")


def test_an_exec_that_fails_is_a_probe_that_failed():
    seen = Prober(Broken(), "shop", "api").probe([Target("10.0.0.1", 80), Target("::1", 80)])
    assert [s.outcome for s in seen] == [Outcome.PROBE_FAILED] * 2
    assert "shop/api: not found" in seen[0].detail


class Recorder:
    """Stands in for a cluster whose pods answer what they were asked."""

    def converse(self, namespace, pod, command):
        return self

    def ask(self, question, last, timeout):
        self.question = question
        return ["0 0 ", "1 1 TIMEOUT"]


def test_targets_are_asked_as_addresses():
    recorder = Recorder()
    targets = [Target("10.0.0.1", 80), Target("fd00::1", 53, "UDP")]
    seen = Prober(recorder, "shop", "api").probe(targets, timeout=2)
    assert recorder.question == "2s tcp/10.0.0.1:80 udp/[fd00::1]:53"
    assert [s.outcome for s in seen] == [Outcome.ALLOWED, Outcome.TIMEOUT]

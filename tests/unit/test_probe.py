"""Reading what the probe script printed, and running that script for real."""

import os
import socketserver
import stat
import subprocess
import threading

import pytest

from labsupport import probe
from labsupport.conversation import ExecFailed
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
        ["bash", "-c", script], input="1 tcp/one:1 udp/two:2\n1 tcp/one:1\n",
        env={**os.environ, "DIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    first, second = done.stdout.split("done\n")[:2]
    assert sorted(first.splitlines()) == ["0 0 ", "1 1 connect --timeout=1s --protocol=udp two:2"]
    assert second.splitlines() == ["0 0 "]


def no_exec(command):
    raise ExecFailed("no exec into shop/api: not found")


def test_an_exec_that_fails_is_a_probe_that_failed():
    seen = Prober(no_exec).probe([Target("10.0.0.1", 80), Target("::1", 80)])
    assert [s.outcome for s in seen] == [Outcome.PROBE_FAILED] * 2
    assert "shop/api: not found" in seen[0].detail


class Recorder:
    """Stands in for a command in a pod that answers what it was asked."""

    def ask(self, question, last, timeout):
        self.question = question
        return ["0 0 ", "1 1 TIMEOUT"]


def test_targets_are_asked_as_addresses():
    recorder = Recorder()
    targets = [Target("10.0.0.1", 80), Target("fd00::1", 53, "UDP")]
    seen = Prober(lambda command: recorder).probe(targets, timeout=2)
    assert recorder.question == "2 tcp/10.0.0.1:80 udp/[fd00::1]:53"
    assert [s.outcome for s in seen] == [Outcome.ALLOWED, Outcome.TIMEOUT]


def test_a_held_connection_is_used_again_and_can_be_opened_anew():
    """A server that answers every line on a connection, and counts the connections."""
    seen = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            seen.append(self.client_address)
            for line in self.rfile:
                if line.startswith(b"GET"):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"127.0.0.1:{server.server_address[1]}"
        lines = f"1 hold/{where}\n1 held/{where}\n1 held/{where}\n1 hold/{where}\n"
        done = subprocess.run(
            ["bash", "-c", probe._SCRIPT], input=lines, capture_output=True, text=True
        )
        server.shutdown()
    assert done.stdout.count(" 0 HTTP/1.1 200 OK") == 4
    assert len(seen) == 2

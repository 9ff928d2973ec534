"""The patterns of notebooks/sanitize.cfg: each takes out what varies, and nothing else."""

import re

import pytest
from nbval.plugin import get_sanitize_patterns

from labsupport import notebooks

PATTERNS = get_sanitize_patterns((notebooks.FOLDER / "sanitize.cfg").read_text())


def sanitized(text):
    for pattern, replacement in PATTERNS:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "<p>Live: real clusters are measured now, because NETPOL_LAB_MODE is live.</p>",
            "<p>Recorded results, because Docker: does not answer.</p>",
        ),
        (
            "Recorded: measured 2026-11-23 on Linux 6.18; no packet was sent just now\ncase",
            "Live: measured on this machine on 2026-12-01 10:00 UTC\ncase",
        ),
        (
            "networkpolicy.networking.k8s.io/deny-all created",
            "networkpolicy.networking.k8s.io/deny-all configured",
        ),
        (
            "Read: notebook 01. Checked by packets on Calico.",
            "Read: notebook 01. Checked by the specification; no packet was sent.",
        ),
        (
            "Checked by packets, while Flannel became Canal.",
            "Checked by the specification; no packet was sent.",
        ),
        ("deny-all   <none>         0s", "deny-all   <none>     1m12s"),
        ("Calico  10   9 ms  580 ms", "Calico  10  12 ms   1.5 s"),
    ],
)
def test_two_right_runs_look_the_same(one, other):
    assert sanitized(one) == sanitized(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("✓ enforced", "✗ not enforced"),
        ("5 denied connections still worked.", "4 denied connections still worked."),
        ("shop/frontend -> shop/api:8080", "shop/frontend -> shop/api:8081"),
        ("Recorded: measured 2026\n✓ enforced", "Recorded: measured 2026\n✗ not enforced"),
        ("v1.36.1", "v1.36.2"),
    ],
)
def test_a_wrong_run_looks_different(one, other):
    assert sanitized(one) != sanitized(other)


def test_every_pattern_is_read():
    text = (notebooks.FOLDER / "sanitize.cfg").read_text()
    assert len(PATTERNS) == text.count("\nregex: ") == text.count("\nreplace: ")
    assert len({pattern for pattern, _ in PATTERNS}) == len(PATTERNS)

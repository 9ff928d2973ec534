"""The verdict, fed with made-up observations of every kind."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.outcome import Outcome
from labsupport.verdict import Evidence, Expected, Verdict, judge

ALLOWED, TIMEOUT = Outcome.ALLOWED, Outcome.TIMEOUT


def seen(expected, during, before=ALLOWED, after=ALLOWED, name="a -> b:80"):
    return Evidence(name, Expected(expected), before, during, after)


@pytest.mark.parametrize(
    ("denied", "allowed", "verdict"),
    [
        ([TIMEOUT], [ALLOWED], Verdict.ENFORCED),
        ([TIMEOUT, TIMEOUT], [], Verdict.ENFORCED),
        ([ALLOWED], [ALLOWED], Verdict.NOT_ENFORCED),
        ([ALLOWED, ALLOWED], [], Verdict.NOT_ENFORCED),
        ([ALLOWED, TIMEOUT], [ALLOWED], Verdict.PARTLY),
        ([TIMEOUT], [TIMEOUT], Verdict.PARTLY),
        ([TIMEOUT], [ALLOWED, Outcome.REFUSED], Verdict.PARTLY),
        ([ALLOWED], [TIMEOUT], Verdict.PARTLY),
    ],
)
def test_verdict_of_packets(denied, allowed, verdict):
    evidence = [seen("denied", d) for d in denied] + [seen("allowed", a) for a in allowed]
    assert judge(evidence).verdict is verdict


@pytest.mark.parametrize("moment", ["before", "during", "after"])
@pytest.mark.parametrize("expected", ["allowed", "denied"])
def test_a_probe_that_failed_is_never_counted(moment, expected):
    outcomes = {"during": TIMEOUT if expected == "denied" else ALLOWED}
    outcomes[moment] = Outcome.PROBE_FAILED
    judgement = judge([seen("denied", TIMEOUT), seen(expected, name="x -> y:1", **outcomes)])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "x -> y:1" in judgement.reason


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not ALLOWED])
def test_a_control_that_did_not_work_makes_it_inconclusive(moment, outcome):
    judgement = judge([seen("denied", TIMEOUT, **{moment: outcome})])
    assert judgement.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("answer", [Outcome.REFUSED, Outcome.NAME_NOT_RESOLVED])
def test_an_answer_is_not_a_dropped_packet(answer):
    judgement = judge([seen("denied", answer)])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert str(answer) in judgement.reason


@pytest.mark.parametrize("evidence", [[], [seen("allowed", ALLOWED)]])
def test_what_denies_nothing_shows_nothing(evidence):
    assert judge(evidence).verdict is Verdict.INCONCLUSIVE


def test_partly_says_how_much_and_names_an_example():
    evidence = [
        seen("denied", ALLOWED, name="a -> b:80"),
        seen("denied", TIMEOUT),
        seen("allowed", TIMEOUT),
    ]
    reason = judge(evidence).reason
    assert reason == (
        "1 of 2 denied connections still worked and 1 of 1 allowed connection did not work, "
        "such as a -> b:80."
    )


outcomes = st.sampled_from(Outcome)
evidence = st.lists(
    st.builds(
        Evidence, st.just("a -> b:80"), st.sampled_from(Expected), outcomes, outcomes, outcomes
    )
)


@given(evidence)
def test_enforced_only_with_every_control(observed):
    judgement = judge(observed)
    perfect = any(e.expected is Expected.DENIED for e in observed) and all(
        (e.before, e.after) == (ALLOWED, ALLOWED)
        and e.during is (TIMEOUT if e.expected is Expected.DENIED else ALLOWED)
        for e in observed
    )
    assert (judgement.verdict is Verdict.ENFORCED) == perfect
    assert judgement.reason


@given(evidence, st.randoms())
def test_the_order_of_observations_does_not_matter(observed, random):
    shuffled = list(observed)
    random.shuffle(shuffled)
    assert judge(shuffled).verdict is judge(observed).verdict


def test_every_combination_of_two_connections_has_a_verdict():
    for before, during, after in itertools.product(Outcome, repeat=3):
        for expected in Expected:
            assert judge([Evidence("a -> b:80", expected, before, during, after)]).reason

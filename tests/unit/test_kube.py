"""What the client does while an API server is away, on requests that are made up."""

import pytest
import urllib3
from kubernetes.dynamic.exceptions import DynamicApiError

from labsupport import kube
from labsupport.kube import ApiRefused

AWAY = urllib3.exceptions.HTTPError("connection refused")


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """No time passes between two tries; how often there was to be a pause."""
    paused = []
    monkeypatch.setattr(kube.time, "sleep", paused.append)
    return paused


def refused(status):
    error = DynamicApiError.__new__(DynamicApiError)
    error.status, error.reason, error.body, error.headers = status, "no", b"no", {}
    error.original_traceback = None
    return error


def asked(*answers):
    """A request that meets these, one after the other."""
    left = list(answers)

    def request():
        met = left.pop(0)
        if isinstance(met, Exception):
            raise met
        return met

    return request


def test_an_answer_is_an_answer(waits):
    assert kube._insist(asked("here")) == "here"
    assert waits == []


@pytest.mark.parametrize("starting", [401, 403, 500, 503])
def test_an_api_server_that_starts_again_is_waited_for(waits, starting):
    assert kube._insist(asked(AWAY, AWAY, refused(starting), "here")) == "here"
    assert len(waits) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 409, 500])
def test_a_refusal_of_one_that_was_there_is_not_asked_again(waits, status):
    with pytest.raises(ApiRefused):
        kube._insist(asked(refused(status)))
    assert waits == []


def test_what_was_done_before_the_answer_was_lost_is_found_done():
    with pytest.raises(ApiRefused) as gone:
        kube._insist(asked(AWAY, refused(404)))
    assert gone.value.status == 404  # which `delete` takes for done


def test_one_that_stays_away_is_given_up(monkeypatch):
    monkeypatch.setattr(kube, "AWAY_SECONDS", -1.0)
    with pytest.raises(urllib3.exceptions.HTTPError):
        kube._insist(asked(AWAY, "too late"))
    with pytest.raises(ApiRefused):
        kube._insist(asked(refused(503), "too late"))

"""The recorded conversion: read, checked, and telling one story."""

import json

import pytest

from labsupport import conversion, paths
from labsupport.errors import WrongUse
from labsupport.verdict import Verdict

RECORDED = paths.RECORDINGS / conversion.FILE

pytestmark = pytest.mark.skipif(
    not RECORDED.exists(), reason="no conversion is recorded; `./lab convert --record` does it"
)


@pytest.fixture
def document():
    return conversion.read(RECORDED)


def test_the_probe_flips_for_new_pods_only_and_back(document):
    """What the notebook's prose refers to."""
    verdicts = {name: step["entry"]["verdict"] for name, step in document["steps"].items()}
    assert verdicts == {
        "flannel": Verdict.NOT_ENFORCED,
        "old": Verdict.NOT_ENFORCED,
        "new": Verdict.ENFORCED,
        "back": Verdict.NOT_ENFORCED,
    }


def test_the_new_pods_have_calicos_cable_and_flannels_tunnel(document):
    devices = [hop["device"] for hop in document["anatomy"]["way"]]
    assert "cali-api" in devices
    assert "flannel.1" in devices
    assert "cni0" not in devices


def test_recorded_steps_are_read(document):
    recorded = conversion.Conversion(live=False)
    assert recorded.step("old") == document["steps"]["old"]
    assert recorded.anatomy() == document["anatomy"]
    recorded.finish()
    with pytest.raises(WrongUse, match="choose from flannel, old, new, back"):
        recorded.step("nothing")


def test_a_conversion_that_is_written_is_read_again(document, tmp_path):
    assert conversion.read(conversion.record(document, tmp_path)) == document


def test_a_recording_that_is_not_there_or_damaged(document, tmp_path):
    path = tmp_path / "flannel.json"
    with pytest.raises(WrongUse, match=r"\./lab convert --record"):
        conversion.read(path)
    path.write_text("[")
    with pytest.raises(WrongUse, match="is no recording"):
        conversion.read(path)
    del document["steps"]["back"]
    path.write_text(json.dumps(document))
    with pytest.raises(WrongUse, match="steps"):
        conversion.read(path)

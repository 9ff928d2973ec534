"""The stage on a made-up cluster: which pods are made anew."""

from labsupport import manifests, stage
from tests.unit.fake_kube import FakeKube


def pod(kube, name, restarts, labels):
    kube.add(
        "Pod", name, "lab1-shop", labels, status={"containerStatuses": [{"restartCount": restarts}]}
    )


def test_pods_that_were_started_again_in_place_are_made_anew(tmp_path):
    kube = FakeKube(tmp_path)
    mine = {manifests.STAGE_LABEL: "true"}
    pod(kube, "restarted", 1, mine)
    pod(kube, "as-made", 0, mine)
    pod(kube, "somebody-elses", 3, {})
    kube.add("Pod", "not-started-yet", "lab1-shop", mine)
    stage.replace_restarted(kube)
    left = {one["metadata"]["name"] for one in kube.list("v1", "Pod")}
    assert left == {"as-made", "somebody-elses", "not-started-yet"}

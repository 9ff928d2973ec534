"""What a notebook puts back survives a lost kernel and a cluster that does not answer."""

import pytest

from labsupport.errors import CheckFailed, LabError
from labsupport.undo import Ledger


class Cluster:
    """Remembers what was asked of it; refuses what is named in `refuses`."""

    def __init__(self, *refuses):
        self.done, self.refuses = [], refuses

    def _act(self, action, manifest):
        name = manifest["metadata"]["name"]
        if name in self.refuses:
            raise LabError("the API server does not answer.")
        self.done.append((action, name))

    def apply(self, manifest):
        self._act("apply", manifest)

    def delete(self, manifest):
        self._act("delete", manifest)


def policy(name):
    return {"kind": "NetworkPolicy", "metadata": {"name": name}}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lessons" / "02.json"


def test_undoes_last_first_and_forgets(file):
    ledger, cluster = Ledger(file), Cluster()
    ledger.note("calico", "delete", policy("one"))
    ledger.note("calico", "apply", policy("two"))
    ledger.work(lambda _profile: cluster)
    assert cluster.done == [("apply", "two"), ("delete", "one")]
    ledger.work(lambda _profile: cluster)
    assert len(cluster.done) == 2
    assert not file.exists()


def test_another_kernel_undoes_what_the_first_noted(file):
    Ledger(file).note("calico", "delete", policy("left"))
    cluster = Cluster()
    Ledger(file).work(lambda _profile: cluster)
    assert cluster.done == [("delete", "left")]


def test_a_cell_that_is_run_again_is_undone_once(file):
    ledger, cluster = Ledger(file), Cluster()
    ledger.note("calico", "delete", policy("same"))
    ledger.note("calico", "delete", policy("same"))
    ledger.work(lambda _profile: cluster)
    assert cluster.done == [("delete", "same")]


def test_an_undo_that_failed_is_kept_and_the_others_are_done(file):
    ledger = Ledger(file)
    for name in ("one", "stuck", "three"):
        ledger.note("calico", "delete", policy(name))
    with pytest.raises(CheckFailed, match=r"1 of what .* NetworkPolicy stuck on calico"):
        ledger.work(lambda _profile: Cluster("stuck"))
    assert [entry["manifest"] for entry in ledger.entries()] == [policy("stuck")]
    mended = Cluster()
    ledger.work(lambda _profile: mended)
    assert mended.done == [("delete", "stuck")]


def test_a_cluster_that_is_gone_took_everything_with_it(file):
    ledger = Ledger(file)
    ledger.note("calico", "delete", policy("one"))
    ledger.work(lambda _profile: None)
    assert ledger.entries() == []


def test_a_damaged_file_does_not_keep_a_notebook_from_opening(file):
    file.parent.mkdir(parents=True)
    file.write_text('[{"profile": "cal')
    assert Ledger(file).entries() == []

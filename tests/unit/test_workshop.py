"""The workshop: the room's steps, the archive and what damages it, participants on a cluster."""

import inspect
import io
import json
import stat
import subprocess
import tarfile
from types import SimpleNamespace

import pytest
import yaml

from labsupport import (
    archive,
    clusters,
    cni,
    doctor,
    gobuild,
    ground,
    handout,
    images,
    participants,
    paths,
    programs,
    room,
    verify,
    versions,
    workshop,
)
from labsupport.errors import CheckFailed, MachineCannot, WrongUse
from labsupport.findings import Finding
from labsupport.kube import ApiRefused
from tests.unit.fake_kube import FakeKube

CALICO, FLANNEL = versions.profile("calico"), versions.profile("flannel")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(room, "POLL_SECONDS", 0.001)


class Cluster(FakeKube):
    """Does what controllers do: service accounts for namespaces, counts for quotas."""

    counts = True
    refuses = None

    def apply(self, manifest):
        if manifest["kind"] == self.refuses:
            raise ApiRefused(500, "no")
        super().apply(manifest)
        name = manifest["metadata"]["name"]
        if manifest["kind"] == "Namespace":
            self.add("ServiceAccount", "default", name)
        if manifest["kind"] == "ResourceQuota" and self.counts:
            self.objects[self._key(manifest)]["status"] = {"hard": manifest["spec"]["hard"]}

    def token(self, namespace, account, seconds):
        assert ("ServiceAccount", namespace, account) in self.objects
        return f"s3cret-{account}-{seconds}"

    def namespaces(self):
        return {name for kind, _, name in self.objects if kind == "Namespace"}


@pytest.fixture
def kube(tmp_path, monkeypatch):
    made = Cluster(tmp_path)
    monkeypatch.setattr(ground, "kube", lambda profile: made)
    ready = SimpleNamespace(state=clusters.State.READY)
    monkeypatch.setattr(clusters, "status", lambda profile: ready)
    return made


def test_a_participant_is_admin_of_own_namespaces_and_of_nothing_else(kube):
    everybody, _ = room.take_in([CALICO], 3, 12)
    mine = everybody[2].namespaces
    assert mine == ["p03-shop", "p03-clients", "p03-verify"]
    assert not [one for one in kube.applied if one["kind"].startswith("Cluster")]
    bindings = [one for one in kube.applied if one["kind"] == "RoleBinding"]
    assert {one["roleRef"]["name"] for one in bindings} == {"admin"}
    held = {
        one["metadata"]["namespace"]
        for one in bindings
        if any(who["name"] == "p03" for who in one["subjects"])
    }
    assert held == set(mine)
    assert participants.ACCOUNTS not in {one["metadata"]["namespace"] for one in bindings}


def test_the_commands_limit_is_the_clusters():
    from labsupport.commands import teaching

    option = inspect.signature(teaching.workshop, eval_str=True).parameters["participants"]
    assert option.annotation.__metadata__[0].max == participants.MOST


def test_every_namespace_has_pod_security_and_a_quota(kube):
    room.take_in([CALICO], 2, 12)
    for name in kube.namespaces() - {participants.ACCOUNTS}:
        labels = kube.objects["Namespace", None, name]["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
        quota = kube.objects["ResourceQuota", name, "workshop"]["spec"]["hard"]
        assert int(quota["pods"]) * participants.MOST < 110 * 3
        assert quota["services.nodeports"] == "0"
        limits = kube.objects["LimitRange", name, "workshop"]["spec"]["limits"][0]
        assert set(limits["default"]) == {"cpu", "memory"}
    assert all(participants.LABEL in one["metadata"]["labels"] for one in kube.applied)


def test_kubeconfigs_are_their_owners_alone_and_no_token_is_told(kube, capsys):
    everybody, ends = room.take_in([CALICO, FLANNEL], 2, 1)
    assert stat.S_IMODE(room.folder().stat().st_mode) == 0o700
    for who in everybody:
        path = room.kubeconfig(who)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        config = yaml.safe_load(path.read_text())
        assert config["current-context"] == "calico"
        assert [one["name"] for one in config["contexts"]] == ["calico", "flannel"]
        assert {one["user"]["token"] for one in config["users"]} == {f"s3cret-{who.name}-3600"}
        assert "hunter2" not in path.read_text()  # the administrator's own
    told = "\n".join(room.told(everybody, ends))
    assert "p02-verify" in told
    assert "s3cret" not in told + "".join(capsys.readouterr())


def test_the_end_removes_what_the_workshop_made_and_nothing_else(kube):
    room.take_in([CALICO], 2, 12)
    kube.add("Namespace", "p02-private")  # a name like ours, without the label
    kube.add("Namespace", "p09-shop", labels={participants.LABEL: "p09"})  # not written down
    (room.folder() / "notes.txt").write_text("mine")
    assert len(room.send_home()) == 7
    assert kube.namespaces() == {"p02-private", "p09-shop"}
    assert [path.name for path in room.folder().iterdir()] == ["notes.txt"]
    assert room.send_home() == []


def test_taking_in_again_adds_and_forgets_nobody(kube):
    room.take_in([CALICO], 3, 12)
    room.take_in([CALICO], 2, 12)
    room.send_home()
    assert kube.namespaces() == set()


def test_an_interrupted_beginning_is_removed_at_the_end(kube):
    kube.refuses = "RoleBinding"
    with pytest.raises(ApiRefused):
        room.take_in([CALICO], 2, 12)
    assert kube.namespaces()
    room.send_home()
    assert kube.namespaces() == set()


def test_a_namespace_of_somebody_else_is_left_alone(kube):
    kube.add("Namespace", "p02-shop")
    with pytest.raises(WrongUse, match="p02-shop that no workshop made; nothing was changed"):
        room.take_in([CALICO], 2, 12)
    assert kube.applied == []
    assert not room.folder().exists()


def test_a_namespace_whose_quota_is_not_counted_is_told(kube, monkeypatch):
    monkeypatch.setattr(room, "USABLE_SECONDS", 0)
    kube.counts = False
    with pytest.raises(CheckFailed, match="p01-clients cannot be used"):
        room.take_in([CALICO], 1, 12)


def test_namespaces_that_do_not_go_stay_written_down(kube, monkeypatch):
    room.take_in([CALICO], 1, 12)
    monkeypatch.setattr(room, "GONE_SECONDS", 0)
    monkeypatch.setattr(kube, "delete", lambda manifest: None)
    with pytest.raises(CheckFailed, match=r"is still being deleted.*--end` goes on"):
        room.send_home()
    assert "p01" in (room.folder() / "room.json").read_text()


def test_a_cluster_that_is_gone_took_its_part_with_it(kube, monkeypatch):
    everybody, _ = room.take_in([CALICO], 1, 12)
    gone = SimpleNamespace(state=clusters.State.ABSENT)
    monkeypatch.setattr(clusters, "status", lambda profile: gone)
    assert room.send_home() == []
    assert not room.kubeconfig(everybody[0]).exists()


def test_a_participant_measures_in_a_namespace_and_leaves_nothing(kube, monkeypatch):
    monkeypatch.setattr("labsupport.waiter.PROBE_SECONDS", 0)
    monkeypatch.setattr("labsupport.waiter.POLL_SECONDS", 0.01)
    monkeypatch.setattr("labsupport.visit.POLL_SECONDS", 0.01)
    room.take_in([CALICO], 3, 12)
    before = set(kube.objects)
    kube.lacks = ["create namespaces", "list Namespace", "list Node", "list DaemonSet"]
    assert verify.run(kube, verify.Options("p03-verify")).exit_code == 0
    assert set(kube.objects) == before


# The archive.

FACTS = {
    "platform": "linux/amd64", "commit": None, "profiles": ["calico"], "images": ["node:1"],
}  # fmt: skip


@pytest.fixture
def packed(tmp_path):
    """An archive of two files."""
    images_tar, script = tmp_path / "i", tmp_path / "s"
    images_tar.write_bytes(bytes(range(256)) * 1000)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    path = tmp_path / "out" / handout.NAME
    archive.write(path, {"netpol-lab/lab": script, "images.tar": images_tar}, FACTS)
    return path


def members(path):
    """An archive's members, to be changed and written again."""
    with tarfile.open(path) as tar:
        return [(one, tar.extractfile(one).read()) for one in tar.getmembers()]


def rewrite(path, changed):
    with tarfile.open(path, "w:gz") as tar:
        for entry, content in changed:
            entry.size = len(content) if entry.isreg() else 0
            tar.addfile(entry, io.BytesIO(content))


def test_what_goes_in_comes_out(packed, tmp_path):
    with archive.unpacked(packed) as (manifest, folder):
        assert manifest["profiles"] == ["calico"]
        assert (folder / "images.tar").read_bytes() == (tmp_path / "i").read_bytes()
        assert (folder / "netpol-lab" / "lab").stat().st_mode & stat.S_IXUSR
    assert not folder.exists()
    assert [one.name for one in packed.parent.iterdir()] == [handout.NAME]


def _entry(name, kind=tarfile.REGTYPE, target=""):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda m: m[:-1], "images.tar is missing"),
        (lambda m: [*m[:-1], (m[-1][0], m[-1][1][:-1])], "images.tar has not the size"),
        (lambda m: [*m[:-1], (m[-1][0], b"\1" + m[-1][1][1:])], "images.tar has not the checksum"),
        (lambda m: [*m, (_entry("more"), b"")], "does not speak of 'more'"),
        (lambda m: [*m, m[-1]], "does not speak of 'images.tar'"),
        (lambda m: [m[0], (_entry("../evil"), b"x")], "does not speak of '../evil'"),
        (lambda m: [m[0], (_entry("/evil"), b"x")], "does not speak of '/evil'"),
        (lambda m: [m[0], (_entry("netpol-lab/lab", tarfile.SYMTYPE, "/etc"), b"")],
         "does not speak of"),
        (lambda m: m[1:], "no archive of `./lab workshop`"),
        (lambda m: [(m[0][0], b"{")], "manifest.json is not JSON"),
        (lambda m: [(m[0][0], b'{"version": 2}')], "newer version"),
        (lambda m: [(m[0][0], b'{"version": 1}')], "manifest.json: .*required"),
    ],
)  # fmt: skip
def test_an_archive_that_is_not_as_its_manifest_says(packed, damage, said):
    rewrite(packed, damage(members(packed)))
    with pytest.raises(WrongUse, match=said) as caught, archive.unpacked(packed):
        pass
    assert "\n" not in str(caught.value)
    assert not list(paths.cache().iterdir())


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/root", "a//b", "."])
def test_a_manifest_may_name_nothing_outside(packed, name):
    first, *rest = members(packed)
    manifest = json.loads(first[1])
    manifest["members"][name] = {"bytes": 1, "sha256": "0" * 64}
    rewrite(packed, [(first[0], json.dumps(manifest).encode()), *rest, (_entry(name), b"x")])
    with pytest.raises(WrongUse, match=r"manifest\.json: members"), archive.unpacked(packed):
        pass


@pytest.mark.parametrize("content", [b"", b"not an archive", None])
def test_a_file_that_is_no_archive(packed, content):
    packed.write_bytes(packed.read_bytes()[:-400] if content is None else content)
    with pytest.raises(WrongUse, match=r"is damaged: .*; copy it again"), archive.unpacked(packed):
        pass


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(WrongUse, match="cannot be read: No such file"):
        archive.unpacked(tmp_path / "none").__enter__()


def test_more_than_there_is_room_for(packed, monkeypatch):
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(MachineCannot, match="make room"), archive.unpacked(packed):
        pass


# What is handed out.


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """An archive of the Flannel room, from made-up programs and images."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()

    def tool(name):
        (bin_ / name).write_text(f"I am {name}")
        (bin_ / name).chmod(0o555)
        return bin_ / name

    upstream = tmp_path / "upstream.yaml"
    upstream.write_text("kind: DaemonSet")
    monkeypatch.setattr(programs, "tool", tool)
    monkeypatch.setattr(gobuild, "program", tool)
    monkeypatch.setattr(gobuild, "module_dir", lambda source: tmp_path)
    monkeypatch.setattr(cni, "upstream", lambda profile: upstream)
    monkeypatch.setattr(images, "platform", lambda: "linux/amd64")
    monkeypatch.setattr(images, "save", lambda chosen, to: to.write_text("images"))
    monkeypatch.setattr(handout, "_lab", lambda folder: {"lab": tool("lab")})
    return handout.export([FLANNEL], tmp_path / "out")


def test_what_is_handed_out_is_found_where_it_is_loaded(exported, monkeypatch):
    loaded = []
    monkeypatch.setattr(images, "load", lambda file: loaded.append(file.read_text()))
    for _ in range(2):  # loading again changes nothing
        assert handout.load(exported) == ["flannel"]
    assert loaded == ["images", "images"]
    assert cni.handed_out(FLANNEL).read_text() == "kind: DaemonSet"
    assert {"kind", "kubectl", "helm", "cni"} == {
        path.name for path in (paths.cache() / "programs").iterdir()
    }
    for name in ("kind", "kubectl", "helm", "cni"):
        assert gobuild.is_built(name)
    kind = gobuild.build("kind") / "kind"  # nothing is built
    assert kind.read_text() == "I am kind"
    assert kind.stat().st_mode & stat.S_IXUSR


def test_another_processor_is_told_before_anything_is_loaded(exported, monkeypatch):
    monkeypatch.setattr(images, "platform", lambda: "linux/arm64")
    with pytest.raises(MachineCannot, match="for linux/amd64, and Docker here runs linux/arm64"):
        handout.load(exported)


@pytest.mark.parametrize("what", ["images", "key"])
def test_an_archive_of_other_pins_names_the_lab_that_is_in_it(exported, monkeypatch, what):
    if what == "images":
        monkeypatch.setattr(images, "needed", lambda names: [versions.image("node")])
    else:
        monkeypatch.setattr(gobuild, "key", lambda name: "0" * 16)
    with pytest.raises(WrongUse, match=r"another version of the lab.*tar -xzf"):
        handout.load(exported)
    assert not (paths.cache() / "programs").exists()


def test_the_one_command_finds_the_lab(exported):
    unpack, _, then = handout.command(exported).partition(" && ")
    subprocess.run(unpack.split(), cwd=exported.parent, check=True)
    program, *_, name = then.split()
    assert (exported.parent / program).stat().st_mode & stat.S_IXUSR
    assert (exported.parent / name) == exported
    assert not (exported.parent / "images.tar").exists()


def test_the_lab_is_what_git_tracks_or_what_is_not_ignored(tmp_path, monkeypatch):
    tracked = handout._lab(tmp_path / "with")
    assert {"lab", "README.md", "labsupport/cli.py"} <= set(tracked)
    assert not [name for name in tracked if name.startswith((".git/", ".venv", "out/"))]
    tree = tmp_path / "tree"
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / "out").mkdir()
    for name in (".venv/bin/python", "out/x", "lab"):
        (tree / name).write_text("")
    (tree / ".gitignore").write_text(".venv/\nout/\n")
    monkeypatch.setattr(paths, "ROOT", tree)
    assert set(handout._lab(tmp_path / "without")) == {"lab", ".gitignore"}


def test_a_handed_out_manifest_is_taken_before_the_module(monkeypatch, tmp_path):
    monkeypatch.setattr(gobuild, "module_dir", lambda source: tmp_path)
    assert cni.upstream(CALICO) == tmp_path / CALICO.source.path
    home = cni.handed_out(CALICO)
    home.parent.mkdir(parents=True)
    home.write_text("")
    assert cni.upstream(CALICO) == home
    assert gobuild.required("calico", CALICO.source.module) in str(home)


# The room.


@pytest.fixture
def steps(monkeypatch):
    done = []
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("images", "blocking", "9 missing")])
    monkeypatch.setattr(images, "ensure", lambda names, source: done.append((names, source)))
    monkeypatch.setattr(clusters, "up", lambda profiles: done.append(profiles))
    return done


def test_the_rooms_steps_are_timed_in_order(steps):
    clock = workshop.Clock()
    workshop.prepare([CALICO], "modules", clock)
    assert steps == [(["calico"], "modules"), [CALICO]]
    names = [name for name, _ in clock.steps]
    assert names == ["machine checked", "images at hand", "clusters ready"]
    assert clock.lines()[-1].startswith("together")


def test_a_machine_that_cannot_is_told_before_anything_is_done(steps, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("memory", "blocking", "1 GiB")])
    with pytest.raises(MachineCannot, match=r"memory: 1 GiB\. `\./lab doctor`"):
        workshop.prepare([CALICO], "auto", workshop.Clock())
    assert steps == []


def test_one_step_has_no_sum():
    assert [line.split() for line in workshop.Clock([("loaded", 65.0)]).lines()] == [
        ["loaded", "1", "min", "5", "s"]
    ]

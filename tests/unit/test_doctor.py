"""The doctor judges made-up machines, and looks at a real one."""

import gzip
import json

import pytest

from labsupport import doctor, findings, machine, versions
from labsupport.findings import GIB, Finding
from labsupport.machine import Docker, Kernel, Space

DOCKER = Docker(
    version="28.3.1",
    store="overlay2",
    cgroup=2,
    runtime="runc",
    root="/var/lib/docker",
    kernel="6.12.0",
    os="Debian GNU/Linux 13 (trixie)",
    arch="x86_64",
    cpus=4,
    memory=16 * GIB,
)


def docker(**changes) -> Docker:
    return Docker(**{**vars(DOCKER), **changes})


def kernel(options=None, loaded=(), loadable=(), bridge_netfilter=True, btf=True) -> Kernel:
    return Kernel(options, frozenset(loaded), frozenset(loadable), bridge_netfilter, btf)


def state(finding: Finding) -> tuple[str, str | None]:
    return finding.state, finding.mend


@pytest.mark.parametrize(
    ("gib", "expected"),
    [(32, "fine"), (7.6, "fine"), (7, "worked around"), (4, "worked around"), (2, "blocking")],
)
def test_memory_decides_between_four_clusters_one_and_none(gib, expected):
    assert findings.memory(int(gib * GIB)).state == expected
    assert findings.fits_all_clusters(int(gib * GIB)) == (expected == "fine")


def test_only_architectures_with_images_will_do():
    assert findings.cpu(1, "aarch64").state == "fine"
    assert findings.cpu(64, "riscv64").state == "blocking"


@pytest.mark.parametrize(
    ("nodes", "images", "pull", "data", "caches"),
    [(8, 0, True, 0, 0), (0, 0, True, 17.6, 0), (0, 9, True, 21.6, 0), (0, 9, False, 21.6, 19)],
)
def test_room_is_asked_only_for_what_is_still_to_come(nodes, images, pull, data, caches):
    assert findings.needed(nodes, images, pull) == pytest.approx((data * GIB, caches * GIB))


def test_one_file_system_must_hold_data_and_caches():
    need = (20 * GIB, 20 * GIB)
    apart = findings.disk(Space(1, 30 * GIB), Space(2, 30 * GIB), need)
    together = findings.disk(Space(1, 30 * GIB), Space(1, 30 * GIB), need)
    assert (apart.state, together.state) == ("fine", "blocking")
    assert "40 needed" in together.detail
    assert findings.disk(None, Space(1, GIB), (need[0], 0)).state == "fine"
    assert "not known" in findings.disk(None, None, need).detail


@pytest.mark.parametrize(
    ("found", "trouble", "debian", "expected"),
    [
        (DOCKER, None, True, ("fine", None)),
        (docker(version="20.10.24+dfsg1"), None, True, ("fine", None)),
        (docker(version="19.03.15"), None, True, ("blocking", None)),
        (None, "it is not installed", True, ("blocking", "sudo ./lab engine")),
        (None, "it is not installed", False, ("blocking", None)),
        (
            None,
            "Permission denied while trying to connect",
            True,
            ("blocking", "sudo usermod -aG docker $USER && newgrp docker"),
        ),
    ],
)
def test_docker_answers_or_the_line_says_what_to_do(found, trouble, debian, expected):
    assert state(findings.docker(found, trouble, debian, root=False)) == expected


def test_root_needs_no_sudo():
    assert findings.docker(None, None, debian=True, root=True).mend == "./lab engine"


def test_images_block_only_where_they_can_neither_be_found_nor_pulled():
    assert findings.pinned_images(0, None).state == "fine"
    assert findings.pinned_images(9, None).state == "fine"
    assert state(findings.pinned_images(9, "no such host")) == ("blocking", "./lab images")


def test_cgroup_v1_is_worked_around():
    assert findings.cgroup(1).state == "worked around"
    assert findings.cgroup(2).state == "fine"
    assert findings.cgroup(None).detail == "not known"


@pytest.mark.parametrize(
    ("has", "found", "expected"),
    [
        (True, DOCKER, "fine"),
        (None, DOCKER, "fine"),
        (False, None, "worked around"),
        (False, docker(runtime="netpol-lab"), "worked around"),
        (False, docker(runtime="crun"), "fine"),
        (False, DOCKER, "blocking"),
        (False, docker(runtime="io.containerd.runc.v2"), "blocking"),
    ],
)
def test_sys_resource_blocks_only_under_plain_runc(has, found, expected):
    finding = findings.sys_resource(has, found, systemd=False)
    assert finding.state == expected
    assert bool(finding.mend) == (expected == "blocking")


def test_foreign_runtime_is_not_known():
    finding = findings.sys_resource(False, docker(runtime="crun"), systemd=False)
    assert "not known" in finding.detail


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (None, "fine"),
        ((512, 524288), "fine"),
        ((256, 65536), "fine"),
        ((128, 524288), "blocking"),
        ((512, 8192), "blocking"),
    ],
)
def test_inotify_blocks_where_four_clusters_would_not_start(limits, expected):
    assert findings.inotify(limits, root=True).state == expected


def test_inotify_mend_raises_and_never_lowers():
    assert findings.inotify((128, 1000000), root=False).mend == (
        "sudo sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=1000000"
    )


def test_bridge_netfilter_must_be_loaded_for_nothing_loads_it_on_demand():
    def judge(**facts):
        return state(findings.bridge_netfilter(kernel(**facts), root=True))

    assert judge() == ("fine", None)
    assert judge(bridge_netfilter=False) == ("blocking", None)
    loadable = judge(bridge_netfilter=False, loadable=["br_netfilter"])
    assert loadable == ("blocking", "modprobe br_netfilter")


def test_kernel_features_are_built_in_loadable_absent_or_not_known():
    vxlan = findings.FEATURES[0]

    def judge(known: Kernel | None) -> Finding:
        return findings.kernel_feature(vxlan, known)

    assert judge(kernel({"VXLAN": "y"})).state == "fine"
    assert judge(kernel({"VXLAN": "m"}, loadable=["vxlan"])).state == "fine"
    assert judge(kernel({"VXLAN": "m"})).state == "blocking"
    assert judge(kernel({})).state == "blocking"
    assert judge(kernel(None, loaded=["vxlan"])).state == "fine"
    for unknown in (kernel(None), None):
        assert judge(unknown).state == "fine"
        assert "not known" in judge(unknown).detail


def test_cilium_needs_type_information():
    assert findings.btf(kernel(btf=True)).state == "fine"
    assert findings.btf(kernel(btf=False)).state == "blocking"


def test_programs_of_another_version_are_replaced_by_the_labs_own():
    pin = versions.program("kind")
    assert findings.program("kind", pin).state == "fine"
    assert findings.program("kind", "v0.20.0").state == "worked around"
    assert "not installed" in findings.program("kind", None).detail


@pytest.mark.parametrize(
    ("found", "said"), [("1.22.1", "fetches"), ("1.19", "too old"), (None, "not installed")]
)
def test_any_go_or_none_is_worked_around(found, said):
    assert findings.go(found).state == "worked around"
    assert said in findings.go(found).detail
    assert findings.go(versions.program("go")).state == "fine"


def test_mode_is_live_only_where_nothing_blocks():
    fine = Finding("CPU", "fine", "2 cores")
    around = Finding("kind", "worked around", "not installed")
    blocking = Finding("Docker", "blocking", "it is not installed", "./lab engine")
    assert doctor.mode([fine, around])[0] == "live"
    assert doctor.mode([fine, blocking]) == ("recorded", "Docker: it is not installed")
    assert not doctor.blocked([fine, around])
    assert doctor.blocked([around, blocking])


def test_rendered_lines_carry_mend_and_mode(capsys):
    doctor.render([Finding("Docker", "blocking", "says [no]", "./lab engine")])
    shown = capsys.readouterr().out
    assert "says [no]" in shown
    assert "mend: ./lab engine" in shown
    assert "`./lab run` takes the recorded mode: Docker: says [no]." in shown


def test_machine_without_any_program_runs_recorded(monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = doctor.examine()
    assert doctor.blocked(found)
    assert doctor.mode(found)[0] == "recorded"
    names = [finding.name for finding in found]
    assert names[:4] == ["CPU", "memory", "disk", "Docker"]
    assert json.loads(json.dumps(doctor.as_json(found)))["mode"] == "recorded"


def test_machine_facts_are_what_a_report_asks_for():
    facts = doctor.machine_facts()
    assert facts.keys() == {"kernel", "os", "arch", "cgroup", "cpus", "memoryBytes", "docker"}
    assert facts["memoryBytes"] > 0
    assert facts["kernel"]


INFO = {
    "ServerVersion": "28.3.1",
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"]],
    "CgroupVersion": "2",
    "DefaultRuntime": "runc",
    "DockerRootDir": "/var/lib/docker",
    "KernelVersion": "6.12.0",
    "OperatingSystem": "Debian GNU/Linux 13 (trixie)",
    "Architecture": "x86_64",
    "NCPU": 4,
    "MemTotal": 16 * GIB,
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}


def test_docker_info_is_read_for_both_image_stores():
    assert machine.read_docker(INFO) == DOCKER
    snapshotter = [["driver-type", "io.containerd.snapshotter.v1"]]
    other = machine.read_docker({**INFO, "Driver": "overlayfs", "DriverStatus": snapshotter})
    assert other.store == "containerd, overlayfs"
    assert machine.read_docker({**INFO, "SecurityOptions": ["name=rootless"]}).rootless


def test_capability_is_bit_24_of_the_bounding_set(tmp_path):
    status = tmp_path / "status"
    for mask, expected in (("000001ffffffffff", True), ("000001fffeffffff", False)):
        status.write_text(f"Name:\tcat\nCapBnd:\t{mask}\n")
        assert machine.sys_resource(status) is expected
    assert machine.sys_resource(tmp_path / "absent") is None


def test_inotify_limits_are_read(tmp_path):
    (tmp_path / "max_user_instances").write_text("128\n")
    (tmp_path / "max_user_watches").write_text("8192\n")
    assert machine.inotify(tmp_path) == (128, 8192)
    assert machine.inotify(tmp_path / "absent") is None


def test_kernel_options_are_read_packed_or_plain(tmp_path):
    text = "# CONFIG_IPIP is not set\nCONFIG_VXLAN=m\nCONFIG_BPF_SYSCALL=y\n"
    packed, plain = tmp_path / "config.gz", tmp_path / "config-6.12"
    packed.write_bytes(gzip.compress(text.encode()))
    plain.write_text(text)
    expected = {"VXLAN": "m", "BPF_SYSCALL": "y"}
    assert machine.kernel_options(tmp_path / "absent", packed) == expected
    assert machine.kernel_options(plain) == expected
    assert machine.kernel_options(tmp_path / "absent") is None


def test_modules_are_named_as_the_kernel_names_them(tmp_path):
    index = tmp_path / "modules.dep"
    index.write_text("kernel/net/br_netfilter.ko.xz: kernel/a.ko\nkernel/lib/crc-ccitt.ko:\n")
    assert machine.module_names(index) == {"br_netfilter", "crc_ccitt"}
    assert machine.module_names(tmp_path / "absent") == set()

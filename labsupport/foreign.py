"""Reach a cluster by the user's kubeconfig, and say what may be known of it.

Nothing here names the kubeconfig's path, a server's address or a credential: what it returns
goes into reports.
"""

import logging
import re
from typing import Any

import urllib3
import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, list_kube_config_contexts

from labsupport import console
from labsupport.errors import LabError, MachineCannot, WrongUse
from labsupport.kube import Kube


def reach(kube: Kube) -> str:
    """The API server's version.

    Raises:
        MachineCannot: it does not answer, or not this user.
        WrongUse: there is no such kubeconfig or context.
    """
    # The client's retries would be told on standard error, each in a line of its own.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    _read_kubeconfig(kube)
    try:
        with console.task("reaching the cluster", usual=1):
            return kube.version()
    except ApiException as error:
        raise MachineCannot(
            f"The cluster answered {error.status} ({error.reason}); the kubeconfig's credentials "
            "are not accepted there."
            if error.status in (401, 403)
            else f"The cluster answered {error.status} ({error.reason}) instead of its version."
        ) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise MachineCannot(
            f"The cluster of {kube.context or 'the current context'} cannot be reached: "
            f"{cause(error)}; check --context, the network and HTTPS_PROXY."
        ) from None


def _read_kubeconfig(kube: Kube) -> None:
    """Let the client read the kubeconfig, which it does not check."""
    try:
        kube.api  # noqa: B018 (made when it is first asked for)
    except ConfigException as error:
        said = str(error).rstrip(".")
        raise WrongUse(f"The kubeconfig cannot be used: {said}.{_contexts(kube)}") from None
    except (yaml.YAMLError, OSError, TypeError, ValueError, AttributeError, LookupError):
        raise WrongUse(
            "The kubeconfig cannot be used: it cannot be read, or its contents are something "
            "else; --kubeconfig FILE names another."
        ) from None


def environment(kube: Kube, version: str) -> dict[str, Any]:
    """What may be known of the cluster; null for the rest."""
    try:
        nodes = kube.list("v1", "Node")
    except LabError:  # a namespace's admin may not list nodes
        nodes = []
    facts = [node["status"]["nodeInfo"] for node in nodes]

    def all_of(name: str) -> str | None:
        return ", ".join(sorted({str(fact[name]) for fact in facts})) or None

    return {
        "kubernetes": version,
        "nodes": len(nodes) or None,
        "kernel": all_of("kernelVersion"),
        "os": all_of("osImage"),
        "arch": all_of("architecture"),
        **dict.fromkeys(
            ("kind", "nodeImage", "imageSource", "cgroup", "cpus", "memoryBytes", "docker")
        ),
    }


def cluster_name(kube: Kube) -> str:
    """The cluster's name as the context gives it, in the letters of a profile's name.

    Of names such as `arn:aws:eks:…:cluster/shop` only the last part is kept.
    """
    _, current = list_kube_config_contexts(  # type: ignore[no-untyped-call]
        str(kube.kubeconfig)
    )
    name = str(kube.context or current["name"]).rpartition("/")[2]
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "cluster"


def cause(error: BaseException) -> str:
    """Why a connection failed, without the objects that urllib3 names in its messages."""
    inner = getattr(error, "reason", None) or error
    text = str(inner).rpartition("): ")[2] or str(inner) or type(inner).__name__
    return " ".join(text.split()).rstrip(".")[:200]


def _contexts(kube: Kube) -> str:
    """The contexts that there are, for a message."""
    try:
        contexts, _ = list_kube_config_contexts(  # type: ignore[no-untyped-call]
            str(kube.kubeconfig)
        )
    except ConfigException:
        return " --kubeconfig FILE names another."
    return f" Its contexts are {', '.join(str(one['name']) for one in contexts)}."

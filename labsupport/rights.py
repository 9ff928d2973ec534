"""Which rights `./lab verify` needs on a cluster, and which of them the user lacks.

The API server itself is asked, with a SelfSubjectAccessReview for each right
(https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from labsupport.kube import ApiRefused, Kube


@dataclass(frozen=True)
class Right:
    """One verb on one resource, in a namespace where it has one; `pods/exec` is a resource."""

    verb: str
    resource: str
    group: str = ""
    namespace: str | None = None

    @property
    def attributes(self) -> dict[str, str]:
        """The right as a SelfSubjectAccessReview asks for it."""
        resource, _, subresource = self.resource.partition("/")
        asked = {
            "verb": self.verb,
            "group": self.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": self.namespace or "",
        }
        return {name: value for name, value in asked.items() if value}


_POLICIES = "networking.k8s.io"
_VERBS = ("create", "patch", "get", "list", "delete")


def in_namespace(namespace: str) -> list[Right]:
    """What is needed in the namespace where the pods run; a namespace's admin has all of it.

    Objects are applied server-side, which is `patch`. An exec over a websocket is `get`, and
    from Kubernetes 1.35 on also `create`
    (https://kubernetes.io/docs/reference/access-authn-authz/rbac/).
    """
    return [
        *(Right(verb, "pods", namespace=namespace) for verb in _VERBS),
        *(Right(verb, "pods/exec", namespace=namespace) for verb in ("get", "create")),
        *(Right(verb, "networkpolicies", _POLICIES, namespace) for verb in _VERBS),
    ]


def for_a_namespace() -> list[Right]:
    """What is needed to make a namespace and to remove it."""
    return [Right(verb, "namespaces") for verb in ("create", "patch", "list", "delete")]


def for_the_stage() -> list[Right]:
    """What is needed in the whole cluster to run the catalogue on it."""
    everywhere = [Right("list", name) for name in ("nodes", "pods", "services")]
    return [*everywhere, Right("create", "services"), Right("list", "networkpolicies", _POLICIES)]


def missing(kube: Kube, needed: Iterable[Right]) -> list[Right]:
    """Those of the rights that the user does not have.

    Where the API server does not answer the question, nothing is known to be missing; what
    is refused later is told then.
    """
    try:
        return [right for right in needed if not kube.may(right.attributes)]
    except ApiRefused:
        return []


def words(lacking: Iterable[Right]) -> str:
    """Rights in words: `create and delete pods in "team", list nodes`."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in lacking:
        where = f' in "{right.namespace}"' if right.namespace else ""
        verbs.setdefault((right.resource, where), []).append(right.verb)
    return ", ".join(f"{_and(v)} {resource}{where}" for (resource, where), v in verbs.items())


def _and(parts: list[str]) -> str:
    *head, last = parts
    return f"{', '.join(head)} and {last}" if head else last

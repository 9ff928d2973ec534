"""The thin layer over the official Kubernetes client.

`kubernetes.stream` replaces a method of its `ApiClient` while a call runs, so two
threads must never share one (https://github.com/kubernetes-client/python/issues/928):
every thread gets its own, made from the same kubeconfig.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError

from labsupport import podexec
from labsupport.errors import LabError
from labsupport.podexec import PodConversation

FIELD_MANAGER = "netpol-lab"
REQUEST_SECONDS = 30
AWAY_SECONDS = 90.0
"""How long an API server that answered before may be away, as one that is started again is."""

Object = Mapping[str, Any]


class ApiRefused(LabError):
    """The API server refused an object; carries the HTTP status and its message."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class KindUnknown(LabError):
    """The cluster serves no such kind: its CRD is not installed."""


def users_kubeconfig() -> Path:
    """The user's own kubeconfig, found as every client finds it; several are joined by `:`."""
    return Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")


class Kube:
    """One cluster, by kubeconfig, which is read and never written. Safe in several threads.

    What changes an object is tried again while the API server is away: all of it may be done
    twice, and what a case did must be undone.
    """

    def __init__(self, kubeconfig: Path, context: str | None = None) -> None:
        """Speak with the cluster of a context, or of the kubeconfig's current one."""
        self.kubeconfig, self.context = kubeconfig, context
        self._local = threading.local()

    @property
    def api(self) -> client.ApiClient:
        """This thread's own client."""
        if not hasattr(self._local, "api"):
            self._local.api = config.new_client_from_config(  # type: ignore[no-untyped-call]
                str(self.kubeconfig), context=self.context, persist_config=False
            )
        api: client.ApiClient = self._local.api
        return api

    @property
    def core(self) -> client.CoreV1Api:
        """Pods, namespaces, nodes."""
        return client.CoreV1Api(self.api)

    def version(self) -> str:
        """The API server's version, such as `v1.36.1`."""
        return str(client.VersionApi(self.api).get_code(_request_timeout=5).git_version)

    def apply(self, manifest: Object) -> None:
        """Apply one object server-side, as the field manager `netpol-lab`.

        Raises:
            KindUnknown: the API server does not serve the object's kind.
            ApiRefused: it answered with an error.
        """
        self._ask(
            "server_side_apply",
            manifest,
            body=dict(manifest),
            field_manager=FIELD_MANAGER,
            force_conflicts=True,
        )

    def delete(self, manifest: Object) -> None:
        """Delete one object; no error where it is gone already."""
        try:
            self._ask("delete", manifest)
        except ApiRefused as refused:
            if refused.status != 404:
                raise

    def serves(self, manifest: Object) -> bool:
        """Whether the API server serves the object's kind."""
        try:
            self._resource(manifest)
        except KindUnknown:
            return False
        return True

    def exists(self, manifest: Object) -> bool:
        """Whether the object is there."""
        try:
            self._ask("get", manifest)
        except ApiRefused as refused:
            if refused.status != 404:
                raise
            return False
        return True

    def label(self, manifest: Object, labels: Mapping[str, str | None]) -> None:
        """Set labels of an object, or remove those whose value is None.

        Raises:
            ApiRefused: the API server answered with an error.
        """
        self._ask(
            "patch",
            manifest,
            body={"metadata": {"labels": dict(labels)}},
            content_type="application/merge-patch+json",
        )

    def list(
        self,
        version: str,
        kind: str,
        labels: str | None = None,
        namespace: str | None = None,
        patient: bool = False,
    ) -> list[dict[str, Any]]:
        """All objects of a kind, as plain dicts.

        Args:
            version: the kind's `apiVersion`.
            kind: its name.
            labels: a label selector.
            namespace: where; in all namespaces where none is given.
            patient: whether an API server that is away is waited for.

        Raises:
            ApiRefused: the API server answered with an error.
        """

        def ask() -> Any:
            return self._resource({"apiVersion": version, "kind": kind}).get(
                label_selector=labels or "", namespace=namespace, _request_timeout=REQUEST_SECONDS
            )

        found = _insist(ask) if patient else _answered(ask)
        return [{"apiVersion": version, "kind": kind, **item} for item in found.to_dict()["items"]]

    def groups(self) -> set[str]:
        """The names of the API groups that are served, which any user may ask for."""
        answer = client.ApisApi(self.api).get_api_versions(_request_timeout=REQUEST_SECONDS)
        return {str(group.name) for group in answer.groups}

    def may(self, attributes: Object) -> bool:
        """Whether the user has a right, by the API server's own answer.

        Args:
            attributes: `resourceAttributes` of a SelfSubjectAccessReview.

        Raises:
            ApiRefused: the API server does not answer the question.
        """
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": dict(attributes)},
        }
        api = client.AuthorizationV1Api(self.api)
        try:
            answer = api.create_self_subject_access_review(
                review,  # type: ignore[arg-type]
                _request_timeout=REQUEST_SECONDS,
            )
        except ApiException as error:
            raise ApiRefused(error.status, podexec.message(error)) from None
        return bool(answer.status and answer.status.allowed)

    def token(self, namespace: str, account: str, seconds: int) -> str:
        """A token of a service account, that the API server takes for so many seconds.

        https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/

        Raises:
            ApiRefused: the API server answered with an error.
        """
        request = client.AuthenticationV1TokenRequest(
            spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=seconds)
        )
        try:
            answer = self.core.create_namespaced_service_account_token(
                account, namespace, request, _request_timeout=REQUEST_SECONDS
            )
        except ApiException as error:
            raise ApiRefused(error.status, podexec.message(error)) from None
        return str(answer.status.token) if answer.status else ""

    def log(self, namespace: str, pod: str) -> str:
        """What a pod has printed so far; empty while it has not started."""
        try:
            return str(
                self.core.read_namespaced_pod_log(pod, namespace, _request_timeout=REQUEST_SECONDS)
            )
        except ApiException as error:
            if error.status in (400, 404):
                return ""
            raise ApiRefused(error.status, podexec.message(error)) from None

    def converse(self, namespace: str, pod: str, command: Sequence[str]) -> PodConversation:
        """Start a command in a pod's first container that answers lines with lines.

        Raises:
            ExecFailed: it could not be started, or its node did not take it in time.
        """
        try:
            return podexec.start(self.core, namespace, pod, command)
        except podexec.Unanswered:
            self._local.__dict__.clear()  # a client is not shared, and this one still waits
            raise

    def _ask(self, verb: str, manifest: Object, **more: Any) -> None:
        """Send one request about an object, again while the API server is away."""
        meta = manifest["metadata"]
        _insist(
            lambda: getattr(self._resource(manifest), verb)(
                name=meta["name"],
                namespace=meta.get("namespace"),
                _request_timeout=REQUEST_SECONDS,
                **more,
            )
        )

    def _resource(self, manifest: Object) -> Any:
        if not hasattr(self._local, "dynamic"):
            self._local.dynamic = DynamicClient(self.api)  # type: ignore[no-untyped-call]
        version, kind = manifest["apiVersion"], manifest["kind"]
        try:
            return self._local.dynamic.resources.get(api_version=version, kind=kind)
        except ResourceNotFoundError:
            raise KindUnknown(f"the API server serves no {kind} of {version}") from None


def _answered(request: Callable[[], Any]) -> Any:
    """What a request is answered with; the API server's no becomes `ApiRefused`."""
    try:
        return request()
    except DynamicApiError as error:
        raise ApiRefused(error.status, podexec.message(error)) from None


def _insist(request: Callable[[], Any]) -> Any:
    """The same from an API server that may be away for a while.

    One that comes back refuses everybody until it knows the roles again.
    """
    deadline, away = time.monotonic() + AWAY_SECONDS, False
    while True:
        try:
            return _answered(request)
        except urllib3.exceptions.HTTPError:
            away = True
            if time.monotonic() > deadline:
                raise
        except ApiRefused as refused:
            starting = refused.status in (401, 403) or refused.status >= 500
            if not (away and starting) or time.monotonic() > deadline:
                raise
        time.sleep(1)

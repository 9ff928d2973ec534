"""The thin layer over the official Kubernetes client.

`kubernetes.stream` replaces a method of its `ApiClient` while a call runs, so two
threads must never share one (https://github.com/kubernetes-client/python/issues/928):
every thread gets its own, made from the same kubeconfig.
"""

import contextlib
import json
import os
import queue
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
from kubernetes.stream import stream
from websocket import WebSocketException

from labsupport.conversation import ExecFailed
from labsupport.errors import LabError

_STREAM_ERRORS = (ApiException, WebSocketException, OSError, urllib3.exceptions.HTTPError)
FIELD_MANAGER = "netpol-lab"
REQUEST_SECONDS = 30
EXEC_SECONDS = 15.0
"""How long the node of a pod has to take a command; one that is frozen never does."""
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
            raise ApiRefused(error.status, _message(error)) from None
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
            raise ApiRefused(error.status, _message(error)) from None
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
            raise ApiRefused(error.status, _message(error)) from None

    def converse(self, namespace: str, pod: str, command: Sequence[str]) -> "PodConversation":
        """Start a command in a pod's first container that answers lines with lines.

        Raises:
            ExecFailed: it could not be started.
        """
        where, begin = f"{namespace}/{pod}", self.core.connect_get_namespaced_pod_exec
        fixed = {"stdin": True, "stdout": True, "stderr": True, "tty": False}

        def start() -> PodConversation:
            channel = stream(
                begin, pod, namespace, command=list(command), **fixed, _preload_content=False
            )
            return PodConversation(channel, where)

        try:
            return _within(EXEC_SECONDS, start)
        except _STREAM_ERRORS as error:
            raise ExecFailed(f"no exec into {where}: {_message(error)}") from None
        except queue.Empty:
            self._local.__dict__.clear()  # a client is not shared, and this one still waits
            raise ExecFailed(f"no exec into {where}: its node does not answer") from None

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


class PodConversation:
    """A command that runs in a pod and answers each line on its input with some lines."""

    def __init__(self, channel: Any, where: str) -> None:
        self._channel, self._where = channel, where  # a kubernetes.stream WSClient, untyped

    def ask(self, question: str, last: str, timeout: float) -> list[str]:
        """Send a line and return the lines of the answer, up to and without the line `last`.

        Raises:
            ExecFailed: the command ended, or `last` did not come within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        lines: list[str] = []
        try:
            self._channel.write_stdin(f"{question}\n")
            while (left := deadline - time.monotonic()) > 0 and self._channel.is_open():
                line = self._channel.readline_stdout(timeout=left)
                if line == last:
                    return lines
                lines.append(line)
        except _STREAM_ERRORS as error:
            raise ExecFailed(f"the exec into {self._where} broke: {_message(error)}") from None
        ended = "gave no answer in time" if self._channel.is_open() else "ended"
        raise ExecFailed(f"the command in {self._where} {ended}")

    def close(self) -> None:
        """End the command; its input ends, and with it its loop."""
        with contextlib.suppress(*_STREAM_ERRORS):
            self._channel.close()


def _within(seconds: float, start: Callable[[], "PodConversation"]) -> "PodConversation":
    """Start a conversation, in a thread, for the client gives the start of one no limit.

    Raises:
        queue.Empty: it took longer. It is ended should it start after all.
    """
    begun: queue.SimpleQueue[PodConversation | BaseException] = queue.SimpleQueue()
    late = threading.Event()

    def run() -> None:
        try:
            conversation = start()
        except BaseException as error:
            begun.put(error)
            return
        begun.put(conversation)
        if late.is_set():
            _end(conversation)

    threading.Thread(target=run, daemon=True).start()
    try:
        found = begun.get(timeout=seconds)
    except queue.Empty:
        late.set()
        with contextlib.suppress(queue.Empty):  # it started in this very moment
            _end(begun.get_nowait())
        raise
    if isinstance(found, BaseException):
        raise found
    return found


def _end(found: "PodConversation | BaseException") -> None:
    if not isinstance(found, BaseException):
        found.close()


def _answered(request: Callable[[], Any]) -> Any:
    """What a request is answered with; the API server's no becomes `ApiRefused`."""
    try:
        return request()
    except DynamicApiError as error:
        raise ApiRefused(error.status, _message(error)) from None


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


def _message(error: BaseException) -> str:
    """What an API error says, without its headers; the first line of anything else."""
    if isinstance(error, ApiException) and error.body:
        body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return str(json.loads(body)["message"])[:300]
        return str(body)[:300]
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

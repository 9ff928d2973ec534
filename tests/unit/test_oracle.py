"""The specification's evaluator: clause by clause, by its laws, and against the catalogue."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport import agreement, cases, foresee, oracle
from labsupport.errors import CheckFailed
from labsupport.oracle import Endpoint, decide, selects
from labsupport.verdict import Expected

WORLD = {name: foresee.endpoint(cases.cast(), name) for name in [*cases.cast().pods, cases.OUTSIDE]}
OUTSIDE = WORLD[cases.OUTSIDE]
SPECIFICATION = [case for case in cases.load() if case.group == agreement.GROUP]


@pytest.mark.parametrize("case", SPECIFICATION, ids=lambda case: case.id)
def test_the_hand_written_expectation_and_the_oracle_agree(case):
    agreement.check([case])


@pytest.mark.parametrize("case", SPECIFICATION, ids=lambda case: case.id)
def test_every_step_turns_on_its_policy(case):
    """Without the policies all is allowed, so what a step denies is their doing."""
    for step, _, actors in agreement.scenes(case):
        for connection in step.expected:
            assert agreement.expected([], actors, connection) is Expected.ALLOWED


@pytest.mark.parametrize("case", SPECIFICATION, ids=lambda case: case.id)
def test_a_late_pod_is_probed_only_once_it_runs(case):
    running = {name for name, pod in cases.cast().pods.items() if not pod.late} | {cases.OUTSIDE}
    for step in case.steps:
        running |= set(step.start)
        assert {end for c in step.expected for end in (c.source, c.target)} <= running


def test_an_expectation_that_is_wrong_stops_a_run():
    case = next(case for case in SPECIFICATION if case.id == "port-name-two-numbers")
    (step,) = case.steps
    turned = {c: Expected.ALLOWED for c in step.expected}
    wrong = replace(case, steps=(replace(step, expected=turned),))
    with pytest.raises(CheckFailed, match=r"port-name-two-numbers.*shop/api:8081.*denied"):
        agreement.check([wrong])


def policy(name="p", namespace="shop", **spec):
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def reaches(*policies, source="warehouse/stock", target="shop/api", port=8080, protocol="TCP"):
    ends = [WORLD.get(end, OUTSIDE) for end in (source, target)]
    return decide(policies, *ends, port, protocol).allowed


def ingress(*peers, **more):
    return policy(podSelector={}, policyTypes=["Ingress"], ingress=[{"from": list(peers), **more}])


STOCK = {"podSelector": {"matchLabels": {"app": "stock"}}}
WAREHOUSE = {"namespaceSelector": {"matchLabels": {"team": "warehouse"}}}


@pytest.mark.parametrize(
    ("given_policy", "allowed"),
    [
        (policy(podSelector={}), False),  # no policyTypes means Ingress
        (policy(podSelector={}, policyTypes=["Egress"]), True),
        (policy(podSelector={}, namespace="other"), True),
        (policy(podSelector={"matchLabels": {"app": "frontend"}}), True),
        (policy(podSelector={}, ingress=[{}]), True),  # an empty rule allows everything
        (policy(podSelector={}, ingress=[]), False),
        (ingress(STOCK), False),  # a podSelector alone stays in the policy's namespace
        (ingress(WAREHOUSE), True),
        (ingress(WAREHOUSE | STOCK), True),
        (ingress(WAREHOUSE | {"podSelector": {"matchLabels": {"app": "audit"}}}), False),
        (ingress({"namespaceSelector": {}}), True),  # an empty one is every namespace
        (ingress({"podSelector": {}}), False),
        (ingress({"ipBlock": {"cidr": "0.0.0.0/0"}}), False),  # for addresses outside only
        (ingress(WAREHOUSE, ports=[{"port": 8080}]), True),
        (ingress(WAREHOUSE, ports=[{"port": 8080, "protocol": "UDP"}]), False),
        (ingress(WAREHOUSE, ports=[{"port": 8000, "endPort": 8100}]), True),
        (ingress(WAREHOUSE, ports=[{"port": 8081, "endPort": 8100}]), False),
        (ingress(WAREHOUSE, ports=[{"protocol": "TCP"}]), True),
        (ingress(WAREHOUSE, ports=[{"port": "http"}]), False),  # the pod has no such port
    ],
)
def test_each_clause(given_policy, allowed):
    assert reaches(given_policy) is allowed


def test_the_source_s_egress_has_a_say_too():
    closed = policy(namespace="warehouse", podSelector={}, policyTypes=["Egress"])
    decision = decide([closed], WORLD["warehouse/stock"], WORLD["shop/api"], 8080)
    assert not decision.allowed
    assert decision.why == "p isolates warehouse/stock for egress, and no rule allows it"


def test_egress_is_implied_by_egress_rules_alone():
    assert not reaches(policy(podSelector={}, egress=[{"to": [STOCK]}]), source="shop/api",
                       target="warehouse/stock")  # fmt: skip
    assert reaches(policy(podSelector={}), source="shop/api", target="warehouse/stock")


@pytest.mark.parametrize(
    ("block", "allowed"),
    [
        ({"cidr": "203.0.113.0/24"}, True),
        ({"cidr": "203.0.113.0/24", "except": ["203.0.113.0/28"]}, False),
        ({"cidr": "198.51.100.0/24"}, False),
    ],
)
def test_ip_blocks_and_the_world_outside(block, allowed):
    assert reaches(ingress({"ipBlock": block}), source="outside") is allowed


def test_a_named_port_is_the_target_s():
    api = Endpoint("shop/api", "shop", {"app": "api"}, {}, {("http", "TCP"): 8080})
    rule = ingress(WAREHOUSE, ports=[{"port": "http"}])
    assert decide([rule], WORLD["warehouse/stock"], api, 8080).allowed
    assert not decide([rule], WORLD["warehouse/stock"], api, 8081).allowed


labels = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)
expressions = st.builds(
    lambda key, operator, values: (
        {"key": key, "operator": operator}
        | ({"values": values} if operator in ("In", "NotIn") else {})
    ),
    st.sampled_from("abc"),
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.lists(st.sampled_from("xyz"), min_size=1),
)


@given(labels)
def test_an_empty_selector_is_everything(given_labels):
    assert selects({}, given_labels)
    assert selects(None, given_labels)


@given(labels, expressions)
def test_operators_come_in_opposites(given_labels, expression):
    opposite = {"In": "NotIn", "NotIn": "In", "Exists": "DoesNotExist", "DoesNotExist": "Exists"}
    other = {**expression, "operator": opposite[expression["operator"]]}
    assert selects({"matchExpressions": [expression]}, given_labels) != selects(
        {"matchExpressions": [other]}, given_labels
    )


@given(labels, labels)
def test_match_labels_is_shorthand_for_in(wanted, given_labels):
    long = [{"key": k, "operator": "In", "values": [v]} for k, v in wanted.items()]
    assert selects({"matchLabels": wanted}, given_labels) == selects(
        {"matchExpressions": long}, given_labels
    )


apps = st.sampled_from([{}, {"matchLabels": {"app": "api"}}, {"matchLabels": {"app": "stock"}}])
teams = st.sampled_from([{}, {"matchLabels": {"team": "shop"}}])
peers = st.one_of(
    st.builds(lambda pods: {"podSelector": pods}, apps),
    st.builds(lambda pods, teams: {"podSelector": pods, "namespaceSelector": teams}, apps, teams),
)
rules = st.builds(
    lambda way, peers, ports: {way: peers, **({"ports": ports} if ports else {})},
    st.just("from"),
    st.lists(peers, max_size=2),
    st.lists(st.sampled_from([{"port": 8080}, {"port": 8081}]), max_size=2),
)
policies = st.lists(
    st.builds(
        lambda namespace, pods, rules: policy(
            namespace=namespace, podSelector=pods, policyTypes=["Ingress"], ingress=rules
        ),
        st.sampled_from(["shop", "warehouse"]),
        apps,
        st.lists(rules, max_size=2),
    ),
    max_size=4,
)
pairs = st.tuples(st.sampled_from(sorted(WORLD)), st.sampled_from(sorted(WORLD)))


@given(policies, policies, pairs)
def test_adding_policies_never_takes_away_what_another_allows(some, more, pair):
    source, target = (WORLD[end] for end in pair)
    isolated = oracle.isolating(some, target, "Ingress")
    if isolated and decide(some, source, target, 8080).allowed:
        assert decide([*some, *more], source, target, 8080).allowed


@given(policies, pairs, st.randoms(use_true_random=False))
def test_neither_the_order_of_policies_nor_of_rules_matters(some, pair, order):
    shuffled = []
    for one in order.sample(some, len(some)):
        rules = one["spec"]["ingress"]
        spec = {**one["spec"], "ingress": order.sample(rules, len(rules))}
        shuffled.append({**one, "spec": spec})
    source, target = (WORLD[end] for end in pair)
    assert (
        decide(shuffled, source, target, 8080).allowed == decide(some, source, target, 8080).allowed
    )

"""The specification's evaluator: clause by clause, by its laws, and against the catalogue."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport import agreement, cases, cast, foresee, oracle
from labsupport.errors import CheckFailed
from labsupport.oracle import Endpoint, decide, selects
from labsupport.verdict import Expected

WORLD = {
    name: foresee.endpoint(cast.of_cases(), name) for name in [*cast.of_cases().pods, cast.OUTSIDE]
}
OUTSIDE = WORLD[cast.OUTSIDE]
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
    running = {name for name, pod in cast.of_cases().pods.items() if not pod.late} | {cast.OUTSIDE}
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
def test_no_order_matters(some, pair, order):
    """Neither that of policies, nor of rules, nor of the peers and ports within one."""

    def shuffled(part):
        if isinstance(part, list):
            return [shuffled(item) for item in order.sample(part, len(part))]
        return {k: shuffled(v) for k, v in part.items()} if isinstance(part, dict) else part

    source, target = (WORLD[end] for end in pair)
    there = decide(some, source, target, 8080).allowed
    assert decide(shuffled(some), source, target, 8080).allowed == there


@given(policies, pairs)
def test_saying_a_policy_twice_says_nothing_new(some, pair):
    source, target = (WORLD[end] for end in pair)
    once = decide(some, source, target, 8080).allowed
    assert decide([*some, *some], source, target, 8080).allowed == once


deny_all = policy("deny-all", podSelector={}, policyTypes=["Ingress"])
allows = st.builds(
    lambda rules: policy("allow", podSelector={}, policyTypes=["Ingress"], ingress=rules),
    st.lists(rules, max_size=3),
)


@given(allows, pairs)
def test_deny_all_and_an_allow_are_the_allow_alone(allow, pair):
    """Where both select the same pods: deny-all only isolates, and the allow does that too."""
    source, target = (WORLD[end] for end in pair)
    alone = decide([allow], source, target, 8080).allowed
    assert decide([deny_all, allow], source, target, 8080).allowed == alone


@given(policies, pairs)
def test_an_empty_rule_opens_whatever_the_others_say(some, pair):
    source, target = (WORLD[end] for end in pair)
    open_to_all = policy(
        namespace=target.namespace, podSelector={}, policyTypes=["Ingress"], ingress=[{}]
    )
    assert decide([*some, open_to_all], source, target, 8080).allowed


@given(allows, allows, pairs)
def test_two_policies_for_the_same_pods_are_one_with_the_rules_of_both(one, other, pair):
    source, target = (WORLD[end] for end in pair)
    both = [*one["spec"]["ingress"], *other["spec"]["ingress"]]
    merged = policy(podSelector={}, policyTypes=["Ingress"], ingress=both)
    assert (
        decide([one, other], source, target, 8080).allowed
        == decide([merged], source, target, 8080).allowed
    )


@given(policies, pairs)
def test_a_policy_of_another_namespace_changes_nothing(some, pair):
    source, target = (WORLD[end] for end in pair)
    ends = {source.namespace, target.namespace}
    near = [one for one in some if one["metadata"]["namespace"] in ends]
    assert decide(some, source, target, 8080).allowed == decide(near, source, target, 8080).allowed


@given(policies, pairs)
def test_ingress_policies_leave_egress_alone(some, pair):
    source, target = (WORLD[end] for end in pair)
    assert not oracle.isolating(some, source, "Egress")
    elsewhere = [one for one in some if one["metadata"]["namespace"] != target.namespace]
    assert decide(elsewhere, source, target, 8080).allowed


@given(st.lists(rules, max_size=3), pairs, st.sampled_from(["TCP", "UDP"]))
def test_egress_is_ingress_seen_from_the_other_end(some, pair, protocol):
    """The same rules, on the source as egress or on the target as ingress, judge the peer alike."""
    source, target = (WORLD[end] for end in pair)
    turned = [{("to" if k == "from" else k): v for k, v in rule.items()} for rule in some]
    coming = policy(
        namespace=target.namespace, podSelector={}, policyTypes=["Ingress"], ingress=some
    )
    going = policy(
        namespace=target.namespace, podSelector={}, policyTypes=["Egress"], egress=turned
    )
    assert (
        decide([coming], source, target, 8080, protocol).allowed
        # From the pod that the rules are on, to the peer that they describe.
        == decide([going], target, source, 8080, protocol).allowed
    )


@given(st.integers(1, 65535), st.integers(0, 20), st.integers(1, 65535))
def test_a_range_is_each_of_its_ports(first, more, port):
    last = min(first + more, 65535)
    wide = ingress(WAREHOUSE, ports=[{"port": first, "endPort": last}])
    one_by_one = ingress(WAREHOUSE, ports=[{"port": n} for n in range(first, last + 1)])
    assert reaches(wide, port=port) == reaches(one_by_one, port=port) == (first <= port <= last)

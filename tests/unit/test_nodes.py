"""What nodes print, read: every file in data/anatomy is what a real node printed."""

from pathlib import Path

import pytest

from labsupport import nodedevices, nodemaps, noderules
from labsupport.errors import CheckFailed
from labsupport.stablenames import Names

DATA = Path(__file__).parent / "data" / "anatomy"
API = {"calico": "10.244.55.129", "flannel": "10.244.0.2", "cilium": "10.244.0.34"}
INTERFACE = "calia5f52fa2773"


def printed(name):
    return (DATA / name).read_text()


def wire(profile):
    return nodedevices.wire(
        printed(f"{profile}-addr.txt"),
        printed(f"{profile}-nslink.txt"),
        nodedevices.devices(printed(f"{profile}-link.txt")),
        API[profile],
    )


# --- devices and routes


@pytest.mark.parametrize(
    ("profile", "interface", "bridge"),
    [
        ("calico", INTERFACE, None),
        ("flannel", "veth", "cni0"),
        ("cilium", "lxc091ca66c878b", None),
    ],
)
def test_a_pods_veth_pair_is_found_by_its_address(profile, interface, bridge):
    found = wire(profile)
    assert found.inside.name == "eth0"
    assert found.outside.name.startswith(interface)
    assert found.outside.master == bridge


def test_an_address_that_only_begins_the_same_is_another_pods():
    with pytest.raises(CheckFailed, match=r"10\.244\.55\.12 "):
        nodedevices.wire(
            printed("calico-addr.txt"),
            printed("calico-nslink.txt"),
            nodedevices.devices(printed("calico-link.txt")),
            "10.244.55.12",
        )


@pytest.mark.parametrize(
    ("profile", "name", "settings"),
    [
        ("calico", "vxlan.calico", {"id": "4096", "port": "4789"}),
        ("flannel", "flannel.1", {"id": "1", "port": "8472"}),
        ("cilium", "cilium_vxlan", {"id": "", "port": "8472"}),
    ],
)
def test_vxlan_devices_are_known_by_their_settings(profile, name, settings):
    devices = nodedevices.devices(printed(f"{profile}-link.txt"))
    assert [(d.name, d.vxlan) for d in devices if d.vxlan] == [(name, settings)]


def test_the_most_exact_route_is_taken_and_a_blackhole_is_none():
    matching = (
        "default via 172.18.0.1 dev eth0 \n"
        "blackhole 10.244.55.128/26 proto 80 \n"
        "10.244.55.129 dev calia5f52fa2773 scope link \n"
    )
    route = nodedevices.best_route(matching)
    assert nodedevices.route_device(route) == INTERFACE
    assert nodedevices.route_gateway(route) is None
    elsewhere = "default via 172.18.0.1 dev eth0\n10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink"
    assert nodedevices.route_gateway(nodedevices.best_route(elsewhere)) == "10.244.0.0"


# --- Calico's rules


@pytest.fixture
def rules():
    return noderules.read(printed("calico-iptables-with.txt"))


def test_only_the_table_that_was_asked_for_is_read(rules):
    assert {rule.chain for rule in rules} >= {"FORWARD", f"cali-tw-{INTERFACE}"}
    assert noderules.read(printed("calico-iptables-with.txt"), "nat")[0].chain == "PREROUTING"
    assert noderules.read("") == []


def test_the_way_to_the_policys_chain_is_in_the_order_of_the_packet(rules):
    way = noderules.of_policy(rules, INTERFACE)
    chains = list(dict.fromkeys(rule.chain for rule in way))
    assert chains == [
        "FORWARD",
        "cali-FORWARD",
        "cali-to-wl-dispatch",
        f"cali-tw-{INTERFACE}",
        "cali-pi-_ldoZGuc-nNS3TvKcflR",
    ]
    jump = next(n for n, rule in enumerate(way) if rule.target == chains[-1])
    assert way[jump + 1].chain == chains[-1]
    assert way[jump + 2].chain == chains[-2]


def test_what_came_with_the_policy_is_what_differs(rules):
    earlier = noderules.of_policy(noderules.read(printed("calico-iptables-before.txt")), INTERFACE)
    new = [rule for rule in noderules.of_policy(rules, INTERFACE) if rule not in earlier]
    assert [noderules.explain(rule) for rule in new] == [
        "take the marks away: passed on",
        "if it is not marked passed on: go through cali-pi-_ldoZGuc-nNS3TvKcflR",
        "if its source is in the set cali40s:tfw-5tAUk_sGfyvMq-XqyUM: mark it accepted",
        "if it is marked accepted: go back",
        "if it is not marked passed on: drop it",
    ]


def test_felix_checksums_are_left_out_and_its_words_are_kept(rules):
    text = "\n".join(rule.text for rule in noderules.of_policy(rules, INTERFACE))
    assert "cali:" not in text
    assert '--comment "Drop if no profiles matched" -j DROP' in text


def test_chains_are_known_by_their_policy(rules):
    chains = noderules.policy_chains(rules)
    name = "lab1-shop/knp.default.api-from-frontend"
    assert chains["cali-pi-_ldoZGuc-nNS3TvKcflR"] == name


def test_a_pod_without_a_chain_has_no_rules(rules):
    assert noderules.of_policy(rules, "vethc4a3fe4a") == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-i cali+ -j cali-from-wl-dispatch", "if it came from cali…: go through cali-from-wl"),
        ("-p tcp -m multiport --dports 80,443 -j DROP",
         "if it is TCP and its port is 80 or 443: drop it"),
        ("-m set --match-set cali40n:x dst,dst -j ACCEPT",
         "if its target and port is in the set cali40n:x: let it pass"),
        ("-m mark --mark 0x40000/0x40000 -j RETURN", "if it is marked 0x40000: go back"),
        ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
         "if it belongs to a connection that is already there: let it pass"),
    ],
)  # fmt: skip
def test_rules_are_told_in_words(line, words):
    rule = noderules.read(f"*filter\n-A some {line}\nCOMMIT\n")[0]
    assert noderules.explain(rule).startswith(words)


def test_members_of_a_set():
    assert noderules.members(printed("calico-ipset.txt")) == ["10.244.241.5"]
    assert noderules.members("Name: x\nMembers:\n") == []


def test_the_sets_that_rules_ask(rules):
    way = noderules.of_policy(rules, INTERFACE)
    assert noderules.sets(way) == ["cali40s:tfw-5tAUk_sGfyvMq-XqyUM"]


# --- Cilium's maps


def test_endpoints():
    api = {e.address: e for e in nodemaps.endpoints(printed("cilium-endpoints.json"))}[
        API["cilium"]
    ]
    assert (api.id, api.identity, api.enforcement) == (1700, 59032, "ingress")
    assert "k8s:app=api" in api.labels


def test_policy_map():
    entries = nodemaps.entries(printed("cilium-policy.txt"))
    assert [(e.identity, e.port) for e in entries if e.direction == "Ingress"] == [
        (1, "ANY"),
        (15529, "ANY"),
    ]
    assert {e.policy for e in entries} == {"Allow"}


def test_reserved_identities():
    known = nodemaps.reserved(printed("cilium-identities.txt"))
    assert known[1] == "host"
    assert 1334 not in known


def test_addresses_lead_to_nodes_and_interfaces():
    cached = nodemaps.cached(printed("cilium-ipcache.txt"), API["cilium"])
    assert (cached.identity, cached.tunnel_endpoint) == (59032, "172.18.0.8")
    assert nodemaps.local(printed("cilium-lxc.txt"), API["cilium"]).interface == 8
    with pytest.raises(CheckFailed, match=r"10\.244\.0\.3"):
        nodemaps.local(printed("cilium-lxc.txt"), "10.244.0.3")
    with pytest.raises(CheckFailed, match=r"10\.244\.0\.3"):
        nodemaps.cached(printed("cilium-ipcache.txt"), "10.244.0.3")


def test_flows_of_pods_are_read_once_each():
    (flow,) = nodemaps.flows(printed("cilium-hubble.txt"))
    assert flow.source_identity == 29781
    assert flow.port == 8080
    assert flow.end == "Policy denied DROPPED (TCP Flags: SYN)"


def test_the_last_packet_of_an_earlier_connection_is_no_flow_of_its_own():
    opening = printed("cilium-hubble.txt")
    late = opening.replace("TCP Flags: SYN", "TCP Flags: ACK")
    assert late != opening
    assert nodemaps.flows(late) == []
    assert nodemaps.flows(opening + late) == nodemaps.flows(opening)
    assert len(nodemaps.flows(opening.replace("TCP Flags: SYN", "UDP"))) == 1


# --- names


def test_names_stand_for_whole_words():
    names = Names()
    names.call("10.244.1.1", "gateway-A-ip")
    names.call("10.244.1.1/24", "pods-of-A")
    names.call("calia1", "cali-api")
    text = "10.244.1.1 10.244.1.11 110.244.1.1 10.244.1.1/24 cali-tw-calia1 calia12 x.calia1"
    assert names(text) == (
        "gateway-A-ip 10.244.1.11 110.244.1.1 pods-of-A cali-tw-cali-api calia12 x.cali-api"
    )


def test_what_is_called_first_keeps_its_name():
    names = Names()
    assert names.call("10.0.0.1", "a") == names.call("10.0.0.1", "b") == "a"
    assert [names.number(real, "set") for real in ("x", "y", "x")] == ["set-1", "set-2", "set-1"]
    assert Names()(" as it is ") == "as it is"

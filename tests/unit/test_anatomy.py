"""Captures: valid, without anything of one cluster, and shown."""

import itertools
import json
import re

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch

from labsupport import anatomy, packetpath, paths
from labsupport.errors import WrongUse

RECORDED = sorted(path.stem for path in anatomy.FOLDER.glob("*.json"))


@pytest.fixture(params=RECORDED)
def capture(request):
    return anatomy.read(request.param)


def test_recordings_hold_nothing_of_one_cluster(capture):
    text = json.dumps({"way": capture["way"], "exhibits": capture["exhibits"]})
    addresses = set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text))
    assert addresses <= {"169.254.1.1"}, "Calico's gateway is the same in every pod"
    assert not re.search(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", text)
    assert not re.search(r"cali[0-9a-f]{11}|lxc[0-9a-f]{12}|veth[0-9a-f]{8}|lab\d-", text)


def test_the_way_leads_from_pod_to_pod_over_both_nodes(capture):
    places = [hop["place"] for hop in capture["way"]]
    assert places[0] == "pod frontend"
    assert places[-1] == "pod api"
    assert places[1:-1] == sorted(places[1:-1])
    assert sum("VXLAN" in hop["kind"] for hop in capture["way"]) == 2


def test_a_policy_stands_on_the_way_where_packets_were_denied_and_only_there(capture):
    """The nodes and the packets are two witnesses of the same thing."""
    denied = [c["observed"] for c in capture["connections"] if c["expected"] == "denied"]
    enforced = set(denied) == {"timeout"}
    assert enforced or set(denied) == {"allowed"}
    assert any(hop["policy"] for hop in capture["way"]) == enforced
    new = [line for one in capture["exhibits"] for line in one["lines"] if line["new"]]
    assert bool(new) == enforced


def test_the_picture_is_the_same_each_time_and_has_its_sentence(capture):
    png = packetpath.draw(capture)
    assert png.startswith(b"\x89PNG")
    assert png == packetpath.draw(capture)
    sentence = packetpath.sentence(capture)
    assert all(hop["device"] in sentence for hop in capture["way"])


CONVERTED = json.loads((paths.RECORDINGS / "conversion" / "flannel.json").read_text())
WAYS = {name: anatomy.read(name) for name in RECORDED} | {"converted": CONVERTED["anatomy"]}


@pytest.mark.parametrize("name", WAYS)
def test_no_words_of_the_picture_cross_a_line_or_each_other(name):
    drawn = packetpath.figure(WAYS[name])
    FigureCanvasAgg(drawn).draw()
    [axes] = drawn.axes
    words = [(text.get_text(), text.get_window_extent()) for text in axes.texts if text.get_text()]
    shapes = [p for p in axes.patches if not isinstance(p, FancyArrowPatch)]
    outlines = [shape.get_window_extent() for shape in shapes]
    for (one, first), (other, second) in itertools.combinations(words, 2):
        assert not first.overlaps(second), (one, other)
    for told, extent in words:
        assert drawn.bbox.x1 > extent.x1, told
        for outline in outlines:
            inside = outline.contains(*extent.min) and outline.contains(*extent.max)
            assert inside or not outline.overlaps(extent), told


def test_text_shows_every_line(capture):
    text = anatomy.as_text(capture)
    assert all(
        line["text"] in text and line["words"] in text
        for one in capture["exhibits"]
        for line in one["lines"]
    )


def test_a_capture_that_is_written_is_read_again(capture, tmp_path):
    anatomy.record(capture, tmp_path)
    assert anatomy.read(capture["profile"], tmp_path) == capture


def test_a_damaged_capture_names_its_file_and_field(capture, tmp_path):
    path = anatomy.record(capture, tmp_path)
    path.write_text(json.dumps({**capture, "way": []}))
    with pytest.raises(WrongUse, match=rf"{path.name}: way"):
        anatomy.read(capture["profile"], tmp_path)
    path.write_text("{")
    with pytest.raises(WrongUse, match="is no capture"):
        anatomy.read(capture["profile"], tmp_path)


def test_a_capture_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(WrongUse, match=r"\./lab anatomy --live --record flannel"):
        anatomy.read("flannel", tmp_path)


def test_an_exhibit_that_is_not_there(capture):
    with pytest.raises(WrongUse, match="there are"):
        anatomy.exhibits(capture, "nothing")

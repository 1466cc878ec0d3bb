"""Networks from files: CSV and GraphML, good and bad."""

import networkx as nx
import pytest

from devices.graph_file import Edge, read_edges

HEADER = "source,target,rate,latency\n"


@pytest.fixture
def read(tmp_path):
    def reading(text, name="lab.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_edges(path, name, **options)

    return reading


@pytest.fixture
def refused(read):
    def refusal(text, name="lab.csv"):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 (the caller looks at the whole message)
            read(text, name)
        return str(caught.value)

    return refusal


def graphml(
    edges, keys=(("rate", "string"), ("latency", "string"), ("loss", "string")), default="undirected"
):
    """GraphML of some edges: ``(source, target, {attribute: text})``."""
    lines = ['<graphml xmlns="http://graphml.graphdrawing.org/xmlns">']
    for name, kind in keys:
        given, _, fallback = name.partition("=")
        inside = f"<default>{fallback}</default>" if fallback else ""
        lines.append(f'<key id="{given}" for="edge" attr.name="{given}" attr.type="{kind}">{inside}</key>')
    lines.append(f'<graph edgedefault="{default}">')
    nodes = dict.fromkeys(end for source, target, _ in edges for end in (source, target))
    lines += [f'<node id="{node}"/>' for node in nodes]
    for source, target, data in edges:
        inside = "".join(f'<data key="{key}">{text}</data>' for key, text in data.items())
        lines.append(f'<edge source="{source}" target="{target}">{inside}</edge>')
    return "\n".join([*lines, "</graph>", "</graphml>"])


GOOD = {"rate": "50 MB/s", "latency": "5 ms"}


def test_an_edge_list_gives_edges_with_units(read):
    text = "source, target ,rate,latency,loss\nap-0,server,50 Mbit/s,5 ms,0.01\n\nap-1,ap-0, 1 GB/s ,2 us,\n"
    assert read(text) == [
        Edge("ap-0", "server", 6.25e6, 0.005, 0.01, directed=False, place="lab.csv:2"),
        Edge("ap-1", "ap-0", 1e9, 2e-6, 0.0, directed=False, place="lab.csv:4"),
    ]


def test_columns_may_come_in_any_order_and_a_byte_order_mark_is_no_matter(read):
    (edge,) = read(b"\xef\xbb\xbflatency,target,source,rate\r\n1 s,b,a,1 B/s\r\n")
    assert (edge.source, edge.target, edge.bytes_per_s, edge.latency_s) == ("a", "b", 1.0, 1.0)
    assert edge.name == "a -> b"


def test_edges_lead_both_ways_unless_told_otherwise(read):
    text = "source,target,rate,latency,directed\na,b,1 B/s,0 s,true\nb,c,1 B/s,0 s,False\nc,d,1 B/s,0 s,\n"
    assert [edge.directed for edge in read(text)] == [True, False, False]
    assert [edge.directed for edge in read(text, directed=True)] == [True, False, True]
    assert [edge.directed for edge in read(HEADER + "a,b,1 B/s,0 s\n", directed=True)] == [True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "lab.csv:1: an empty line; allowed: source,target,rate,latency,loss,directed, the last two if wanted",
        ),
        ("source,target,rate\n", "lab.csv:1: a header without latency; allowed: source,"),
        (
            "source,target,rates,latency\n",
            "lab.csv:1: unknown column 'rates'; did you mean 'rate'? allowed: source,",
        ),
        ("source,target,rate,latency,rate\n", "lab.csv:1: column 'rate' comes twice; allowed: source,"),
        (HEADER, "lab.csv has no edges; at least one is needed"),
        (HEADER + "a,b,1 B/s\n", "lab.csv:2: 3 values; allowed: 4, as many as the header has"),
        (HEADER + "a,b,50,1 ms\n", "lab.csv:2: rate: 50 has no unit; write a quantity such as '50 MB/s'"),
        (HEADER + "a,b,1 MB/s,5\n", "lab.csv:2: latency: 5 has no unit; write a quantity such as '5 ms'"),
        (
            HEADER + "a,b,0 MB/s,5 ms\n",
            "lab.csv:2: rate: '0 MB/s' is zero; a data rate must be greater than 0",
        ),
        (
            HEADER + "a,b,1e40 MB/s,5 ms\n",
            "lab.csv:2: rate: '1e40 MB/s' is too large; a data rate must be from 0.01 B/s to 1e18 B/s here",
        ),
        (
            HEADER + "a,b,1 MB/s,1e300 s\n",
            "lab.csv:2: latency: '1e300 s' is too large; a time must be from 0 s to 1e9 s here",
        ),
        (HEADER + "a,b,,5 ms\n", "lab.csv:2: rate: '' is not a quantity; write a quantity"),
        (
            HEADER + "a,a,1 MB/s,5 ms\n",
            "lab.csv:2: an edge from 'a' to itself; allowed: edges between two nodes",
        ),
        (
            HEADER + ",a,1 MB/s,5 ms\n",
            "lab.csv:2: source: ''; allowed: a node's name, in which '->' does not occur",
        ),
        (HEADER + "a,b->c,1 MB/s,5 ms\n", "lab.csv:2: target: 'b->c'; allowed: a node's name"),
        (HEADER + 'a,"b,1 MB/s,5 ms\n', "lab.csv:2: unexpected end of data; allowed: CSV with commas"),
        (HEADER.encode() + b"a,\xff,1 B/s,0 s\n", "lab.csv is not UTF-8 text; allowed: a text file"),
    ],
)
def test_a_wrong_edge_list_is_refused_at_its_line(refused, text, message):
    assert refused(text).startswith(message)


@pytest.mark.parametrize("loss", ["1", "1.5", "-0.1", "nan", "inf", "1 %", "some"])
def test_a_loss_is_a_share_below_1(refused, loss):
    message = refused(f"source,target,rate,latency,loss\na,b,1 B/s,0 s,{loss}\n")
    assert message.startswith(
        f"lab.csv:2: loss: {loss}" if loss[-1].isdigit() or loss in "naninf" else "lab.csv:2: "
    )
    assert message.endswith("allowed: a number of at least 0 and below 1, such as 0.01")


def test_a_wrong_direction_is_refused(refused):
    message = refused("source,target,rate,latency,directed\na,b,1 B/s,0 s,yes\n")
    assert message == "lab.csv:2: directed: 'yes'; allowed: true, false"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"lab.csv cannot be read \(no such file or directory, looked at .*lab.csv\);"
    ):
        read_edges(tmp_path / "lab.csv", "lab.csv")


def test_graphml_gives_edges_that_lead_as_the_file_says(read):
    edges = [("ap-0", "server", {**GOOD, "loss": "0.1"}), ("ap-1", "ap-0", GOOD)]
    place = "lab.graphml: edge 'ap-0' to 'server'"
    first, second = read(graphml(edges), "lab.graphml")
    assert first == Edge("ap-0", "server", 50e6, 0.005, 0.1, directed=False, place=place)
    assert second.loss == 0
    assert [edge.directed for edge in read(graphml(edges, default="directed"), "lab.graphml")] == [True, True]


def test_graphml_defaults_count_and_what_networkx_writes_is_read(read, tmp_path):
    keys = (("rate=1 MB/s", "string"), ("latency", "string"))
    (edge,) = read(graphml([("a", "b", {"latency": "1 s"})], keys), "lab.graphml")
    assert edge.bytes_per_s == 1e6
    graph = nx.DiGraph()
    graph.add_edge("a", "b", rate="2 MB/s", latency="0 s", loss=0.25, weight=3.5, label="fibre")
    nx.write_graphml(graph, tmp_path / "written.graphml")
    (edge,) = read_edges(tmp_path / "written.graphml", "written.graphml")
    assert (edge.bytes_per_s, edge.loss, edge.directed) == (2e6, 0.25, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<graphml", "lab.graphml:1:1: unclosed token; allowed: GraphML, which is XML"),
        ("<svg/>", "lab.graphml: "),
        (graphml([]), "lab.graphml has no edges; at least one is needed"),
        (
            graphml([("a", "b", {"latency": "1 s"})]),
            "lab.graphml: edge 'a' to 'b': no rate; every edge needs a rate and a latency",
        ),
        (
            graphml(
                [("a", "b", {"rate": "50", "latency": "1 s"})], (("rate", "double"), ("latency", "string"))
            ),
            "lab.graphml: edge 'a' to 'b': rate: 50.0 has no unit; write a quantity such as '50 MB/s'",
        ),
        (
            graphml([("a", "b", {**GOOD, "rate": "1e-3 B/s"})]),
            "lab.graphml: edge 'a' to 'b': rate: '1e-3 B/s' is too small; a data rate must be from 0.01 B/s",
        ),
        (
            graphml([("a", "b", {**GOOD, "Loss": "0.1"})], [(key, "string") for key in (*GOOD, "Loss")]),
            "lab.graphml: edge 'a' to 'b': unknown attribute 'Loss'; did you mean 'loss'? allowed: rate, latency, loss",
        ),
        (
            graphml([("a", "b", {**GOOD, "loss": "2"})]),
            "lab.graphml: edge 'a' to 'b': loss: 2; allowed: a number",
        ),
        (
            graphml([("a", "b", {"speed": "2"})]),
            "lab.graphml: Bad GraphML data: no key speed; allowed: GraphML",
        ),
        (
            graphml([("a", "b", GOOD)]).replace("<edge ", '<edge directed="true" '),
            "lab.graphml: directed=true edge found in undirected graph.; allowed: GraphML",
        ),
    ],
)
def test_wrong_graphml_is_refused_at_its_edge(refused, text, message):
    assert refused(text, "lab.graphml").startswith(message)


def test_parallel_edges_are_all_read(read):
    """Whoever builds the network refuses them: here none may get lost."""
    assert len(read(graphml([("a", "b", GOOD), ("b", "a", GOOD)]), "lab.graphml")) == 2

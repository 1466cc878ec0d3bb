"""One iteration as a graph of tasks, written from the description of the method and not from our legs.

The third opinion on the timeline: it reads block costs and device numbers alone, and leaves the arithmetic of
paths to networkx.
"""

from collections.abc import Sequence

import networkx as nx

from devices.fleet import Device, Fleet
from models.split import VISITS, ChainCosts, Cut, ModelCosts, Phase, phases_of

# The method's passes: which network, which way, and with which gradients.
CROSSINGS = (
    ("g", "forward"),
    ("d", "forward"),
    ("d", "backward"),
    ("d", "forward"),
    ("d", "backward"),
    ("d", "forward"),
    ("d", "input_gradient"),
    ("g", "backward"),
)
PHASE_ENDS = dict(zip(phases_of(VISITS), (0, 2, 4, 6, 7), strict=True))
"""The crossing whose last client work ends each phase."""


class LegGraph:
    """The tasks of one iteration; ``finish_s`` and ``phase_end_s`` are lengths of longest paths."""

    def __init__(self, costs: ModelCosts, fleet: Fleet, batches: Sequence[int], cuts: Sequence[Cut]) -> None:
        self._chains = {"g": costs.generator, "d": costs.discriminator}
        self._fleet, self._batches, self._cuts = fleet, batches, cuts
        self.graph = nx.DiGraph()
        self.graph.add_node("start", seconds=0.0)
        self._server()
        for client in range(len(batches)):
            self._client(client)
        self.finish_s = self._finish_times()

    @property
    def latency_s(self) -> float:
        for before, after in self.graph.edges:
            self.graph.edges[before, after]["weight"] = self.graph.nodes[after]["seconds"]
        return float(nx.dag_longest_path_length(self.graph))

    @property
    def phase_end_s(self) -> dict[Phase, float]:
        clients = range(len(self._batches))
        return {
            phase: max(self.finish_s["leave", number, client] for client in clients)
            for phase, number in PHASE_ENDS.items()
        }

    def _task(self, name, seconds: float, *after) -> None:
        self.graph.add_node(name, seconds=seconds)
        self.graph.add_edges_from((before, name) for before in after)

    def _ends(self, client: int, network: str) -> tuple[int, int]:
        cut = self._cuts[client]
        return (cut.g_head, cut.g_tail) if network == "g" else (cut.d_head, cut.d_tail)

    def _server(self) -> None:
        before = "start"
        for number, (network, way) in enumerate(CROSSINGS):
            chain = self._chains[network]
            blocks = range(len(chain.blocks)) if way == "forward" else range(len(chain.blocks) - 1, -1, -1)
            for index in blocks:
                rows = 0
                for client, batch in enumerate(self._batches):
                    head, tail = self._ends(client, network)
                    rows += batch * (head <= index < len(chain.blocks) - tail)
                if rows:
                    seconds = work_seconds(self._fleet.server, chain, [index], way, rows)
                    self._task(("server", number, index), seconds, before)
                    before = ("server", number, index)

    def _client(self, client: int) -> None:
        device, server, batch = self._fleet.clients[client], self._fleet.server, self._batches[client]
        before = "start"
        for number, (network, way) in enumerate(CROSSINGS):
            chain = self._chains[network]
            blocks = chain.blocks
            head, tail = self._ends(client, network)
            heads, tails = list(range(head)), list(range(len(blocks) - tail, len(blocks)))
            edges = [head - 1, len(blocks) - tail - 1]  # blocks whose outputs, or their gradients, are sent
            ends = [heads, tails]
            middle = [head, len(blocks) - tail - 1]  # first and last block of the server
            if way != "forward":
                edges, ends, middle = edges[::-1], ends[::-1], middle[::-1]
            send_s = message_seconds(device, server, blocks[edges[0]].output_bytes * batch)
            receive_s = message_seconds(server, device, blocks[edges[1]].output_bytes * batch)
            self._task(("enter", number, client), work_seconds(device, chain, ends[0], way, batch), before)
            self._task(("send", number, client), send_s, ("enter", number, client))
            self.graph.add_edge(("send", number, client), ("server", number, middle[0]))
            self._task(("receive", number, client), receive_s, ("server", number, middle[1]))
            leave_s = work_seconds(device, chain, ends[1], way, batch)
            self._task(("leave", number, client), leave_s, ("receive", number, client))
            before = ("leave", number, client)

    def _finish_times(self) -> dict:
        finish_s = {}
        for task in nx.topological_sort(self.graph):
            begin_s = max((finish_s[before] for before in self.graph.predecessors(task)), default=0.0)
            finish_s[task] = begin_s + self.graph.nodes[task]["seconds"]
        return finish_s


def work_seconds(device: Device, chain: ChainCosts, blocks: list[int], way: str, rows: int) -> float:
    """Roofline over the blocks together; parameters are read once a batch, and their gradients written."""
    costs = [chain.blocks[index] for index in blocks]
    flops = rows * sum(getattr(cost, f"{way}_flops") for cost in costs)
    touched = rows * sum(getattr(cost, f"{way}_touched_bytes") for cost in costs)
    touched += sum(cost.parameter_bytes for cost in costs) * (2 if way == "backward" else 1)
    calls = sum(cost.forward_kernels if way == "forward" else cost.backward_kernels for cost in costs)
    seconds = flops / device.profile.rate_flops_per_s
    if device.profile.memory_bandwidth_bytes_per_s is not None:
        seconds = max(seconds, touched / device.profile.memory_bandwidth_bytes_per_s)
    return seconds + calls * device.profile.kernel_overhead_s


def message_seconds(source: Device, target: Device, n_bytes: float) -> float:
    rate = min(source.profile.uplink_bytes_per_s, target.profile.downlink_bytes_per_s)
    return source.profile.latency_s + target.profile.latency_s + n_bytes / rate

"""All copies of one network in a split run: each client's own blocks, and the server's copy of every middle block.

The forward and backward pass are played leg by leg, as on the wire: what crosses between a client and the
server is cut off from the autograd graph on the sending side, and the gradient that comes back is fed in by
hand. A client's head and tail are its own; a block on the server runs once on the joined rows of all clients
that do not hold it, so that they share its weights, its gradients (summed over clients) and its BatchNorm
statistics (docs/model.md, section 8).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from models.architecture import Network
from models.build import build_network

ADAM_BETAS = (0.5, 0.999)
"""Adam's decay rates (docs/model.md, section 8)."""

Inputs = Mapping[int, tuple[Tensor, Tensor]]
"""Each client's rows and their labels."""

State = Mapping[str, Tensor]
"""Parameters and statistics by name."""


@dataclass
class Tape:
    """What one forward pass left behind, for its backward pass.

    Attributes:
        inputs: each client's rows, as fed to its head.
        outputs: each client's result, at the end of its tail.
        core: each client's rows at the output of the core block, on the server.
    """

    inputs: dict[int, Tensor]
    outputs: dict[int, Tensor] = field(default_factory=dict)
    core: dict[int, Tensor] = field(default_factory=dict)
    head_ends: dict[int, Tensor] = field(default_factory=dict)
    server_starts: dict[int, Tensor] = field(default_factory=dict)
    server_ends: dict[int, Tensor] = field(default_factory=dict)
    tail_starts: dict[int, Tensor] = field(default_factory=dict)

    def backward(self, output_gradients: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Carry gradients back through tails, server and heads, accumulating them on the parameters.

        Args:
            output_gradients: the gradient at each returning client's output; the rows of the others count as zero.

        Returns:
            The gradients at the returning clients' inputs, where those require one.
        """
        back = sorted(output_gradients)
        if not back:
            return {}
        for client in back:
            torch.autograd.backward(self.outputs[client], output_gradients[client])
        torch.autograd.backward(
            [self.server_ends[client] for client in back],
            [_gradient(self.tail_starts[client]) for client in back],
        )
        for client in back:
            if self.head_ends[client].requires_grad:
                torch.autograd.backward(self.head_ends[client], _gradient(self.server_starts[client]))
        wanted = (client for client in back if self.inputs[client].requires_grad)
        return {client: _gradient(self.inputs[client]) for client in wanted}


class Ensemble:
    """Every copy of one network's blocks, and an Adam optimiser for each holder.

    Args:
        network: the network's description.
        cuts: each client's ``(head, tail)`` lengths in blocks.
        keys: each client's key for the initial weights; equal keys give equal weights.
        server_key: the server's.
        learning_rate: Adam's.
        dtype: of parameters and activations.
        device: where all of it lives.
    """

    def __init__(
        self,
        network: Network,
        cuts: Sequence[tuple[int, int]],
        keys: Sequence[int],
        server_key: int,
        learning_rate: float,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.network = network
        self.length = len(network.blocks)
        self.cuts = tuple(cuts)
        self._place = _Placement(network, dtype, torch.device(device))
        self._server_key, self._learning_rate = server_key, learning_rate
        self.server = self._place.blocks(server_key, range(1, self.length - 1))
        self.own = [self._place.blocks(key, self._held(*cut)) for cut, key in zip(cuts, keys, strict=True)]
        self._server_adam = _adam(self.server, learning_rate)
        self._adam = [_adam(blocks, learning_rate) for blocks in self.own]
        self._settled: list[dict[int, State]] = [{} for _ in self.own]

    def forward(self, inputs: Inputs) -> Tape:
        """Run the clients' rows through heads, the server's joined middle, and tails."""
        clients = sorted(inputs)
        tape = Tape({client: inputs[client][0] for client in clients})
        for client in clients:
            rows, labels = inputs[client]
            head = range(self.cuts[client][0])
            tape.head_ends[client] = self._run(self.own[client], head, rows, labels)
            tape.server_starts[client] = tape.head_ends[client].detach().requires_grad_()
        self._cross_server(clients, tape)
        for client in clients:
            tape.tail_starts[client] = tape.server_ends[client].detach().requires_grad_()
            tail = range(self.length - self.cuts[client][1], self.length)
            tape.outputs[client] = self._run(self.own[client], tail, tape.tail_starts[client], None)
        return tape

    def _cross_server(self, clients: Sequence[int], tape: Tape) -> None:
        """Run every middle block on the joined rows of the clients that do not hold it."""
        rows = dict(tape.server_starts)
        members: list[int] = []
        for block in range(1, self.length - 1):
            before = members
            members = [client for client in clients if block not in self._held(*self.cuts[client])]
            if not members:
                continue
            if members != before:
                joined = torch.cat([rows[client] for client in members])
            joined = self.server[block](joined)
            rows.update(zip(members, joined.split([len(rows[client]) for client in members]), strict=True))
            if block == self.network.core:
                tape.core = dict(rows)
        tape.server_ends = rows

    @staticmethod
    def _run(
        blocks: Mapping[int, nn.Module], which: Iterable[int], rows: Tensor, labels: Tensor | None
    ) -> Tensor:
        for block in which:
            rows = blocks[block](rows, labels) if block == 0 else blocks[block](rows)
        return rows

    def _held(self, head: int, tail: int) -> tuple[int, ...]:
        """Return the blocks a client with this cut holds."""
        return (*range(head), *range(self.length - tail, self.length))

    def zero_gradients(self) -> None:
        """Forget all gradients."""
        for adam in (self._server_adam, *self._adam):
            adam.zero_grad(set_to_none=True)

    def step(self, clients: Iterable[int]) -> None:
        """Take one Adam step on the server's blocks and on these clients' own."""
        self._server_adam.step()
        for client in clients:
            self._adam[client].step()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Run forward passes that ask for no parameter gradients, only for those of the inputs."""
        parameters = [parameter for module in self.modules() for parameter in module.parameters()]
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in parameters:
                parameter.requires_grad_()

    def settle(self, client: int, block: int, state: State) -> None:
        """Have a client's block take over a state, and keep that for the case that the client loses everything.

        Args:
            client: whose block.
            block: which one; the client holds it.
            state: parameters and statistics, which nobody changes from now on. Not a copy is kept.
        """
        self.own[client][block].load_state_dict(dict(state))
        self._settled[client][block] = state

    def restore(self, client: int) -> None:
        """Give a client that has lost everything the segments that were last settled, and a fresh optimiser.

        What was never settled begins with the initial weights of the server's key.
        """
        own = self.own[client]
        unsettled = [block for block in own if block not in self._settled[client]]
        initial = self._place.blocks(self._server_key, unsettled) if unsettled else {}
        for block, module in own.items():
            state = initial[block].state_dict() if block in initial else self._settled[client][block]
            module.load_state_dict(dict(state))
        self._adam[client] = _adam(own, self._learning_rate)

    def recut(self, cuts: Sequence[tuple[int, int]]) -> None:
        """Have clients hold other blocks from now on.

        A block that moves to a client is a copy of the server's, its optimiser fresh; one that leaves a client is
        dropped. All others, and the server's, stay as they are, their optimisers too.

        Args:
            cuts: each client's ``(head, tail)`` lengths in blocks.

        Raises:
            ValueError: There is not one cut for every client, or one leaves a client without an end or takes the core.
        """
        if len(cuts) != len(self.own):
            raise ValueError(f"{len(cuts)} cuts for {len(self.own)} clients; needed: one each")
        longest = (self.network.core, self.length - 1 - self.network.core)
        for client, ends in enumerate(cuts):
            if not all(1 <= end <= most for end, most in zip(ends, longest, strict=True)):
                most = f"a head of 1 to {longest[0]} blocks and a tail of 1 to {longest[1]}"
                raise ValueError(f"client {client} is cut {tuple(ends)}; allowed: {most}")
        for client, ends in enumerate(cuts):
            self._hold(client, self._held(*ends))
        self.cuts = tuple((head, tail) for head, tail in cuts)

    def _hold(self, client: int, blocks: Sequence[int]) -> None:
        """Have a client hold just these blocks; those it has not held before are copies of the server's."""
        own, settled = self.own[client], self._settled[client]
        if sorted(own) == sorted(blocks):
            return
        for block in blocks:
            if block not in own:
                own[block] = copy.deepcopy(self.server[block])
                own[block].zero_grad(set_to_none=True)
                settled[block] = {name: t.detach().clone() for name, t in own[block].state_dict().items()}
        for block in set(own) - set(blocks):
            del own[block]
            settled.pop(block, None)
        own = self.own[client] = {block: own[block] for block in sorted(own)}
        before, self._adam[client] = self._adam[client], _adam(own, self._learning_rate)
        for parameter in self._adam[client].param_groups[0]["params"]:
            if parameter in before.state:
                self._adam[client].state[parameter] = before.state[parameter]

    def modules(self) -> list[nn.Module]:
        """Return every copy of every block: the server's, then each client's."""
        return [block for blocks in (self.server, *self.own) for block in blocks.values()]

    def composite(self, client: int) -> tuple[nn.Module, ...]:
        """Return the whole network as a client sees it: its own blocks, and the server's where it holds none."""
        own = self.own[client]
        return tuple(own.get(block) or self.server[block] for block in range(self.length))

    @torch.no_grad()
    def evaluate(self, client: int, rows: Tensor, labels: Tensor) -> Tensor:
        """Run a client's composite in evaluation mode, without a graph."""
        blocks = self.composite(client)
        for block in blocks:
            block.eval()
        try:
            for index, block in enumerate(blocks):
                rows = block(rows, labels) if index == 0 else block(rows)
        finally:
            for block in blocks:
                block.train()
        return rows

    def state(self) -> dict[str, Tensor]:
        """Return all parameters and statistics of all copies, by stable names."""
        holders = {"server": self.server} | {f"client-{k}": blocks for k, blocks in enumerate(self.own)}
        return {
            f"{holder}.block-{block}.{name}": tensor
            for holder, blocks in holders.items()
            for block, module in blocks.items()
            for name, tensor in module.state_dict().items()
        }


@dataclass(frozen=True)
class _Placement:
    """How blocks are made: from which description, in which precision, on which device."""

    network: Network
    dtype: torch.dtype
    device: torch.device

    def blocks(self, key: int, which: Iterable[int]) -> dict[int, nn.Module]:
        """Initialise a whole network from a key and keep some of its blocks: the same key, the same weights."""
        modules = build_network(self.network, key).to(device=self.device, dtype=self.dtype)
        if self.device.type == "cpu":
            # Convolution kernels of CPUs want the channels of a pixel side by side; outputs follow the weights.
            convert_conv2d_weight_memory_format(modules, torch.channels_last)
        return {index: modules[index] for index in which}


def _adam(blocks: Mapping[int, nn.Module], learning_rate: float) -> torch.optim.Adam:
    parameters = [parameter for block in blocks.values() for parameter in block.parameters()]
    return torch.optim.Adam(parameters, lr=learning_rate, betas=ADAM_BETAS, fused=True)


def _gradient(leaf: Tensor) -> Tensor:
    """Return the gradient that has arrived at a leaf."""
    if leaf.grad is None:
        raise RuntimeError("no gradient has arrived at this leaf: its pass has not been played back")
    return leaf.grad

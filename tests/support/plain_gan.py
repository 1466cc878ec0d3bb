"""The split GAN a second time, in plain PyTorch: blocks from ``torch.nn`` and one autograd graph, no legs.

Nothing here calls the code it is compared with. Weights are copied over by position, so every copy of a block
keeps its own.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rows = dict[int, Tensor]


class WithLabel(nn.Module):
    """A block that appends an embedded label along the first dimension."""

    def __init__(self, classes: int, shape: tuple[int, ...], *rest: nn.Module) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(classes, int(torch.tensor(shape).prod()))
        self.rest = nn.Sequential(*rest)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return self.rest(torch.cat([x, self.embedding(labels).view(len(x), *self.shape)], dim=1))


def generator_blocks(width: int, channels: int = 1, side: int = 28, classes: int = 10) -> list[nn.Module]:
    w, w2, w4, s = width, 2 * width, 4 * width, side // 4
    linear = nn.Linear(100 + classes, w4 * s * s)
    shaped = nn.Unflatten(1, (w4, s, s))
    first = WithLabel(classes, (classes,), linear, nn.BatchNorm1d(w4 * s * s), nn.ReLU(), shaped)
    return [
        first,
        nn.Sequential(nn.ConvTranspose2d(w4, w2, 4, 2, 1), nn.BatchNorm2d(w2), nn.ReLU()),
        nn.Sequential(nn.ConvTranspose2d(w2, w2, 3, 1, 1), nn.BatchNorm2d(w2), nn.ReLU()),
        nn.Sequential(nn.ConvTranspose2d(w2, w, 4, 2, 1), nn.BatchNorm2d(w), nn.ReLU()),
        nn.Sequential(nn.ConvTranspose2d(w, channels, 3, 1, 1), nn.Tanh()),
    ]


def discriminator_blocks(width: int, channels: int = 1, side: int = 28, classes: int = 10) -> list[nn.Module]:
    w, w2, w4 = width, 2 * width, 4 * width
    first = nn.Conv2d(channels + 1, w, 4, 2, 1)
    return [
        WithLabel(classes, (1, side, side), first, nn.BatchNorm2d(w), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.Conv2d(w, w2, 4, 2, 1), nn.BatchNorm2d(w2), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.Conv2d(w2, w2, 3, 1, 1), nn.BatchNorm2d(w2), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.Conv2d(w2, w4, 4, 2, 1), nn.BatchNorm2d(w4), nn.LeakyReLU(0.2)),
        nn.Sequential(nn.Flatten(), nn.Linear(w4 * (side // 8) ** 2, 1), nn.Sigmoid()),
    ]


def copy_state(source: nn.Module, target: nn.Module) -> None:
    """Copy parameters and statistics by position."""
    theirs, ours = list(source.state_dict().values()), target.state_dict()
    assert [t.shape for t in theirs] == [t.shape for t in ours.values()]
    target.load_state_dict(dict(zip(ours, (t.detach().clone() for t in theirs), strict=True)))


def assert_same_state(came: nn.Module, wanted: nn.Module, **tolerances: float) -> None:
    pairs = zip(came.state_dict().values(), wanted.state_dict().values(), strict=True)
    for mine, plain in pairs:
        torch.testing.assert_close(mine, plain, **tolerances)


def assert_same_but_for_rounding(came: nn.Module, wanted: nn.Module, step: float) -> None:
    """Compare states after steps of Adam: a hundredth of a step at most, a hundred-thousandth on average.

    Where a gradient is itself of the size of Adam's epsilon, rounding comes out as a visible part of a step. What is
    exactly equal before the optimiser is compared by gradients, which are much tighter.
    """
    for mine, plain in zip(came.state_dict().values(), wanted.state_dict().values(), strict=True):
        difference = (mine - plain).abs().double()
        assert float(difference.max()) <= 1e-2 * step
        assert float(difference.mean()) <= 1e-5 * step


def assert_same_gradients(came: nn.Module, wanted: nn.Module, **tolerances: float) -> None:
    for mine, plain in zip(came.parameters(), wanted.parameters(), strict=True):
        assert (mine.grad is None) == (plain.grad is None)
        if plain.grad is not None:
            torch.testing.assert_close(mine.grad, plain.grad, **tolerances)


class PlainComposite:
    """Clients' own blocks and shared blocks as one graph: block by block, every client in lock step.

    ``make_blocks`` returns a fresh list of all blocks; ``cuts`` are each client's (head, tail) lengths.
    """

    def __init__(self, make_blocks, cuts: Sequence[tuple[int, int]]) -> None:
        self.length = len(make_blocks())
        self.shared = {b: block.double() for b, block in enumerate(make_blocks()) if 0 < b < self.length - 1}
        self.own = []
        for head, tail in cuts:
            blocks = make_blocks()
            held = [b for b in range(self.length) if b < head or b >= self.length - tail]
            self.own.append({b: blocks[b].double() for b in held})

    def copies(self) -> dict[tuple[int, int], nn.Module]:
        """All copies by (client, block); the shared ones under client -1."""
        holders = [(-1, self.shared), *enumerate(self.own)]
        return {(holder, b): module for holder, blocks in holders for b, module in blocks.items()}

    def take_weights_of(self, ensemble) -> None:
        for (holder, b), module in self.copies().items():
            copy_state((ensemble.server if holder < 0 else ensemble.own[holder])[b], module)

    def pairs_with(self, ensemble):
        for (holder, b), module in self.copies().items():
            yield (ensemble.server if holder < 0 else ensemble.own[holder])[b], module

    def forward(self, inputs: Mapping[int, Tensor], labels: Mapping[int, Tensor]) -> Rows:
        rows = dict(inputs)
        for b in range(self.length):
            outside = [k for k in sorted(rows) if b not in self.own[k]]
            for k in sorted(rows):
                if k not in outside:
                    block = self.own[k][b]
                    rows[k] = block(rows[k], labels[k]) if b == 0 else block(rows[k])
            if outside:
                joined = self.shared[b](torch.cat([rows[k] for k in outside]))
                start = 0
                for k in outside:
                    rows[k] = joined[start : start + len(rows[k])]
                    start += len(rows[k])
        return rows

    def adams(self, learning_rate: float) -> list[torch.optim.Adam]:
        """One optimiser per holder: the shared blocks' first, then each client's."""
        return [
            torch.optim.Adam(
                [p for block in blocks.values() for p in block.parameters()],
                lr=learning_rate,
                betas=(0.5, 0.999),
            )
            for blocks in (self.shared, *self.own)
        ]


def bce_sum(judged: Mapping[int, Tensor], clients: Sequence[int], target: float) -> Tensor:
    """Sum over clients of the mean binary cross-entropy of a client's rows."""
    losses = [F.binary_cross_entropy(judged[k], torch.full_like(judged[k], target)) for k in clients]
    return torch.stack(losses).sum()


class PlainGan:
    """Both composites and the training step, written out in one graph per network."""

    def __init__(self, width: int, g_cuts, d_cuts, learning_rate: float) -> None:
        self.g = PlainComposite(lambda: generator_blocks(width), g_cuts)
        self.d = PlainComposite(lambda: discriminator_blocks(width), d_cuts)
        self.g_adams = self.g.adams(learning_rate)
        self.d_adams = self.d.adams(learning_rate)

    def take_weights_of(self, generator, discriminator) -> None:
        self.g.take_weights_of(generator)
        self.d.take_weights_of(discriminator)

    def step(self, images: Rows, labels: Rows, latent: Rows, passes=None) -> tuple[float, float]:
        """One iteration; returns the mean losses of discriminator and generator.

        ``passes`` names for each of the four passes who was in the forward batch and who came back; everybody,
        unless stated. What a lost client would have sent back is nothing: its fakes get no gradient.
        """
        everybody = sorted(images)
        made_in, fake_in, real_in, serve_in = passes or [(everybody, everybody)] * 4
        made = self.g.forward({k: latent[k] for k in made_in[0]}, labels)

        _zero(self.d_adams)
        judged = self.d.forward({k: made[k].detach() for k in fake_in[0]}, labels)
        fake_loss = bce_sum(judged, fake_in[1], target=0.0)
        judged = self.d.forward({k: images[k] for k in real_in[0]}, labels)
        real_loss = bce_sum(judged, real_in[1], target=1.0)
        (fake_loss + real_loss).backward()
        _step(self.d_adams, [k for k in everybody if k in fake_in[1] and k in real_in[1]])

        _zero(self.g_adams)
        returning = [k for k in everybody if k in made_in[1] and k in serve_in[1]]
        fakes = {k: made[k] if k in returning else made[k].detach() for k in serve_in[0]}
        g_loss = bce_sum(self.d.forward(fakes, labels), serve_in[1], target=1.0)
        g_loss.backward()
        _step(self.g_adams, returning)
        d_loss = fake_loss.item() / len(fake_in[1]) + real_loss.item() / len(real_in[1])
        return d_loss, g_loss.item() / len(serve_in[1])


def _zero(adams: Sequence[torch.optim.Adam]) -> None:
    for adam in adams:
        adam.zero_grad(set_to_none=True)


def _step(adams: Sequence[torch.optim.Adam], clients: Sequence[int]) -> None:
    adams[0].step()
    for k in clients:
        adams[1 + k].step()

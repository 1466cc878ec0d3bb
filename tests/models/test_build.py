import pytest
import torch
from torch import nn

from models.architecture import Block, Network, chain_blocks
from models.build import build_block, build_network
from models.cgan import cgan28
from models.layers import Activation, Convolution, LabelInput, Linear, Reshape

LABELS = torch.tensor([3, 0, 9])


def run(
    network: Network, modules: nn.ModuleList, x: torch.Tensor, labels: torch.Tensor
) -> list[torch.Tensor]:
    """Outputs of all blocks."""
    outputs = [modules[0](x, labels)]
    for module in list(modules)[1:]:
        outputs.append(module(outputs[-1]))
    assert len(outputs) == len(network.blocks)
    return outputs


def networks(width: int) -> list[tuple[Network, torch.Size]]:
    architecture = cgan28(width)
    return [(architecture.generator, (100,)), (architecture.discriminator, (1, 28, 28))]


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_outputs_have_the_described_shapes_and_the_inputs_type(width: int, dtype: torch.dtype) -> None:
    for network, shape in networks(width):
        modules = build_network(network, key=1).to(dtype)
        outputs = run(network, modules, torch.zeros(3, *shape, dtype=dtype), LABELS)
        assert [tuple(y.shape) for y in outputs] == [(3, *block.output_shape) for block in network.blocks]
        assert {y.dtype for y in outputs} == {dtype}


def test_eval_mode_takes_a_batch_of_one_and_gives_what_it_gives_in_a_larger_batch() -> None:
    for network, shape in networks(2):
        modules = build_network(network, key=1).double().eval()
        x = torch.linspace(-1, 1, 3 * int(torch.Size(shape).numel()), dtype=torch.float64).reshape(3, *shape)
        together = run(network, modules, x, LABELS)[-1]
        alone = run(network, modules, x[1:2], LABELS[1:2])[-1]
        torch.testing.assert_close(alone, together[1:2])


def test_generator_ends_in_tanh_and_discriminator_in_a_probability() -> None:
    architecture = cgan28(2)
    loud = 1e4 * torch.ones(3, 100)
    images = run(architecture.generator, build_network(architecture.generator, 1), loud, LABELS)[-1]
    assert images.abs().max() <= 1
    assert isinstance(list(build_network(architecture.generator, 1)[4].children())[-1], nn.Tanh)
    discriminator = build_network(architecture.discriminator, 1)
    probabilities = run(architecture.discriminator, discriminator, images, LABELS)[-1]
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert isinstance(list(discriminator[4].children())[-1], nn.Sigmoid)


def test_labels_change_the_output() -> None:
    for network, shape in networks(2):
        modules = build_network(network, key=1).eval()
        x = torch.zeros(2, *shape)
        y = run(network, modules, x, torch.tensor([1, 2]))[0]
        assert not torch.equal(y[0], y[1])


def test_state_names_are_simple_and_fixed() -> None:
    architecture = cgan28(1)
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    expected = [
        "0.label.embedding.weight",
        "0.linear.weight",
        "0.linear.bias",
        *[f"0.norm.{n}" for n in norm],
    ]
    for block in (1, 2, 3):
        expected += [f"{block}.conv.weight", f"{block}.conv.bias", *[f"{block}.norm.{name}" for name in norm]]
    expected += ["4.conv.weight", "4.conv.bias"]
    assert list(build_network(architecture.generator, 0).state_dict()) == expected
    names = list(build_network(architecture.discriminator, 0).state_dict())
    assert names[:3] == ["0.label.embedding.weight", "0.conv.weight", "0.conv.bias"]
    assert names[-2:] == ["4.linear.weight", "4.linear.bias"]


def test_a_second_layer_of_a_kind_gets_a_number() -> None:
    block = Block("X", (4,), (Linear(3), Activation("tanh"), Linear(2), Activation("sigmoid")))
    assert list(build_block(block).state_dict()) == [
        "linear.weight",
        "linear.bias",
        "linear_2.weight",
        "linear_2.bias",
    ]


def test_initialisation_depends_on_the_key_alone() -> None:
    network = cgan28(2).discriminator
    torch.manual_seed(1)
    first = build_network(network, key=5).state_dict()
    torch.manual_seed(2)
    second = build_network(network, key=5).state_dict()
    other = build_network(network, key=6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["1.conv.weight"], other["1.conv.weight"])


def test_the_global_random_state_stays_as_it_was() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    build_network(cgan28(1).generator, key=5)
    build_block(cgan28(1).discriminator.blocks[0], key=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_initialisation_is_pytorchs_default() -> None:
    """The same constructors in the same order under the same seed give the same numbers."""
    modules = build_network(cgan28(2).discriminator, key=7)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        embedding, conv = nn.Embedding(10, 784), nn.Conv2d(2, 2, 4, 2, 1)
        second = nn.Conv2d(2, 4, 4, 2, 1)
    state = modules.state_dict()
    assert torch.equal(state["0.label.embedding.weight"], embedding.weight)
    assert torch.equal(state["0.conv.weight"], conv.weight)
    assert torch.equal(state["0.conv.bias"], conv.bias)
    assert torch.equal(state["1.conv.weight"], second.weight)
    assert torch.equal(state["0.norm.weight"], torch.ones(2))
    assert torch.equal(state["0.norm.running_var"], torch.ones(2))


@pytest.mark.parametrize("key", [-1, 2**64])
def test_keys_out_of_range_are_refused(key: int) -> None:
    with pytest.raises(ValueError, match="initialisation key"):
        build_network(cgan28(1).generator, key)


def test_the_largest_key_is_allowed() -> None:
    build_block(cgan28(1).generator.blocks[0], key=2**64 - 1)


def test_only_first_blocks_take_labels() -> None:
    first, second = cgan28(1).generator.blocks[:2]
    with pytest.raises(TypeError, match="G1 takes x and labels"):
        build_block(first)(torch.zeros(2, 100))
    with pytest.raises(TypeError, match="G2 takes x alone"):
        build_block(second)(torch.zeros(2, *second.input_shape), LABELS[:2])


def test_leaky_relu_uses_its_slope() -> None:
    block = Block("X", (2,), (Activation("leaky_relu", slope=0.25),))
    assert build_block(block)(torch.tensor([[-4.0, 4.0]])).tolist() == [[-1.0, 4.0]]


def test_a_hand_made_chain_of_seven_blocks_runs() -> None:
    layers = (
        (LabelInput(4, (2, 6, 6)), Convolution(3, 3, 1, 1)),
        *[(Activation("relu"), Convolution(3, 3, 1, 1))] * 5,
        (Reshape((108,)), Linear(1), Activation("sigmoid")),
    )
    network = Network("discriminator", chain_blocks("B", (1, 6, 6), layers))
    outputs = run(network, build_network(network, 0), torch.zeros(2, 1, 6, 6), torch.tensor([0, 3]))
    assert outputs[-1].shape == (2, 1)

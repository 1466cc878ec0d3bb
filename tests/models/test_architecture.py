import dataclasses
import subprocess
import sys

import pytest
from pydantic import ValidationError

from models.architecture import Architecture, Block, Network, chain_blocks
from models.cgan import cgan28
from models.layers import Activation, BatchNorm, Convolution, LabelInput, Linear, Reshape
from models.model_options import ModelOptions, build_architecture


def vector_network(blocks: int, **options: int) -> Network:
    """A discriminator-like chain of fully connected blocks on vectors of 4."""
    head = (LabelInput(3, (2,)), Linear(4))
    return Network(
        "discriminator", chain_blocks("B", (4,), (head, *[(Linear(4),)] * (blocks - 1))), **options
    )


def test_generator_shapes_follow_the_paper() -> None:
    shapes = [block.output_shape for block in cgan28().generator.blocks]
    assert shapes == [(256, 7, 7), (128, 14, 14), (128, 14, 14), (64, 28, 28), (1, 28, 28)]


def test_discriminator_shapes_follow_the_paper() -> None:
    shapes = [block.output_shape for block in cgan28().discriminator.blocks]
    assert shapes == [(64, 14, 14), (128, 7, 7), (128, 7, 7), (256, 3, 3), (1,)]


def test_label_embeddings_widen_the_first_main_layers_input() -> None:
    architecture = cgan28()
    assert architecture.generator.blocks[0].steps[1].input_shape == (110,)
    assert architecture.discriminator.blocks[0].steps[1].input_shape == (2, 28, 28)


@pytest.mark.parametrize("width", [1, 3, 16])
def test_width_scales_every_hidden_channel(width: int) -> None:
    narrow, paper = cgan28(width), cgan28(64)
    for network in ("generator", "discriminator"):
        for block, reference in zip(
            getattr(narrow, network).blocks, getattr(paper, network).blocks, strict=True
        ):
            hidden = reference.output_shape[0] > 1
            assert block.output_shape[0] * 64 == reference.output_shape[0] * (width if hidden else 64)
            assert block.output_shape[1:] == reference.output_shape[1:]


def test_options_choose_name_and_width() -> None:
    assert build_architecture(ModelOptions()) == cgan28(64)
    assert build_architecture(ModelOptions(width=5)) == cgan28(5)


@pytest.mark.parametrize("options", [{"width": 0}, {"width": 513}, {"name": "cgan99"}, {"depth": 3}])
def test_options_refuse_what_does_not_exist(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelOptions.model_validate(options)


def test_width_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="width is 0"):
        cgan28(0)


@pytest.mark.parametrize(("blocks", "core"), [(3, 1), (4, 2), (5, 2), (7, 3)])
def test_core_is_the_central_block_by_default(blocks: int, core: int) -> None:
    assert vector_network(blocks).core == core


def test_core_can_be_any_inner_block() -> None:
    assert [vector_network(5, core=core).core for core in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize("core", [0, 4, 5, -2])
def test_core_must_leave_a_head_and_a_tail(core: int) -> None:
    with pytest.raises(ValueError, match=rf"core is block {core}; allowed are 1 to 3"):
        vector_network(5, core=core)


def test_two_blocks_are_too_few_for_a_split() -> None:
    with pytest.raises(ValueError, match="has 2 blocks"):
        vector_network(2)


def test_blocks_of_a_chain_must_fit() -> None:
    blocks = vector_network(3).blocks
    stranger = Block("X", (9,), (Linear(4),))
    with pytest.raises(ValueError, match=r"X takes \(9,\), but B2 gives \(4,\)"):
        Network("generator", (*blocks[:2], stranger))


def test_only_the_first_block_takes_labels() -> None:
    plain = chain_blocks("P", (4,), ((Linear(4),),) * 3)
    with pytest.raises(ValueError, match="must begin with a LabelInput"):
        Network("generator", plain)
    with pytest.raises(ValueError, match="only be its first layer"):
        Block("X", (4,), (Linear(4), LabelInput(3, (2,))))


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(ValueError, match="X has no layers"):
        Block("X", (4,), ())


@pytest.mark.parametrize(
    ("input_shape", "layer", "message"),
    [
        ((1, 28, 28), Linear(3), "a linear layer takes one vector"),
        ((10,), Convolution(3, 3, 1, 1), "a convolution takes one image"),
        ((1, 2, 2), Convolution(3, 5, 1, 0), "leaves nothing"),
        ((4, 4), BatchNorm(), "batch normalisation takes"),
        ((10,), Reshape((3, 3)), "cannot be reshaped"),
        ((1, 28, 28), LabelInput(10, (1, 14, 14)), "cannot be appended"),
        ((10,), LabelInput(10, (1, 2, 5)), "cannot be appended"),
    ],
)
def test_layers_refuse_shapes_they_cannot_take(input_shape, layer, message) -> None:
    with pytest.raises(ValueError, match=f"block X: .*{message}"):
        Block("X", input_shape, (layer,))


def test_the_two_networks_of_an_architecture_must_fit() -> None:
    good = cgan28(2)
    with pytest.raises(ValueError, match=r"generator's input .* shape \(100,\); it must be \(99,\)"):
        dataclasses.replace(good, latent_size=99)
    with pytest.raises(ValueError, match=r"generator's output .* \(1,\); it must be \(1, 28, 28\)"):
        Architecture("odd", 2, 4, 3, (1, 28, 28), _vector_generator(), good.discriminator)


def _vector_generator() -> Network:
    layers = ((LabelInput(3, (2,)), Linear(4)), (Activation("relu"),), (Linear(1),))
    return Network("generator", chain_blocks("G", (4,), layers))


def test_descriptions_and_costs_need_no_torch() -> None:
    code = "import sys, models.cost, models.architecture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

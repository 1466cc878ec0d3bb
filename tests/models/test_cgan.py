"""The conditional GANs: shapes of every block, and what the general ones share with the paper's."""

import math

import pytest
import torch

from models.build import build_network
from models.cgan import cgan28, cgan32


@pytest.mark.parametrize(
    ("image_shape", "sides"),
    [((3, 32, 32), (8, 16, 16, 32)), ((3, 28, 28), (7, 14, 14, 28)), ((1, 32, 32), (8, 16, 16, 32))],
)
def test_a_generator_enlarges_a_quarter_of_the_side_twice(image_shape, sides):
    blocks = cgan32(5, image_shape, 8).generator.blocks
    channels = (20, 10, 10, 5)
    wanted = [(c, s, s) for c, s in zip(channels, sides, strict=True)]
    assert [block.output_shape for block in blocks] == [*wanted, image_shape]


@pytest.mark.parametrize(
    ("image_shape", "sides"),
    [((3, 32, 32), (16, 8, 8, 4)), ((3, 28, 28), (14, 7, 7, 3)), ((1, 32, 32), (16, 8, 8, 4))],
)
def test_a_discriminator_halves_the_side_three_times(image_shape, sides):
    blocks = cgan32(5, image_shape, 8).discriminator.blocks
    channels = (5, 10, 10, 20)
    wanted = [(c, s, s) for c, s in zip(channels, sides, strict=True)]
    assert [block.output_shape for block in blocks] == [*wanted, (1,)]


@pytest.mark.parametrize("classes", [2, 7, 26])
def test_the_label_is_one_channel_more_and_as_many_numbers_as_classes(classes):
    architecture = cgan32(4, (3, 28, 28), classes)
    assert architecture.classes == classes
    assert architecture.generator.blocks[0].steps[1].input_shape == (100 + classes,)
    assert architecture.discriminator.blocks[0].steps[1].input_shape == (4, 28, 28)


def test_grey_images_of_the_papers_size_give_the_papers_networks():
    general, paper = cgan32(3, (1, 28, 28), 10), cgan28(3)
    assert (general.generator, general.discriminator) == (paper.generator, paper.discriminator)


@pytest.mark.parametrize("image_shape", [(3, 32, 32), (3, 28, 28), (1, 32, 32)])
def test_images_go_through_both_networks(image_shape):
    architecture = cgan32(2, image_shape, 7)
    labels = torch.tensor([0, 3, 6])
    with torch.no_grad():
        images = torch.randn(3, 100)
        for index, block in enumerate(build_network(architecture.generator, key=1)):
            images = block(images, labels) if index == 0 else block(images)
        judged = images
        for index, block in enumerate(build_network(architecture.discriminator, key=2)):
            judged = block(judged, labels) if index == 0 else block(judged)
    assert images.shape == (3, *image_shape)
    assert images.abs().max() <= 1
    assert judged.shape == (3, 1)
    assert ((judged > 0) & (judged < 1)).all()


def test_parameters_of_the_colour_networks_by_hand():
    w, classes = 2, 8
    generator = build_network(cgan32(w, (3, 32, 32), classes).generator, key=0)
    seed = 4 * w * 8 * 8
    wanted = classes * classes + (100 + classes) * seed + seed + 2 * seed
    for into, out, kernel in ((4 * w, 2 * w, 4), (2 * w, 2 * w, 3), (2 * w, w, 4)):
        wanted += into * out * kernel**2 + out + 2 * out
    wanted += w * 3 * 9 + 3
    assert sum(math.prod(one.shape) for one in generator.parameters()) == wanted


@pytest.mark.parametrize("shape", [(3, 32, 28), (3, 30, 30), (3, 12, 12)])
def test_shapes_that_do_not_halve_are_refused(shape):
    with pytest.raises(ValueError, match=r"sides must be equal, a multiple of 4, at least 16"):
        cgan32(4, shape, 10)


def test_one_class_and_no_width_are_refused():
    with pytest.raises(ValueError, match="number of classes is 1"):
        cgan32(4, (3, 32, 32), 1)
    with pytest.raises(ValueError, match="width is 0"):
        cgan32(0)

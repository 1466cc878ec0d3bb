"""The models a scenario can name, the images each can make, and the options that choose one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field

from models.architecture import Architecture
from models.catalog import ImageForm
from models.cgan import CGAN28_CLASSES, cgan28, cgan32

ModelName: TypeAlias = Literal["cgan28", "cgan32"]

MODEL_NAMES: tuple[str, ...] = get_args(ModelName)
"""The models a scenario can name."""


class ModelOptions(BaseModel):
    """Which networks a run trains (the scenario's ``model`` section)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ModelName = Field(
        "cgan28",
        description="Architecture: cgan28 is the conditional GAN for 28x28 grey images, "
        "cgan32 the one for colour images and for 32x32.",
    )
    width: int = Field(
        64, ge=1, le=512, description="Channels of the thinnest feature map; 64 is the paper's size."
    )


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model before it is built.

    Attributes:
        title: One line for ``hetedge list models``.
        image_shapes: Shapes of the images it can make, channels first; the first is taken where none is known.
        most_classes: Most labels it can take; None = any number.
        build: Makes the architecture from a width and the form of the images.
    """

    title: str
    image_shapes: tuple[tuple[int, int, int], ...]
    most_classes: int | None
    build: Callable[[int, ImageForm], Architecture]

    @property
    def usual_form(self) -> ImageForm:
        """The form taken where no data are known: the first shape, 10 classes."""
        return ImageForm(self.image_shapes[0], 10)


MODELS: Mapping[str, ModelInfo] = {
    "cgan28": ModelInfo(
        title="conditional GAN for 28x28 grey images, any width (64 = the paper's)",
        image_shapes=((1, 28, 28),),
        most_classes=CGAN28_CLASSES,
        build=lambda width, _: cgan28(width),
    ),
    "cgan32": ModelInfo(
        title="the same chain of layers for colour images of 32x32 or 28x28, and grey ones of 32x32, any width",
        image_shapes=((3, 32, 32), (3, 28, 28), (1, 32, 32)),
        most_classes=None,
        build=lambda width, form: cgan32(width, form.shape, form.classes),
    ),
}


def build_architecture(options: ModelOptions, form: ImageForm | None = None) -> Architecture:
    """Return the architecture a scenario asks for.

    Args:
        options: The model and its width.
        form: The images it must make, of one of the model's shapes; None = the model's usual form.

    Raises:
        ValueError: If the model makes no images of this shape, or takes fewer classes.
    """
    model = MODELS[options.name]
    form = form or model.usual_form
    if form.shape not in model.image_shapes:
        allowed = ", ".join(shape_text(shape) for shape in model.image_shapes)
        raise ValueError(f"{options.name} makes no images of {shape_text(form.shape)}; allowed: {allowed}")
    if model.most_classes is not None and form.classes > model.most_classes:
        raise ValueError(
            f"{options.name} takes no {form.classes} classes; allowed: at most {model.most_classes}"
        )
    return model.build(options.width, form)


def shape_text(shape: tuple[int, int, int]) -> str:
    """Return the shape of an image as errors and tables show it, such as ``3 x 32 x 32``."""
    return " x ".join(map(str, shape))

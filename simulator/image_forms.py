"""The form of every domain's images, and the networks that fit them all."""

from __future__ import annotations

from collections.abc import Sequence

from models.architecture import Architecture
from models.catalog import ImageForm, dataset_form, domain_name
from models.model_options import MODELS, build_architecture, shape_text
from scenarios.load import Loaded


def assumed_forms(loaded: Loaded) -> tuple[ImageForm, ...]:
    """Return the form of every domain's images as far as it is known without opening a file.

    Of a user's own images whose shape the scenario does not state, a shape that fits is assumed: that of the first
    domain whose shape is known, else the model's usual one.

    Args:
        loaded: the scenario.
    """
    choices = [domain.dataset for domain in loaded.scenario.data.domains]
    known = [dataset_form(one) for one in choices if isinstance(one, str) or one.image_shape is not None]
    usual = known[0].shape if known else MODELS[loaded.scenario.model.name].usual_form.shape
    return tuple(
        dataset_form(one)
        if isinstance(one, str) or one.image_shape is not None
        else ImageForm(usual, dataset_form(one).classes)
        for one in choices
    )


def fitting_architecture(loaded: Loaded, forms: Sequence[ImageForm]) -> Architecture:
    """Build the scenario's model for the images of all its domains; it takes the labels of the domain with most.

    Args:
        loaded: the scenario.
        forms: the form of every domain's images.

    Raises:
        ScenarioError: where domains differ in the shape of their images, or the model does not make this shape or
            takes fewer classes.
    """
    names = [domain_name(domain) for domain in loaded.scenario.data.domains]
    shape = forms[0].shape
    for index, form in enumerate(forms):
        if form.shape != shape:
            raise loaded.error(
                f"data.domains.{index}.dataset",
                f"{names[index]} holds images of {shape_text(form.shape)}",
                f"allowed: {shape_text(shape)} as {names[0]} holds, for all domains share one network",
            )
    options = loaded.scenario.model
    model = MODELS[options.name]
    if shape not in model.image_shapes:
        came = f"{options.name!r} makes no images of {shape_text(shape)}, which {names[0]} holds"
        raise loaded.error("model.name", came, f"allowed: {_models_for(shape)}")
    most = max(range(len(forms)), key=lambda index: forms[index].classes)
    classes = forms[most].classes
    if model.most_classes is not None and classes > model.most_classes:
        raise loaded.error(
            f"data.domains.{most}.dataset",
            f"{names[most]} has {classes} classes",
            f"allowed: at most {model.most_classes} with model.name {options.name}",
        )
    return build_architecture(options, ImageForm(shape, classes))


def _models_for(shape: tuple[int, int, int]) -> str:
    """Name the models that make images of a shape; where there is none, every model with its shapes."""
    fitting = [name for name, model in MODELS.items() if shape in model.image_shapes]
    if fitting:
        return ", ".join(fitting)
    each = (f"{name} ({', '.join(map(shape_text, model.image_shapes))})" for name, model in MODELS.items())
    return f"data of another shape; there are {', '.join(each)}"

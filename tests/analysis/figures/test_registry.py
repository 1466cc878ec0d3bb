"""Every kind of figure has a module with a function of its own, and a place in the gallery."""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from analysis import figures
from analysis.plots import KINDS, MODULES

KIND_NAMES = list(dict.fromkeys(kind for kinds in KINDS.values() for kind in kinds))
GALLERY = Path(figures.__file__).parents[2] / "docs" / "figures.md"
SHARED = {"columns"}
MOST_BYTES = 150_000


def module_of(kind):
    return importlib.import_module(f"analysis.figures.{MODULES.get(kind, kind)}")


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_kind_is_a_function_from_a_frame_to_axes(kind):
    module = module_of(kind)
    draw = getattr(module, MODULES.get(kind, kind))
    signature = inspect.signature(draw, eval_str=True)
    first, second, *options = signature.parameters.values()
    assert (first.name, second.name, second.annotation, signature.return_annotation) == (
        "frame",
        "axes",
        Axes,
        Axes,
    )
    assert (
        all(one.kind is one.KEYWORD_ONLY and one.default is not one.empty for one in options)
        or kind == "heat_map"
    )
    assert "frame: " in inspect.getdoc(draw)


def test_every_module_is_that_of_a_kind():
    names = {found.name for found in pkgutil.iter_modules(figures.__path__)}
    assert names - SHARED == {MODULES.get(kind, kind) for kind in KIND_NAMES}


@pytest.mark.parametrize("name", sorted({MODULES.get(kind, kind) for kind in KIND_NAMES} | SHARED))
def test_no_figure_reads_a_file_or_knows_a_run(name):
    tree = ast.parse(Path(importlib.import_module(f"analysis.figures.{name}").__file__).read_text())
    imported = {
        found for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)
        for found in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }  # fmt: skip
    assert not imported & {
        "pathlib",
        "os",
        "io",
        "json",
        "analysis.runs",
        "analysis.sweeps",
        "matplotlib.pyplot",
    }
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "open"]


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_kind_has_its_place_in_the_gallery(kind):
    sections = re.split(r"^### ", GALLERY.read_text(), flags=re.M)[1:]
    (own,) = [section for section in sections if section.startswith(f"`{kind}`")]
    pictures = re.findall(r"!\[[^\]]+\]\((figures/gallery/[^)]+\.png)\)", own)
    assert pictures
    for picture in pictures:
        assert (GALLERY.parent / picture).stat().st_size <= MOST_BYTES, picture
    assert f"hetedge plot {kind} " in own


def test_the_document_tells_which_kinds_are_called_otherwise():
    text = " ".join(GALLERY.read_text().split())
    (told,) = re.findall(r"It is called as the kind is, but for ([^.]+)\.", text)
    assert dict(re.findall(r"`(\w+)` \(`(\w+)`\)", told)) == dict(MODULES)

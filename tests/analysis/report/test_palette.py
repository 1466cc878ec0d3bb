"""Every text and every line of the page can be told from what it stands on, in both themes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.plot_style import COLOURS
from analysis.report import palette

THEMES = (palette.LIGHT, palette.DARK)
COLOUR = st.tuples(*[st.integers(0, 255)] * 3).map(lambda rgb: "#{:02x}{:02x}{:02x}".format(*rgb))


def wcag_contrast(one: str, other: str) -> float:
    """WCAG 2.2, written out from its definition."""

    def luminance(colour: str) -> float:
        total = 0.0
        for place, weight in ((1, 0.2126), (3, 0.7152), (5, 0.0722)):
            share = int(colour[place : place + 2], 16) / 255
            total += weight * (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
        return total

    high, low = max(luminance(one), luminance(other)), min(luminance(one), luminance(other))
    return (high + 0.05) / (low + 0.05)


@given(COLOUR, COLOUR)
def test_contrast_is_that_of_wcag(one: str, other: str) -> None:
    assert palette.contrast(one, other) == pytest.approx(wcag_contrast(one, other))


@pytest.mark.parametrize("theme", THEMES)
def test_texts_have_the_contrast_of_level_aa(theme: dict[str, str]) -> None:
    for text, paper in palette.TEXTS:
        assert wcag_contrast(theme[text], theme[paper]) >= 4.5, (text, paper)


@pytest.mark.parametrize("theme", THEMES)
def test_lines_marks_and_edges_of_controls_have_the_contrast_of_graphics(theme: dict[str, str]) -> None:
    for colour in (*palette.series(theme), theme["edge"]):
        assert wcag_contrast(colour, theme["card"]) >= 3.0, colour


@pytest.mark.parametrize("theme", THEMES)
def test_colours_of_series_stay_those_of_the_figures_where_they_stand_out(theme: dict[str, str]) -> None:
    for ours, theirs in zip(palette.series(theme), COLOURS, strict=True):
        if wcag_contrast(theirs, theme["card"]) >= 4.5:
            assert ours == theirs.lower()
    assert len(set(palette.series(theme))) == len(COLOURS)


def test_both_themes_define_the_same_roles_and_every_role_is_a_property() -> None:
    assert palette.LIGHT.keys() == palette.DARK.keys()
    for theme in THEMES:
        properties = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", palette.css(theme)))
        assert properties == {**theme, **{f"s{n}": one for n, one in enumerate(palette.series(theme))}}

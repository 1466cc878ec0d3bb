"""The colours of the page, light and dark: the figures' palette, moved until it can be told from the paper."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.plot_style import COLOURS

GRAPHIC_CONTRAST = 3.0
"""Least contrast of a line or a mark on its paper (WCAG 2.2, 1.4.11)."""

TEXT_CONTRAST = 4.5
"""Least contrast of text on its paper (WCAG 2.2, 1.4.3)."""

LIGHT: Mapping[str, str] = {
    "paper": "#f7f7f5",
    "card": "#ffffff",
    "raised": "#f0f1ef",
    "ink": "#1d2226",
    "quiet": "#586069",
    "line": "#dcdedb",
    "edge": "#868d94",
    "accent": "#00629b",
    "on-accent": "#ffffff",
    "bad": "#a8330a",
    "good": "#00674d",
    "grid": "#e9eae7",
}
DARK: Mapping[str, str] = {
    "paper": "#14171a",
    "card": "#1b1f23",
    "raised": "#262b30",
    "ink": "#e8eaec",
    "quiet": "#a4adb6",
    "line": "#333a41",
    "edge": "#78818a",
    "accent": "#6cb8ee",
    "on-accent": "#0d1317",
    "bad": "#ff9a76",
    "good": "#55cfa5",
    "grid": "#2a3036",
}
"""Roles of colours and their values; the same roles in both."""

TEXTS = (("ink", "paper"), ("ink", "card"), ("ink", "raised"), ("quiet", "paper"), ("quiet", "card"),
         ("quiet", "raised"), ("accent", "paper"), ("accent", "card"), ("accent", "raised"),
         ("on-accent", "accent"), ("bad", "card"), ("good", "card"))  # fmt: skip
"""Which role is written on which."""


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2.2 defines it.

    Example:
        >>> contrast("#000000", "#ffffff")
        21.0
    """
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def series(theme: Mapping[str, str]) -> tuple[str, ...]:
    """The figures' colours for a theme, in their order: each as it is, or moved until it stands out from the card.

    On dark paper thin lines need more contrast to look as strong.
    """
    least = GRAPHIC_CONTRAST if _luminance(theme["card"]) > 0.5 else TEXT_CONTRAST
    return tuple(_standing_out(colour, theme["card"], theme["ink"], least) for colour in COLOURS)


def css(theme: Mapping[str, str]) -> str:
    """A theme as CSS custom properties: ``--ink``, ..., and ``--s0`` to ``--s6`` for series."""
    roles = [f"--{role}: {colour};" for role, colour in theme.items()]
    numbered = [f"--s{number}: {colour};" for number, colour in enumerate(series(theme))]
    return " ".join([*roles, *numbered])


def _standing_out(colour: str, paper: str, ink: str, least: float) -> str:
    for step in range(101):
        moved = _mixed(colour, ink, step / 100)
        if contrast(moved, paper) >= least:
            return moved
    raise ValueError(f"{ink} on {paper} has no contrast of {least}")


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(255 * (a + share * (b - a))):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in _channels(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

"""What is asked of every figure: no text on another, none outside the page, a unit on every axis of numbers."""

import re

from matplotlib.colors import to_rgb


def boxes_of_texts(figure):
    """Boxes, in pixels, of all texts that are drawn."""
    figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if axes.get_visible()]
    texts = [
        text for axes in panels for text in [*axes.texts, axes.title, axes._left_title, axes._right_title]
    ]
    texts += [axis.label for axes in panels for axis in (axes.xaxis, axes.yaxis)]
    texts += [text for axes in panels for text in [*ticks_in_view(axes.xaxis), *ticks_in_view(axes.yaxis)]]
    legends = [*figure.legends, *(axes.get_legend() for axes in panels if axes.get_legend())]
    texts += [text for legend in legends for text in [*legend.get_texts(), legend.get_title()]]
    texts += [figure._supxlabel] if figure._supxlabel else []
    shown = [text for text in texts if text.get_visible() and text.get_text()]
    return [(text.get_text(), text.get_window_extent(), text.get_rotation() % 90 != 0) for text in shown]


def ticks_in_view(axis):
    """Labels of the ticks within the limits of an axis, on the side where they stand; Matplotlib draws no others."""
    low, high = sorted(axis.get_view_interval())
    return [
        label
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if low <= tick.get_loc() <= high and label.get_visible()
    ]


def assert_nothing_collides(figure):
    """No text lies on another or leaves the page; slanted ones, whose boxes are larger than they, may meet."""
    boxes = boxes_of_texts(figure)
    width, height = figure.get_size_inches() * figure.dpi
    for place, (text, box, slanted) in enumerate(boxes):
        inside = -2 < box.x0 < box.x1 < width + 2 and -2 < box.y0 < box.y1 < height + 2
        assert inside, f"{text!r} leaves the page"
        for other, other_box, other_slanted in boxes[:place]:
            # Line boxes hold room for descenders: a pixel of overlap is no collision.
            across = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            down = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            assert (slanted and other_slanted) or across <= 1 or down <= 1, f"{text!r} lies on {other!r}"


def assert_legends_hide_no_data(figure):
    """Every legend stands clear of the axes' areas."""
    figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if axes.get_visible()]
    for legend in [*figure.legends, *(axes.get_legend() for axes in panels if axes.get_legend())]:
        box = legend.get_window_extent()
        for axes in panels:
            area = axes.get_window_extent()
            across = min(box.x1, area.x1) - max(box.x0, area.x0)
            down = min(box.y1, area.y1) - max(box.y0, area.y0)
            assert across <= 1 or down <= 1, "a legend lies on data"


def assert_axes_of_numbers_have_units(figure):
    """The label of every axis with numbers at its ticks ends in a unit, or something like it, in parentheses."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            texts = [
                label.get_text() for label in ticks_in_view(axis) if axes.get_visible() and label.get_text()
            ]
            if texts and all(re.fullmatch(r"[\u22120-9.,e+-]+x?", text) for text in texts):
                label = axis.label.get_text() or (figure.get_supxlabel() if axis is axes.xaxis else "")
                shared = axes.get_shared_x_axes() if axis is axes.xaxis else axes.get_shared_y_axes()
                label = label or next(
                    (one.get_ylabel() for one in shared.get_siblings(axes) if one.get_ylabel()), ""
                )
                assert re.search(r"\(.+\)", label.replace("\n", " ")), (
                    f"{axis.axis_name} axis: {label!r} has no unit"
                )


def lightness(colour):
    """CIE L* of a colour, 0 to 100: what is left of it without any hue."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * light ** (1 / 3) - 16 if light > 0.008856 else 903.3 * light

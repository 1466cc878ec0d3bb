"""One figure of several comparisons: what the bars say, and what is refused."""

import json

import pytest
from matplotlib.text import Annotation

from analysis.plot_comparison import latency_by_strategy, reference_of, relative_latencies
from analysis.plot_comparisons import draw_comparisons, latencies_side_by_side
from analysis.plot_style import MissingDataError
from analysis.runs import RunError


def facts(setup_s=0.0, **seconds):
    return {
        "strategies": [
            {
                "strategy": name,
                "amortised_iteration_latency_s": {"mean": mean, "values": [mean]},
                "setup_s": {"mean": setup_s},
            }
            for name, mean in seconds.items()
        ]
    }


FAST, SLOW = facts(fedgan=8.0, huscf_gan=2.0), facts(fedgan=1.0, md_gan=0.5, huscf_gan=2.0)


def test_others_are_measured_by_huscf_gan_else_by_the_first():
    assert reference_of(FAST) == "huscf_gan"
    assert reference_of(facts(md_gan=1.0, fedgan=2.0)) == "md_gan"
    ratios = {name: one.ratio for name, one in relative_latencies(SLOW).items()}
    assert ratios == {"fedgan": 0.5, "md_gan": 0.25, "huscf_gan": 1.0}


def test_every_panel_has_a_bar_and_its_numbers_for_each_of_its_strategies():
    figure = latencies_side_by_side({"all": FAST, "some": SLOW})
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == ["all", "some"]
    bars = [[round(bar.get_x() + bar.get_width(), 12) for bar in axes.patches] for axes in shown]
    assert bars == [[4.0, 1.0], [0.5, 0.25, 1.0]]
    texts = [[one.get_text() for one in axes.texts if isinstance(one, Annotation)] for axes in shown]
    assert texts[0] == ["4.00x  8.00 s", "1.00x  2.00 s"]
    assert texts[1] == ["0.500x  1.00 s", "0.250x  0.500 s", "1.00x  2.00 s"]
    colours = [{tuple(bar.get_facecolor()) for bar in (axes.patches[0],)} for axes in shown]
    assert colours[0] == colours[1]  # fedgan has one colour in all panels
    limits = {axes.get_xlim() for axes in shown}
    assert len(limits) == 1


def test_an_upload_before_the_first_round_is_told_where_there_is_one():
    label = latencies_side_by_side({"all": FAST, "some": SLOW}).get_supxlabel()
    assert label == "An iteration with its share of the round's end, relative to huscf_gan"
    with_upload = latencies_side_by_side({"all": FAST, "some": facts(5.0, centralized=1.0, fedgan=2.0)})
    assert with_upload.get_supxlabel() == (
        "An iteration with its share of the round's end, relative to huscf_gan or centralized"
        "\n(the upload before the first round is not in it)"
    )


@pytest.mark.parametrize("setup_s", [None, 0.0, 5.0])
def test_the_figure_of_one_comparison_tells_of_an_upload_too(setup_s):
    (axes,) = latency_by_strategy(facts(setup_s, fedgan=2.0)).axes
    assert ("the upload before the first round is not in it" in axes.get_xlabel()) == (setup_s == 5.0)


@pytest.mark.parametrize("draw", [latency_by_strategy, lambda one: latencies_side_by_side({"all": one})])
def test_fourteen_strategies_have_fourteen_looks_of_bars(draw):
    (axes,) = draw(facts(**{f"strategy_{number}": 1.0 + number for number in range(14)})).axes
    looks = [(bar.get_facecolor(), bar.get_hatch()) for bar in axes.patches]
    assert len(looks) == len(set(looks)) == 14
    assert all(hatch is None for _, hatch in looks[:7])


def test_an_odd_number_of_panels_hides_the_rest():
    figure = latencies_side_by_side({"a": FAST, "b": SLOW, "c": FAST})
    assert [axes.get_visible() for axes in figure.axes] == [True, True, True, False]


def test_a_strategy_without_an_iteration_has_no_bar_to_draw():
    with pytest.raises(MissingDataError, match="no iteration"):
        latencies_side_by_side({"a": facts(fedgan=None, huscf_gan=1.0)})


def test_files_come_from_folders_and_a_damaged_one_is_named(tmp_path):
    for name, one in (("one", FAST), ("two", SLOW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "comparison.json").write_text(json.dumps(one))
    written = draw_comparisons([tmp_path / "one", tmp_path / "two"], tmp_path)
    assert sorted(path.name for path in written) == ["iteration_latency.pdf", "iteration_latency.png"]
    (tmp_path / "two" / "comparison.json").write_text('{"strategies": []}')
    with pytest.raises(RunError, match=r"two.comparison\.json: damaged"):
        draw_comparisons([tmp_path / "one", tmp_path / "two"], tmp_path)

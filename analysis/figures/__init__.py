"""The figures: a module and a function of one name for each, a frame in, axes out.

::

    import matplotlib.pyplot as plt
    from analysis.figures.pareto import pareto
    from analysis.plot_style import style

    with style():
        figure, axes = plt.subplots(figsize=(3.5, 2.5), layout="constrained")
        pareto(frame, axes)

None of them reads a file. `analysis.plots` makes such frames of runs, comparisons and sweeps.
"""

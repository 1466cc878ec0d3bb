"""The commands of ``hetedge``, a file for each group; :mod:`simulator.cli` makes one command line of them."""

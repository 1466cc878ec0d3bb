"""Which options each kind of figure takes, and what is told of one that it does not take."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from analysis.plot_style import ChoiceError

_STUDY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "latency_fid": frozenset({"value"}),
        "pareto": frozenset({"value", "against"}),
        "heat_map": frozenset({"rows", "columns", "value"}),
        "scaling": frozenset({"value", "against"}),
    }
)

OPTIONS: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "run": MappingProxyType({"gantt": frozenset({"iteration"})}),
        "comparison": _STUDY,
        "sweep": _STUDY,
    }
)
"""Of the figures of a run, a comparison and a sweep: the options of each kind that has any."""


def takers(source: str, kinds: Sequence[str], option: str) -> list[str]:
    """Those of some kinds of a run's, a comparison's or a sweep's figures that take an option."""
    return [kind for kind in kinds if option in OPTIONS[source].get(kind, ())]


def check_options(source: str, kinds: Sequence[str], given: Collection[str]) -> None:
    """Refuses an option that nothing which is to be drawn takes.

    Args:
        source: ``run``, ``comparison`` or ``sweep``.
        kinds: what is to be drawn, at least one kind.
        given: the options that were given, without their dashes.

    Raises:
        ChoiceError: No kind takes one of them.
    """
    for option in given:
        if takers(source, kinds, option):
            continue
        allowed = dict.fromkeys(one for kind in kinds for one in sorted(OPTIONS[source].get(kind, ())))
        told = f"figure {kinds[0]!r}" if len(kinds) == 1 else f"figures {', '.join(kinds)}"
        raise ChoiceError(
            f"--{option}: the {told} of a {source} {'takes' if len(kinds) == 1 else 'take'} no such option; "
            f"allowed: {', '.join(f'--{one}' for one in allowed) or 'none'}"
        )

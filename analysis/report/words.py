"""A scenario in plain sentences, made from its resolved form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.readable import percent_text
from analysis.report.measures import metric_title

_NETWORKS = {
    "ideal": "Messages take their links' delay and nothing else (ideal network).",
    "dedicated": "Every device has its link to itself: a message moves at the slower of the two links (dedicated).",
    "maxmin": "Messages share every link they cross, max-min fair (maxmin).",
    "paper": "Times follow the published formula, link by link (paper).",
}
_PARTITIONS = {
    "iid": "dealt evenly, all classes alike (iid)",
    "label_exclusion": "without some classes on some clients (label_exclusion)",
    "dirichlet": "in skewed shares of classes (dirichlet)",
    "shards": "in shards of few classes (shards)",
    "quantity": "in unequal amounts (quantity)",
}
_ORDERS = {
    "listed": "in the order listed",
    "interleaved": "interleaved, so that each domain meets every kind",
    "shuffled": "shuffled",
}
_QUIET_OPTIONS = ("name", "rounds", "patience")


def scenario_words(scenario: Mapping[str, Any], strategies: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Tell a scenario in words.

    Args:
        scenario: a resolved scenario; parts that are missing are left out.
        strategies: where several are compared, all of them.

    Returns:
        Heading and sentences of each part.
    """
    parts = [
        ("Devices", _devices(scenario.get("devices", {}))),
        ("Network", _network(scenario.get("network", {}))),
        ("Presence", _presence(scenario)),
        ("Data", _data(scenario.get("data", {}))),
        ("Model", _model(scenario)),
        ("Strategy", _strategy(scenario.get("strategy", {}), strategies)),
        ("Cuts", _cuts(scenario.get("cuts", {}))),
        ("Evaluation", _evaluation(scenario)),
    ]
    return [(heading, text) for heading, text in parts if text]


def _devices(devices: Mapping[str, Any]) -> str:
    if not devices:
        return ""
    clients = devices.get("clients", [])
    server = devices.get("server")
    served = server if isinstance(server, str) else (server or {}).get("profile", "a server")
    if isinstance(clients, Mapping):
        shares = [f"{percent_text(share)} {name}" for name, share in clients["mix"].items()]
        who = f"{clients['count']} clients, mixed of {joined(shares)}"
    else:
        counts: dict[str, int] = {}
        for entry in clients:
            name = str(entry["profile"]) + (", altered" if set(entry) - {"profile", "count"} else "")
            counts[name] = counts.get(name, 0) + int(entry.get("count", 1))
        n_clients = sum(counts.values())
        who = f"{counted(n_clients, 'client')}: {joined([f'{n} {name}' for name, n in counts.items()])}"
    order = _ORDERS.get(str(devices.get("order")), "")
    return (
        f"{who}; the server is {served}. Domains meet devices {order}."
        if order
        else f"{who}; {served} serves."
    )


def _network(network: Mapping[str, Any]) -> str:
    model = str(network.get("model", ""))
    told = _NETWORKS.get(model, f"Network model {model}." if model else "")
    topology = network.get("topology")
    if isinstance(topology, Mapping) and topology.get("kind") not in (None, "star"):
        told += f" Topology: {options_text(topology)}."
    return told


def _presence(scenario: Mapping[str, Any]) -> str:
    availability = scenario.get("availability", {})
    model = availability.get("model")
    told = [] if model is None else ["Devices are always there." if model == "always" else
            f"Devices come and go: {options_text(availability)}."]  # fmt: skip
    disturbed = {key.replace("_", " "): one for key, one in scenario.get("disturbances", {}).items() if one}
    if disturbed:
        kinds = [f"{what} ({options_text(one)})" for what, one in disturbed.items()]
        told.append(f"Disturbed by {joined(kinds)}.")
    return " ".join(told)


def _data(data: Mapping[str, Any]) -> str:
    domains = data.get("domains", [])
    if not domains:
        return ""
    named = [_domain(domain) for domain in domains]
    partition = data.get("partition", {})
    kind = str(partition.get("kind", "iid"))
    others = {key: value for key, value in partition.items() if key != "kind"}
    dealt = _PARTITIONS.get(kind, f"by the rule {kind}") + (f", {options_text(others)}" if others else "")
    return f"{counted(len(named), 'domain')}: {joined(named)}. Images are {dealt}."


def _domain(domain: Mapping[str, Any]) -> str:
    dataset = domain.get("dataset")
    name = (
        dataset
        if isinstance(dataset, str)
        else str((dataset or {}).get("path", "images")).rstrip("/").split("/")[-1]
    )
    clients = domain.get("clients")
    return f"{name} on {counted(int(clients), 'client')}" if clients is not None else str(name)


def _model(scenario: Mapping[str, Any]) -> str:
    model = scenario.get("model", {})
    if not model:
        return ""
    cost = scenario.get("cost_model")
    charged = {"exact": "Work is counted layer by layer.", "paper": "Work is counted as the paper does."}
    width = f" of width {model['width']}" if "width" in model else ""
    trained = (
        ""
        if scenario.get("execution", {}).get("training", True)
        else " Time alone is simulated: nothing is trained."
    )
    return f"The networks are {model.get('name')}{width}. {charged.get(str(cost), '')}{trained}".strip()


def _strategy(strategy: Mapping[str, Any], compared: Sequence[str]) -> str:
    if not strategy:
        return ""
    rounds = counted(int(strategy.get("rounds", 0)), "round")
    patience = strategy.get("patience") or {}
    waits = "" if patience.get("kind", "all") == "all" else f" Patience: {options_text(patience)}."
    if len(compared) > 1:
        return f"{len(compared)} compared: {joined(list(compared))}; {rounds} each.{waits}"
    others = {
        key: value for key, value in strategy.items() if key not in _QUIET_OPTIONS and value is not None
    }
    return f"{strategy.get('name')}, {rounds}, with {options_text(others)}.{waits}"


def _cuts(cuts: Mapping[str, Any]) -> str:
    if not cuts:
        return ""
    weights = {key: value for key, value in (cuts.get("objective") or {}).items() if value}
    aim = f" for {options_text(weights)}" if set(weights) - {"latency_s"} else " for the shortest iteration"
    limits = {key: value for key, value in (cuts.get("limits") or {}).items() if value is not None}
    kept = f", within {options_text(limits)}" if limits else ""
    anew = f" They are chosen anew: {options_text(cuts['reselect'])}." if cuts.get("reselect") else ""
    selector = cuts.get("selector")
    if selector == "fixed":
        return f"Cuts are stated, not searched.{anew}"
    return f"Where networks are cut is decided by the selector {selector}{aim}{kept}.{anew}"


def _evaluation(scenario: Mapping[str, Any]) -> str:
    own = scenario.get("evaluation", {})
    if not own or not scenario.get("execution", {}).get("training", True):
        return ""
    every = int(own.get("every_rounds", 1))
    names = [
        metric_title(one if isinstance(one, str) else str(one.get("name"))) for one in own.get("metrics", [])
    ]
    when = "after every round" if every == 1 else f"after every {every} rounds"
    cas = own.get("cas")
    classifier = f" A classifier is trained on {cas['samples']:,} generated images (CAS)." if cas else ""
    stop = {key: value for key, value in (scenario.get("stop") or {}).items() if value is not None}
    ends = f" The run may end early: {options_text(stop)}." if stop else ""
    return f"{joined(names)} {when}, on {own.get('samples', 0):,} images a domain.{classifier}{ends}"


def options_text(value: Any) -> str:  # noqa: ANN401 - any YAML value
    """Options as words: ``local epochs 2, batch size 32``."""
    if isinstance(value, Mapping):
        shown = [(key, one) for key, one in value.items() if one is not None]
        return ", ".join(_option(str(key), one) for key, one in shown) or "nothing"
    if isinstance(value, list):
        return "; ".join(options_text(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _option(key: str, value: Any) -> str:  # noqa: ANN401 - any YAML value
    words = key.replace("_", " ")
    text = options_text(value)
    return f"{words} ({text})" if isinstance(value, Mapping | list) else f"{words} {text}"


def joined(parts: Sequence[str]) -> str:
    """Parts as an enumeration.

    Example:
        >>> joined(["a", "b", "c"])
        'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where there is not one.

    Example:
        >>> counted(1, "round"), counted(1200, "round")
        ('1 round', '1,200 rounds')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""Centralised training's time: the upload once, and then the server's own step, by formula, events and by hand."""

import pytest
from closed_forms import (
    LABEL_BYTES,
    PAPER_DEVICES,
    PAPER_FLEET,
    PAPER_SERVER,
    PAPER_WORK,
    dedicated_s,
    devices_text,
    exact_work,
    fleets,
    paper_s,
    step_flops,
)
from hypothesis import given, settings

from simulator.timing_only import latency

EXACT = 1e-9
STEPS = 3
STRATEGY = f"strategy: {{name: centralized, steps_per_round: {STEPS}}}\n"
PER_DOMAIN = f"strategy: {{name: centralized, steps_per_round: {STEPS}, generators: per_domain}}\n"
PAPER_MODELS = "cost_model: paper\nnetwork: {model: paper}\n"
TWO_DOMAINS = "data: {domains: [{dataset: mnist5k}, {dataset: glyphs}]}\n"
UNEQUAL_DOMAINS = "data: {domains: [{dataset: mnist5k}, {dataset: MNIST}]}\n"
RAW_BYTES = 28 * 28 + LABEL_BYTES
"""An image of one byte a pixel, and its label."""


def check(path, flops, server, uploads_s):
    step_s = flops / server.rate
    for engine in ("formula", "events"):
        answer = latency(path, engine=engine)
        assert answer["iteration_latency_s"] == pytest.approx(step_s, rel=EXACT)
        assert answer["round_latency_s"] == pytest.approx(STEPS * step_s, rel=EXACT)
        assert answer["setup_s"] == pytest.approx(max(uploads_s), rel=EXACT)
        for one in answer["clients"]:
            assert (one["compute_s"], one["transfer_s"]) == pytest.approx((0.0, 0.0), abs=EXACT * step_s)
            assert one["wait_s"] == pytest.approx(step_s, rel=EXACT)


def test_the_paper_fleet_under_the_authors_counts(tmp_path):
    path = tmp_path / "central.yaml"
    path.write_text(PAPER_DEVICES + PAPER_MODELS + STRATEGY)
    uploads_s = [
        paper_s(one, PAPER_SERVER, 50 * RAW_BYTES) for one in PAPER_FLEET
    ]  # 4,000 digits, 80 clients
    check(path, step_flops(PAPER_WORK), PAPER_SERVER, uploads_s)


def test_a_gan_for_every_domain_costs_the_server_as_often(tmp_path):
    path = tmp_path / "central.yaml"
    path.write_text(PAPER_DEVICES + TWO_DOMAINS + PER_DOMAIN)
    uploads_s = [dedicated_s(one, PAPER_SERVER, 100 * RAW_BYTES) for one in PAPER_FLEET]
    check(path, 2 * step_flops(exact_work(64)), PAPER_SERVER, uploads_s)


@settings(max_examples=10, deadline=None)
@given(fleet=fleets)
def test_any_fleet(fleet, tmp_path_factory):
    server, clients = fleet
    path = tmp_path_factory.mktemp("central") / "central.yaml"
    path.write_text(devices_text(server, clients) + STRATEGY)
    held = [4000 // len(clients) + (i < 4000 % len(clients)) for i in range(len(clients))]
    uploads_s = [
        dedicated_s(one, server, images * RAW_BYTES) for one, images in zip(clients, held, strict=True)
    ]
    check(path, step_flops(exact_work(64)), server, uploads_s)


@pytest.mark.parametrize(
    ("generators", "batches_of_an_epoch"),
    [("one", 1000), ("per_domain", 938)],  # ceil(64000 / 64), ceil(60000 / 64)
)
def test_an_epoch_is_a_pass_over_the_largest_pool(generators, batches_of_an_epoch, tmp_path):
    path = tmp_path / "central.yaml"
    strategy = f"strategy: {{name: centralized, local_epochs: 3, generators: {generators}}}\n"
    path.write_text(PAPER_DEVICES + UNEQUAL_DOMAINS + strategy)
    answer = latency(path)
    rounds = answer["round_latency_s"] / answer["iteration_latency_s"]
    assert rounds == pytest.approx(3 * batches_of_an_epoch, rel=EXACT)

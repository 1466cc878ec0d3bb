"""The time after PFL-GAN: closed form, events, and the sums of its description agree."""

import pytest
from closed_forms import (
    PAPER_DEVICES,
    PAPER_FLEET,
    PAPER_SERVER,
    PAPER_WORK,
    dedicated_s,
    devices_text,
    exact_work,
    fleets,
    network_bytes,
    paper_s,
    step_flops,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.timing_only import latency

EXACT = 1e-9
STEPS = 3
PIXELS = 784
PAPER_MODELS = "cost_model: paper\nnetwork: {model: paper}\n"


def strategy(**options) -> str:
    given_options = "".join(f", {key}: {value}" for key, value in options.items())
    return f"strategy: {{name: pfl_gan, steps_per_round: {STEPS}{given_options}}}\n"


def server_flops(clients, image, work, samples=500, dimensions=16, personal_steps=20):
    """Samples of all generators, the encoder, Gaussians and divergences, personal training.

    ``image`` is the forward work of a generator for one image, ``work`` that of a personal batch.
    """
    making = clients * samples * image
    encoder = 2 * clients * samples * (PIXELS**2 + PIXELS * dimensions) + 9 * PIXELS**3
    gaussians = clients * (2 * samples * dimensions**2 + dimensions**3 / 3)
    pairs = clients * (clients - 1) * (dimensions**3 + 3 * dimensions**2)
    training = clients * personal_steps * (step_flops(work) + work.g_forward)
    return making + encoder + gaussians + pairs + training


def check(path, work, server, clients, message_s, work_of_server):
    steps_s = [step_flops(work) / one.rate for one in clients]
    n_bytes = network_bytes()[0]
    up_s = max(message_s(one, server, n_bytes) for one in clients)
    down_s = max(message_s(server, one, n_bytes) for one in clients)
    end_s = up_s + work_of_server / server.rate + down_s if len(clients) > 1 else 0.0
    for engine in ("formula", "events"):
        answer = latency(path, engine=engine)
        assert answer["iteration_latency_s"] == pytest.approx(max(steps_s), rel=EXACT)
        assert answer["round_latency_s"] == pytest.approx(STEPS * max(steps_s) + end_s, rel=EXACT)
        assert [one["name"] for one in answer["phases"]] == ["local_step"]
        for told, own_s in zip(answer["clients"], steps_s, strict=True):
            assert told["compute_s"] == pytest.approx(own_s, rel=EXACT)
    return answer


def test_the_paper_fleet_under_the_authors_counts(tmp_path):
    path = tmp_path / "pfl.yaml"
    path.write_text(PAPER_DEVICES + PAPER_MODELS + strategy())
    work = server_flops(80, PAPER_WORK.g_forward / 64, PAPER_WORK)
    answer = check(path, PAPER_WORK, PAPER_SERVER, PAPER_FLEET, paper_s, work)
    assert answer["clients"][0]["compute_s"] == pytest.approx(234.0, abs=0.05)  # as FedGAN


def test_the_paper_fleet_on_dedicated_links_with_exact_counts(tmp_path):
    # Each of 80 clients holds 50 of 4,000 digits; the server's batches have 64 rows nevertheless.
    path = tmp_path / "pfl.yaml"
    path.write_text(PAPER_DEVICES + strategy(similarity_samples=100, personal_steps=7))
    work = server_flops(80, exact_work(1).g_forward, exact_work(64), samples=100, personal_steps=7)
    check(path, exact_work(50), PAPER_SERVER, PAPER_FLEET, dedicated_s, work)


@settings(max_examples=10, deadline=None)
@given(
    fleet=fleets,
    samples=st.integers(2, 3000),
    dimensions=st.integers(1, 784),
    personal_steps=st.integers(1, 9),
)
def test_any_fleet(fleet, samples, dimensions, personal_steps, tmp_path_factory):
    server, clients = fleet
    path = tmp_path_factory.mktemp("pfl") / "pfl.yaml"
    options = {
        "similarity_samples": samples,
        "latent_dimensions": dimensions,
        "personal_steps": personal_steps,
        "batch_size": 20,
    }
    path.write_text(devices_text(server, clients) + strategy(**options))
    work = exact_work(20)
    own = server_flops(
        len(clients), exact_work(1).g_forward, work, samples, dimensions, personal_steps=personal_steps
    )
    check(path, work, server, clients, dedicated_s, own)


def test_the_servers_work_grows_with_the_number_of_clients(tmp_path):
    """The term that is easily forgotten: twice the clients, about twice the server's seconds in every round."""
    ends_s = []
    for clients in (20, 40):
        path = tmp_path / "pfl.yaml"
        path.write_text(f"devices: {{clients: [{{profile: paper-2, count: {clients}}}]}}\n" + strategy())
        answer = latency(path)
        ends_s.append(answer["round_latency_s"] - STEPS * answer["iteration_latency_s"])
    assert ends_s[1] / ends_s[0] == pytest.approx(2.0, abs=0.1)


def test_events_equal_the_closed_form_with_overhead_and_bandwidth(tmp_path):
    path = tmp_path / "pfl.yaml"
    path.write_text(
        "devices:\n  server: server-small\n  clients:\n"
        "    - {profile: raspberry-pi-4, count: 2, kernel_overhead: 50 us, memory_bandwidth: 3 GB/s}\n"
        "    - {profile: laptop, kernel_overhead: 5 us}\n"
        "model: {width: 16}\n" + strategy(personal_steps=3)
    )
    formula, events = latency(path), latency(path, engine="events")
    assert events["iteration_latency_s"] == pytest.approx(formula["iteration_latency_s"], rel=EXACT)
    assert events["round_latency_s"] == pytest.approx(formula["round_latency_s"], rel=EXACT)

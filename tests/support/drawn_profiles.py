"""Device profiles for hypothesis: any rates and links, with and without latency, overhead and memory bandwidth."""

from hypothesis import strategies as st
from small_worlds import profile


def powers_of_ten(low: float, high: float):
    """Numbers between ``10**low`` and ``10**high``, even in their logarithm."""
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


@st.composite
def profiles(draw, magnitudes, rates=None, name="plain"):
    """A profile whose links and memory bandwidth are ``magnitudes``, and its compute rate too unless ``rates`` says."""
    return profile(
        name,
        rate=draw(rates if rates is not None else magnitudes),
        uplink_bytes_per_s=draw(magnitudes),
        downlink_bytes_per_s=draw(magnitudes),
        latency_s=draw(st.sampled_from([0.0, 1e-3, 2.5])),
        kernel_overhead_s=draw(st.sampled_from([0.0, 1e-4, 0.75])),
        memory_bandwidth_bytes_per_s=draw(st.none() | magnitudes),
    )

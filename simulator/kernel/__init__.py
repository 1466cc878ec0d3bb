"""The simulated world: compute, network, and the clock they share."""

"""Hardware facts: units, device profiles, fleets, topology. No torch, no simpy."""

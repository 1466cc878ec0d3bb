"""Networks, their cost, their splits and their data. No simpy, no hardware."""

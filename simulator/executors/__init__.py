"""Where the jobs of a sweep are done: in processes of this machine, or on a Ray cluster."""

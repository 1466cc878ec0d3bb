"""What a run is: the typed scenario, loading and the library of YAML files."""

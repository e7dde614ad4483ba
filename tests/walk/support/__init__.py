"""Real processes and real receivers for the tests that walk through the whole product."""

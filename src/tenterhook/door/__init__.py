"""What every door in needs: the request as it came, whom it may come from, and how often."""

"""Long checks of what attackers could learn or do. `make soak` runs them."""

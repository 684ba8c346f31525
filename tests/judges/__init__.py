"""Long judges, for `make ci`: what must hold however often and whenever something happens."""

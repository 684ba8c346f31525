"""The sample world: made-up people who talk, so that there is something to look at."""

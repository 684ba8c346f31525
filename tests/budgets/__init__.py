"""How many SQL statements the hot paths may run, however large the rooms are."""

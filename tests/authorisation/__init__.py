"""Every route asked as every kind of caller."""

"""What must stay true of the shape of the sources and of the documentation about them."""

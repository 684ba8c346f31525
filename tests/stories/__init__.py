"""Stories: what people see over HTTP, told against a real server."""

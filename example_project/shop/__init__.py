"""A small tea shop that takes gift vouchers. It sends its own events and never calls the gateway."""

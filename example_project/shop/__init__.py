"""A small tea shop that accepts gift vouchers. It sends its own signals and never calls the gateway."""

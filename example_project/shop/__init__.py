"""A small tea shop that accepts and sells gift vouchers. Its own signals drive the gateway."""

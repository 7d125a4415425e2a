"""The decisions about money, as pure functions of values: no I/O, no clock, no Django."""

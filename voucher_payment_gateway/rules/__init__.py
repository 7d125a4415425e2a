"""The decisions about money as pure functions over values: no I/O, no clock, no Django."""

"""The test shop of Oscar's own tests, with the adapter: on the path beside these, whose package is called ``tests``."""

from oscar.apps.order import processing


class EventHandler(processing.EventHandler):
    """The shop's pipeline."""

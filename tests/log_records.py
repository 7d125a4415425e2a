"""All that a log record carries: its sentence, and the fields that a formatter may show."""

import logging

__all__ = ["fields_of", "logged"]

STANDARD = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "taskName"}


def fields_of(record):
    """The fields in ``extra``, with the name of the event."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def logged(caplog):
    """All that was logged, as text: the sentences, tracebacks, and the fields of every record."""
    return caplog.text + " ".join(f"{record.args} {fields_of(record)}" for record in caplog.records)

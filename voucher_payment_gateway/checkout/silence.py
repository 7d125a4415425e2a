"""Silence about what a visitor sent, on the pages and in the mails that tell of an error: a code is cash."""

from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

__all__ = ["keep_silent"]


class SilentReporter(SafeExceptionReporterFilter):
    """Hides the fields of the form and the variables of every function, the shop's own too, also with ``DEBUG`` on:
    a page of a development machine is shown to others as well."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> Any:
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]


def keep_silent(request: HttpRequest) -> None:
    """Have no report of an error in this request show what was sent."""
    request.exception_reporter_filter = SilentReporter()
    request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]

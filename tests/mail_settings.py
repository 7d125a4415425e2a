"""The settings of a mail backend, as this Django wants them."""

import django

__all__ = ["mail_settings"]


def mail_settings(backend, **options):
    """Return the settings by name: ``MAILERS`` from Django 6.1 on, else ``EMAIL_BACKEND`` and an ``EMAIL_…`` for each
    option."""
    if django.VERSION >= (6, 1):
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}
    return {"EMAIL_BACKEND": backend, **{f"EMAIL_{name.upper()}": value for name, value in options.items()}}

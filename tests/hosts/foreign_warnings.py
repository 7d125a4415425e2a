"""Warnings that the hosts' own packages cause: they are not ours to mend."""

import warnings

__all__ = ["IGNORED", "ignore"]

PACKAGES = (
    *("oscar", "oscarapi", "oscarapicheckout", "payments", "haystack", "treebeard", "django_tables2", "sorl"),
    *("widget_tweaks", "drf_recaptcha"),
)
MODULE = rf"({'|'.join(PACKAGES)})($|[.])"
OF_A_TAG = r"Using \w+\.\w+\(\) is deprecated. Use \w+\.objects"
"""Oscar calls treebeard from a tag, and the warning names the module of Django that called the tag."""

IGNORED = (f"ignore:::{MODULE}", f"ignore:{OF_A_TAG}:DeprecationWarning")
"""The same as the marks of tests."""


def ignore() -> None:
    """Ignore them from now on, while a project is loaded."""
    warnings.filterwarnings("ignore", module=MODULE)
    warnings.filterwarnings("ignore", OF_A_TAG, DeprecationWarning)

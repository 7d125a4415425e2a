"""An action of a clerk: what its page states, what it asks for, and what confirming it does."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.utils.translation import gettext_lazy as _

from voucher_payment_gateway.admin.addresses import APP
from voucher_payment_gateway.admin.story_line import StoryLine
from voucher_payment_gateway.money import ZERO

__all__ = ["Action", "ActionForm", "ChoiceForm", "Choices", "Preview", "Told", "text_input"]


def text_input(**attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"class": "vTextField", **attributes})


@dataclass(frozen=True)
class Preview:
    """What a page states before it is confirmed.

    ``sentence`` says what will happen, with the amounts, and ``steps`` say it for each voucher. ``problem`` says why it
    cannot be done now: then nothing can be confirmed. ``seen`` is the version of what is stated, ``most`` what it moves
    at most. ``button`` is the text of what confirms it, where that is not the action's.
    """

    sentence: Any
    steps: list[Any] = field(default_factory=list)
    facts: list[tuple[Any, str]] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    problem: str = ""
    seen: str = ""
    most: Decimal = ZERO
    button: Any = ""
    lines: list[StoryLine] = field(default_factory=list)


class ActionForm(forms.Form):
    """Why it is done."""

    reason = forms.CharField(label=_("reason"), max_length=255, widget=text_input())

    def __init__(self, *args: Any, preview: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preview = preview


@dataclass(frozen=True)
class Choices(Preview):
    """A preview that lets a person decide between ``decisions``: values and sentences."""

    decisions: list[tuple[str, Any]] = field(default_factory=list)


class ChoiceForm(ActionForm):
    """The decision, and why."""

    decision = forms.ChoiceField(widget=forms.RadioSelect)
    field_order = ("decision", "reason")
    question: ClassVar[Any]

    def __init__(self, *args: Any, preview: Choices, **kwargs: Any) -> None:
        super().__init__(*args, preview=preview, **kwargs)
        decision: Any = self.fields["decision"]
        decision.label, decision.choices = self.question, preview.decisions


@dataclass(frozen=True)
class Told:
    """One message after an action: its level in ``django.contrib.messages``, and the text."""

    level: int
    text: Any

    @classmethod
    def success(cls, text: Any) -> "Told":
        return cls(messages.SUCCESS, text)

    @classmethod
    def warning(cls, text: Any) -> "Told":
        return cls(messages.WARNING, text)

    @classmethod
    def error(cls, text: Any) -> "Told":
        return cls(messages.ERROR, text)


class Action(ABC):
    """One thing that a clerk may do with a subject: an order's payments, a payment, a sale, an operation or a request.

    ``permission`` is that of the app's model. ``routes`` are its addresses below the model admin's, by the last part
    of their names; ``button`` is the text of what confirms it.
    """

    slug: ClassVar[str]
    permission: ClassVar[str]
    title: ClassVar[Any]
    button: ClassVar[Any]
    routes: ClassVar[dict[str, str]]
    form: ClassVar[type[ActionForm]] = ActionForm
    nothing_left: ClassVar[Any] = _("It has changed meanwhile: there is nothing to do any more.")

    def is_allowed(self, user: Any) -> bool:
        return bool(user.has_perm(f"{APP}.{self.permission}"))

    def may_see(self, user: Any, subject: Any) -> bool:
        """Return whether this user may look at the subject at all."""
        return bool(user.has_perm(f"{APP}.view_voucherpayment"))

    @abstractmethod
    def find(self, request: Any, pk: int | None) -> Any:
        """Return the subject that the address names; None where there is none."""

    @abstractmethod
    def is_possible(self, subject: Any) -> bool:
        """Return whether there is anything to do, by the records at hand."""

    @abstractmethod
    def preview(self, subject: Any) -> Preview:
        """Return what would happen now. Nothing is written, and no money moves."""

    @abstractmethod
    def confirm(self, subject: Any, preview: Any, given: dict[str, Any], user: Any) -> list[Told]:
        """Do it, and return what to tell. Raises ConflictError, with nothing done, where the subject is not what the
        page has shown any more."""

    @abstractmethod
    def back(self, site: Any, subject: Any) -> str:
        """Return the address of the page that shows the subject."""

    def heading(self, subject: Any) -> Any:
        return self.title

    def initial(self, subject: Any, preview: Any) -> dict[str, Any]:
        """Return what the fields of a new page hold: hidden ones are as the page is shown."""
        return {}

    def repeated(self, subject: Any, posted: Any) -> list[Told] | None:
        """Return what to tell where this very page was confirmed before; None where it was not."""
        return None

    def changes_since(self, subject: Any, seen: str) -> list[StoryLine]:
        """Return what has happened since the page was shown that had ``seen`` this version, as far as it is known."""
        return []

    def links(self, site: Any, subject: Any) -> list[tuple[Any, str]]:
        """Return texts and addresses of what to look at before it is confirmed."""
        return []

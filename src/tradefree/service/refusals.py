"""Errors that only HTTP knows: the domain never sees such a request."""

from __future__ import annotations

from tradefree.errors import InvalidInput, TradefreeError


class NotJson(InvalidInput):
    """The body is not JSON."""


class BadParameter(InvalidInput):
    """A query parameter that cannot be right whatever the tasks are, such as a cursor that nobody was given."""


class BodyTooLarge(TradefreeError):
    """The body is larger than the service takes."""


class UnsupportedMedia(TradefreeError):
    """The body has a type or encoding that this path does not take."""

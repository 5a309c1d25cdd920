"""What calls raise: the gRPC code and the sentence of the server or the client."""

from __future__ import annotations


class MaskdError(Exception):
    """A call failed.

    Attributes:
        code: The name of the gRPC status code, such as ``"UNAVAILABLE"``.
        message: The sentence of the server, or of the client where no server was asked.
    """

    code: str = "UNKNOWN"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Cancelled(MaskdError):
    """The call was ended from this side, or by the server."""

    code = "CANCELLED"


class InvalidArgument(MaskdError, ValueError):
    """A value breaks a rule; the message names it and the rule."""

    code = "INVALID_ARGUMENT"


class DeadlineExceeded(MaskdError, TimeoutError):
    """The timeout passed."""

    code = "DEADLINE_EXCEEDED"


class ResourceExhausted(MaskdError):
    """The server has no room for the call, or the message is too large."""

    code = "RESOURCE_EXHAUSTED"


class FailedPrecondition(MaskdError):
    """The client is closed, or belongs to the process that this one was forked from."""

    code = "FAILED_PRECONDITION"


class Unimplemented(MaskdError):
    """The server does not know the call."""

    code = "UNIMPLEMENTED"


class Internal(MaskdError):
    """The server, or its device, failed."""

    code = "INTERNAL"


class Unavailable(MaskdError, ConnectionError):
    """No server answers, or it drains."""

    code = "UNAVAILABLE"


_BY_CODE: dict[str, type[MaskdError]] = {error.code: error for error in MaskdError.__subclasses__()}

for _error in (MaskdError, *_BY_CODE.values()):
    _error.__module__ = "maskd"  # where users find them, for tracebacks


def make_error(code: str, message: str) -> MaskdError:
    """The exception of a gRPC code: the subclass that it has, or MaskdError itself."""
    return _BY_CODE.get(code, MaskdError)(message, code)

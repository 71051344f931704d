"""What the exchange answers with another status than 200: one JSON body for all but a bad token."""

from __future__ import annotations


class ApiError(Exception):
    """`{"error", "error_details", "message"}` with a status. `error` is a code's name or "unknown"."""

    def __init__(self, status: int, message: str, error: str = "unknown") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.error = error

    @property
    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_details": self.message, "message": self.message}


class BadRequest(ApiError):
    """400: what was sent cannot be read."""

    def __init__(self, message: str, error: str = "INVALID_ARGUMENT") -> None:
        super().__init__(400, message, error)


class NotFound(ApiError):
    """404."""

    def __init__(self, message: str, error: str = "NOT_FOUND") -> None:
        super().__init__(404, message, error)


class Forbidden(ApiError):
    """403: the key may not do this."""

    def __init__(self) -> None:
        super().__init__(403, "Missing required scopes", "PERMISSION_DENIED")

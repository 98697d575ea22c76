"""The one error that people see: plain words and what to do about it."""


class Problem(Exception):
    """Something that the person at the keyboard can put right.

    Attributes:
        advice: What to do, as one plain sentence; empty when there is nothing.
    """

    def __init__(self, text: str, *, advice: str = "") -> None:
        super().__init__(text)
        self.advice = advice

    def __str__(self) -> str:
        """The problem, and on a second line what to do."""
        text = super().__str__()
        return f"{text}\n  → {self.advice}" if self.advice else text


class StopRequestedError(BaseException):
    """Ctrl-C or SIGTERM arrived; not an `Exception`, so nothing swallows it."""

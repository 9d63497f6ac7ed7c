"""Everything that failbot refuses, in words that its user can act on."""

from __future__ import annotations


class FailbotError(Exception):
    """The root: its text says what happened and what to do next; `exit_code` is the command's.

    The text is for whoever runs failbot, and may name paths and settings; `for_people` is what
    people in Slack read.
    """

    exit_code = 1

    @property
    def for_people(self) -> str:
        return "failbot cannot do this just now; whoever runs it finds the reason in its log."


class SaidError(FailbotError):
    """One whose text is for whoever acted, in Slack too: it names no path and no setting."""

    @property
    def for_people(self) -> str:
        return str(self)


class ConfigError(FailbotError):
    """A setting is missing or malformed."""

    exit_code = 2


class DraftError(SaidError):
    """A draft cannot be recorded; `problems` maps a field's name to what is wrong with it."""

    exit_code = 2

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{field}: {words}" for field, words in problems.items()))


class InputError(SaidError):
    """What was typed or read cannot be understood."""

    exit_code = 2


class NotFoundError(SaidError):
    """Nothing of that number exists, or the viewer may not know whether it does."""

    exit_code = 3


class NotAllowedError(SaidError):
    """The viewer sees it but may not do this to it."""

    exit_code = 4


class StoreError(FailbotError):
    """The database cannot be opened, read or written."""

    exit_code = 5

    @property
    def for_people(self) -> str:
        return (
            "failbot cannot reach its memory just now, so nothing was changed. "
            "Please try again in a minute."
        )


class ModelError(FailbotError):
    """The model cannot be found, loaded or trusted."""

    exit_code = 6


class ModelMismatchError(ModelError):
    """The stored vectors were made by another model than the one that is set."""


class ReaderError(ModelError, SaidError):
    """The language model gave no usable answer: why, in words for whoever asked.

    `details` are the server's own words: for the operator, for they may repeat what was sent.
    """

    def __init__(self, words: str, *, details: str = "") -> None:
        self.details = details
        super().__init__(words)


class UnusableError(ReaderError):
    """The language model did answer, but not usably: the same text again helps little."""


class PrivateTextError(ReaderError):
    """The text is private, and the language model is where private text does not go."""


class SlackError(SaidError):
    """Slack refused something that failbot cannot go on without."""

    exit_code = 7


class StoppedError(SaidError):
    """The process was told to stop before this was done; nothing is wrong."""

    exit_code = 0

    def __init__(self) -> None:
        super().__init__("failbot is stopping; try again when it is back")


class TakenOverError(FailbotError):
    """Another process has this job by now: this one must neither send nor finish it."""

    def __init__(self) -> None:
        super().__init__("another process has taken this over")

"""What can go wrong, as one tree.

AttendingError
├── DatabaseRefused     the database file can't be used
├── BrokenFile          an imported file can't be read
├── UnknownName         a dataset, model, judge, question … that is not there
├── Refused             the request breaks a rule; nothing was written
│   ├── StaleRevision   somebody else changed it first
│   └── ReleaseRequired local text would leave this machine
├── NotAllowed          who asks has not the right to; nothing was read or written
├── EngineStopped       an engine can't go on: wrong key, unknown model …
│   └── BudgetReached   the job's money is spent; the job is done
├── CallFailed          one call failed in transport; its key stays outstanding
└── LeaseLost           another worker has taken the job over

An error has a code, which is a key of the language catalogue (`error.<code>`), and the values
that the sentence names. Core never writes sentences.
"""


class AttendingError(Exception):
    """Base of every error that a person is told about in one sentence."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code, values)
        self.code = code
        self.values = values


class DatabaseRefused(AttendingError):
    """The database file can't be used."""


class BrokenFile(AttendingError):
    """A file can't be read; nothing of it was kept."""


class UnknownName(AttendingError):
    """Something was named that does not exist."""


class Refused(AttendingError):
    """A rule of the product forbids the request."""


class StaleRevision(Refused):
    """The version that was edited is no longer the active one."""


class ReleaseRequired(Refused):
    """Text of a local dataset would be sent to a host that nobody released it to."""


class NotAllowed(AttendingError):
    """Whoever asks has not the right to; nothing was read or written."""


class EngineStopped(AttendingError):
    """The engine can't answer anything: going on would be useless."""


class BudgetReached(EngineStopped):
    """Another call might take the job over its budget: it ends here, and not by a fault."""


class CallFailed(AttendingError):
    """One call failed in transport; asking again may succeed."""


class LeaseLost(AttendingError):
    """The job belongs to another worker now."""

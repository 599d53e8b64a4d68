"""How an endpoint takes a judge's batches, as its refusals have taught so far."""

from dataclasses import dataclass

from core.domain.addresses import server_of
from core.engines.base import Reply
from core.engines.batch_files import RemoteBatch
from core.engines.complaints import Complaint
from core.engines.completions import FORMS
from core.errors import EngineStopped
from core.store.batches import Batch
from core.store.judges import Judge

#: The name that the limit of tokens went by before reasoning was counted into it, and now.
LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(slots=True)
class Terms:
    """What the next batches of a judge are like, and whether there are to be any.

    Attributes:
        form: how the schema of a verdict is asked for, of `FORMS`.
        limit_name: of the limit of tokens, of `LIMITS`.
        most_requests: in one batch.
        is_queue_full: one batch at a time.
        stopped_by: why nothing more is handed over, and what is handed over is given back.
    """

    judge: Judge
    form: str
    limit_name: str
    most_requests: int
    is_queue_full: bool = False
    stopped_by: EngineStopped | None = None

    def are_those_of(self, batch: Batch) -> bool:
        """Whether a batch was asked in the way in which the next one will be."""
        return (self.form, self.limit_name) == (batch.form, batch.limit_name)

    def stop(self, error: EngineStopped) -> None:
        """Hand nothing more over; the first error is the one that is told."""
        self.stopped_by = self.stopped_by or error

    def reply_of(self, complaint: Complaint, batch: Batch) -> Reply | None:
        """What a refused request says about its key; None where it is to be asked again."""
        if complaint.is_about_content or complaint.is_about_length:
            because = "content_filter" if complaint.is_about_content else "too_long"
            return Reply("", because, None, None, 0.0)
        if complaint.names_token_limit and batch.limit_name == LIMITS[0]:
            self.limit_name = LIMITS[1]
        elif complaint.names_format and batch.form:
            self.form = FORMS[FORMS.index(batch.form) + 1]
        elif refused := complaint.refused_calls(
            server_of(batch.address), self.judge.model, self.judge.parameters
        ):
            self.stop(refused)
        return None

    def learn_from_end(self, batch: Batch, remote: RemoteBatch, *, is_alone: bool) -> None:
        """What the end of a batch that nobody gave back means for the batches after it.

        Args:
            is_alone: no other batch of the judge is open.
        """
        host = server_of(batch.address)
        is_too_much = remote.state == "failed" and remote.problem == "token_limit_exceeded"
        if is_too_much and not is_alone:
            self.is_queue_full = True
        elif is_too_much and batch.total > 1:
            self.is_queue_full, self.most_requests = True, batch.total // 2
        elif remote.state == "failed":
            self.stop(EngineStopped("batch_refused", host=host, problem=remote.problem or "–"))
        elif remote.state == "cancelled":
            self.stop(EngineStopped("batch_cancelled", host=host))

"""What a pass of a continuous batch holds on a GPU: prompts alone while there are any.

transformers puts new tokens and prompts into one pass, which then lays all that every request
knows side by side. Prompts alone have little to lay out, and new tokens alone read the cache by
its pages.
"""

from typing import Any

from transformers.generation.continuous_batching.requests import RequestStatus
from transformers.generation.continuous_batching.scheduler import SCHEDULER_MAPPING, FIFOScheduler

#: What `ContinuousBatchingConfig.scheduler_type` calls it.
PROMPTS_FIRST = "prompts_first"


class PromptsFirst(FIFOScheduler):
    """Reads prompts before it writes new tokens, as long as the cache has room to spare."""

    def schedule_batch(self, token_budget: int, cache_budget: int) -> Any:
        """The requests of the next pass, and what it takes; see the library's `Scheduler`."""
        if not self.block_new_requests and self._try_to_meet_safety_margin():
            begun = [
                request
                for request in self.active_requests.values()
                if request.status == RequestStatus.PREFILLING
            ]
            taken: set[str] = set()
            requests, _, is_paged, tokens, known = self._process_candidates(
                begun + self._get_waiting_candidates(), token_budget, cache_budget, taken
            )
            self._cleanup_waiting_queue(taken)
            if requests:
                return requests, is_paged, tokens, known
        return super().schedule_batch(token_budget, cache_budget)


SCHEDULER_MAPPING[PROMPTS_FIRST] = PromptsFirst

"""The loopback endpoint as a process of its own: prints its address, then counts until stopped."""

import json
import signal
import sys
import threading

from tests.openai_server import OpenAIServer


def main() -> None:
    """Serve with the delay (seconds) given; on SIGTERM print how often each prompt was asked."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with OpenAIServer(delay=float(sys.argv[1])) as server:
        print(server.url, flush=True)
        ended.wait()
        asked = server.prompts
        counts = {"requests": sum(asked.values()), "prompts": len(asked),
                  "most_in_flight": server.most_in_flight}  # fmt: skip
        print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main()

"""Inference without a queue: requests as lines in, results as lines out.

The demonstration department is lived through before anything else runs; its studies
are inferred here, by the very code of the gpu worker.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, TextIO

from workers.contracts import InferRequest
from workers.inference.answering import answer, make_workplace
from workers.settings import read_settings

if TYPE_CHECKING:
    from workers.inference.workplace import Workplace


def serve(*, requests: TextIO, results: TextIO, workplace: Workplace) -> None:
    """Answer each request in turn, until there are no more.

    Args:
        requests: An `InferRequest` message as JSON on each line.
        results: Where an `InferResult` message is written for each, a line each.
        workplace: Models, decoder and device.

    Raises:
        PortalUnavailableError: The portal gives no answer.
    """
    for line in requests:
        request = InferRequest.from_message(json.loads(line))
        result = answer(request, workplace=workplace)
        results.write(json.dumps(result.to_message()) + "\n")
        results.flush()


if __name__ == "__main__":
    place = make_workplace(read_settings())
    place.decoder.start()
    serve(requests=sys.stdin, results=sys.stdout, workplace=place)

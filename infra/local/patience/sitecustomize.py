"""Lets a function in the embedded AWS wait for answers far longer than it means to.

Everything there runs on one machine, on which much else may run: an answer that takes a second
says nothing about the function.
"""

from typing import Any

import botocore.endpoint

_SECONDS = 600

_as_written = botocore.endpoint.EndpointCreator.create_endpoint


def _patient(*args: Any, **options: Any) -> Any:  # noqa: ANN401  # botocore's own
    return _as_written(*args, **{**options, "timeout": (_SECONDS, _SECONDS)})


botocore.endpoint.EndpointCreator.create_endpoint = _patient  # type: ignore[method-assign]  # all clients have

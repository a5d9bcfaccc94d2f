"""CloudFront Functions, run by Node as they are written.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
"""

import json
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

_RUNNER = """
const vm = require('vm');
const lines = require('readline').createInterface({input: process.stdin});
const known = new Map();
const modules = {querystring: require('querystring'), crypto: require('crypto')};
function load(code) {
  if (!known.has(code)) {
    const box = vm.createContext({console: {log() {}}, require: name => modules[name], Buffer});
    vm.runInContext(code.replace(/^\\s*import\\s.*$/gm, '').replace(/^\\s*export\\s+/gm, ''), box);
    known.set(code, vm.runInContext('handler', box));
  }
  return known.get(code);
}
lines.on('line', async line => {
  const {code, event} = JSON.parse(line);
  let answer;
  try { answer = {result: await load(code)(event)}; }
  catch (error) { answer = {error: String(error)}; }
  process.stdout.write(JSON.stringify(answer) + '\\n');
});
"""


class FunctionFailed(Exception):
    """A function threw, or returned nothing."""


class Node:
    """One Node process that runs functions, one event after the other."""

    def __init__(self, node: str = "node") -> None:
        self._process = subprocess.Popen(
            [node, "-e", _RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, code: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a function makes of an event: a request, or a response.

        Raises:
            FunctionFailed: it threw, or returned nothing.
        """
        assert self._process.stdin  # noqa: S101  # both are pipes
        assert self._process.stdout  # noqa: S101
        self._process.stdin.write(json.dumps({"code": code, "event": event}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if not answer.get("result"):
            raise FunctionFailed(answer.get("error", "The function returned nothing"))
        result: Mapping[str, Any] = answer["result"]
        return result

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def viewer_request(
    uri: str, query: str, headers: Mapping[str, str], method: str = "GET"
) -> Mapping[str, Any]:
    """Return the event of a viewer request."""
    parameters = [pair.partition("=") for pair in query.split("&") if pair]
    return {
        "version": "1.0",
        "context": {"eventType": "viewer-request", "distributionDomainName": "d111.cloudfront.net"},
        "viewer": {"ip": "192.0.2.1"},
        "request": {
            "method": method,
            "uri": uri,
            "querystring": {name: {"value": value} for name, _, value in parameters},
            "headers": {name.lower(): {"value": value} for name, value in headers.items()},
            "cookies": {},
        },
    }


def query_of(request: Mapping[str, Any]) -> str:
    """Return the query string of a request that a function returned."""
    return "&".join(
        f"{name}={one['value']}" if one["value"] else name
        for name, one in (request.get("querystring") or {}).items()
    )

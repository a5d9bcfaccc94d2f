"""CloudFormation and S3 as a deployment asks them: for a deployed template, and for buckets."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_STACK = """
<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
<DescribeStacksResult><Stacks><member><StackId>arn</StackId></member></Stacks>
</DescribeStacksResult></DescribeStacksResponse>"""
_TEMPLATE = """
<GetTemplateResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><GetTemplateResult>
<TemplateBody>{}</TemplateBody>
</GetTemplateResult></GetTemplateResponse>"""
_MISSING = """
<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error>
<Type>Sender</Type><Code>ValidationError</Code><Message>The stack does not exist</Message>
</Error></ErrorResponse>"""


@contextmanager
def formation(template: Mapping[str, Any] | None = None) -> Iterator[Mapping[str, str]]:
    """Yield the environment of a program for which this template, or nothing, is deployed.

    Every bucket exists.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"])).decode()
            self.send_response(200 if template else 400)
            self.end_headers()
            body = _TEMPLATE.format(escape(json.dumps(template)))
            if "Action=DescribeStacks" in asked:
                body = _STACK if template else _MISSING
            self.wfile.write(body.encode())

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(b"<ListBucketResult/>")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "NO_PROXY": "127.0.0.1",
        }
        server.shutdown()

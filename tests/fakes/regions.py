"""S3 as strangers see it: it refuses them, and says where a bucket is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def s3() -> Iterator[str]:
    """Yield the endpoint of an S3 whose buckets are in eu-west-1, but for nobodys-site."""

    class Refusal(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(403)
            if self.path != "/nobodys-site":
                self.send_header("x-amz-bucket-region", "eu-west-1")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

"""A registry of images on loopback, for Docker's daemon to pull from."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def image() -> tuple[str, dict[str, bytes]]:
    """An image with one file that nobody can run: the digest of its manifest, and all its blobs."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("nothing")
        entry.size = 300_000
        archive.addfile(entry, io.BytesIO(os.urandom(entry.size)))
    layer = gzip.compress(raw.getvalue(), 1)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/nothing"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(raw.getvalue())]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": _LAYER, "size": len(layer), "digest": _digest(layer)}],
        }
    ).encode()
    return _digest(manifest), {_digest(blob): blob for blob in (layer, config, manifest)}


@contextlib.contextmanager
def serving(
    blobs: Mapping[str, bytes], manifest: str, *, stops_after: int | None = None
) -> Iterator[str]:
    """Serves an image, or only so many bytes of each blob; gives the registry's host and port."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, *, body):
            word = self.path.rsplit("/", 1)[-1]
            blob = blobs.get(manifest if "/manifests/" in self.path else word)
            is_base = self.path == "/v2/"
            content = b"{}" if is_base else blob
            self.send_response(200 if content is not None else 404)
            kind = _MANIFEST if "/manifests/" in self.path else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            if "/manifests/" in self.path and content is not None:
                self.send_header("Docker-Content-Digest", manifest)
            self.end_headers()
            if body and content is not None:
                holds = stops_after is not None and "/blobs/" in self.path
                self.wfile.write(content[:stops_after] if holds else content)
                self.wfile.flush()
                if holds and len(content) > stops_after:
                    over.wait()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()

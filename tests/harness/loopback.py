"""A package index on the loopback interface that writes down every request.

In: releases, perhaps a password. Out: an address for `--index-url`, and the paths that were asked.
"""

from __future__ import annotations

import base64
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from harness.wheels import Release, build_wheel, metadata_text

_BACKEND = """
open({trace!r}, "w").close()
raise SystemExit("a stranger's build ran")
"""


class LoopbackIndex:
    """A folder of wheels and sdists, served; a context."""

    def __init__(self, folder: Path, password: str = "") -> None:
        folder.mkdir()
        self.folder = folder
        self.password = password
        self.requests: list[str] = []
        self.on_request: Callable[[str], None] = lambda _: None
        """Called with each path before it is answered."""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The address without a user."""
        return f"http://127.0.0.1:{self.server.server_port}/simple"

    @property
    def secret_url(self) -> str:
        """The address with user and password."""
        return self.url.replace("//", f"//me:{self.password}@")

    def __enter__(self) -> LoopbackIndex:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add(self, *releases: Release) -> None:
        """Offer releases as wheels."""
        for release in releases:
            build_wheel(release, self.folder)

    def add_trap(self, name: str, version: str, trace: Path) -> None:
        """Offer an sdist that leaves a trace when anybody builds it or asks for its metadata."""
        stem = f"{name.replace('-', '_')}-{version}"
        with zipfile.ZipFile(self.folder / f"{stem}.zip", "w") as archive:
            project = '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
            archive.writestr(f"{stem}/pyproject.toml", project + 'backend-path = ["."]\n')
            archive.writestr(f"{stem}/PKG-INFO", metadata_text(Release(name, version)))
            archive.writestr(f"{stem}/backend.py", _BACKEND.format(trace=str(trace)))

    def answer(self, path: str) -> bytes | None:
        """Return the page of a project, or a file; None for what is not here."""
        parts = path.strip("/").split("/")
        if parts[0] == "files" and len(parts) == 2:
            file = self.folder / parts[1]
            return file.read_bytes() if file.is_file() else None
        files = sorted(p.name for p in self.folder.iterdir())
        mine = [f for f in files if f.partition("-")[0].replace("_", "-") == parts[-1]]
        links = (f'<a href="/files/{file}">{file}</a>' for file in mine)
        return "\n".join(links).encode() if mine else None

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        index = self
        expected = "Basic " + base64.b64encode(f"me:{index.password}".encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.requests.append(self.path)
                index.on_request(self.path)
                if index.password and self.headers.get("Authorization") != expected:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="private"')
                    self.end_headers()
                    return
                content = index.answer(self.path)
                self.send_response(200 if content is not None else 404)
                is_file = self.path.startswith("/files/")
                kind = "application/octet-stream" if is_file else "text/html"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def do_HEAD(self) -> None:
                """Answer as to GET; a client that wants the head alone closes after it."""
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing on stderr."""

        return Handler

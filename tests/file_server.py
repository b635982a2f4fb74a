"""A server of files on this machine, for tests that download."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Server(ThreadingHTTPServer):
    """Answers every request with what it was given, and counts them."""

    daemon_threads = True

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Answer)
        self.answers = answers
        self.asked = []

    def url(self, path="runs.csv"):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.answers.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        body, promised = content if isinstance(content, tuple) else (content, len(content))
        self.send_response(200)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def serving(**answers):
    """A server of files on this machine; a file is bytes, or bytes and the length that it claims."""
    server = Server({name.replace("__", "."): content for name, content in answers.items()})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, no folder of data, and no proxy between us and our own server."""
    pytest.importorskip("pooch")
    monkeypatch.setenv("SCALEFIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SCALEFIT_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path / "cache"

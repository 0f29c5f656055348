"""The HTTP interface of ClickHouse, as its documentation describes it, over chDB, which is ClickHouse as a library."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

database = session.Session()
lock = threading.Lock()
# Parameters of a request that are not settings.
ours = {"query", "database", "default_format", "wait_end_of_query"}


def run(query, parameters):
    form = parameters.get("default_format", "TabSeparated")
    for name, value in parameters.items():
        if name not in ours:
            database.query(f"SET {name} = '{value}'")
    if "database" in parameters:
        database.query(f"USE {parameters['database']}")
    return bytes(database.query(query, form).bytes())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        parameters = dict(parse_qsl(urlsplit(self.path).query))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("X-ClickHouse-Key") != "secret":
            user = self.headers.get("X-ClickHouse-User")
            return self.answer(403, f"Code: 516. DB::Exception: {user}: Authentication failed. (AUTHENTICATION_FAILED)".encode())
        # chDB takes statements as text, where ClickHouse takes any bytes.
        query = parameters.get("query", "") + "\n" + body.decode()
        try:
            with lock:
                answer = run(query, parameters)
        except Exception as error:
            status = 404 if "Code: 60." in str(error) else 500
            return self.answer(status, f"{error} (version 26.9.2.1)".encode("utf-8", "replace"))
        self.answer(200, answer)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

"""The real Segment client posts to a server on loopback; its calls arrive in the marts."""

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import segment.analytics as segment


class Sink(BaseHTTPRequestHandler):
    """Keeps every posted body as one line."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture
def sink():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.bodies = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_calls_of_the_segment_client_become_a_user_a_company_and_events(daybook, sink):
    client = segment.Client(
        "a write key", host=f"http://127.0.0.1:{sink.server_port}", sync_mode=False, gzip=False
    )
    client.identify("ana", {"email": "ana@acme.example", "role": "founder"})
    client.group("ana", "acme", {"name": "Acme", "plan": "Growth", "employees": 12})
    client.track("ana", "signed_up", {"source": "not invited"})
    client.track("ana", "report_loaded", {"report_type": "Retention"}, {"groupId": "acme"})
    client.shutdown()
    daybook.write(b"\n".join(sink.bodies))

    daybook.land()
    daybook.build(vars={"as_of": str(datetime.now(UTC).date())})

    assert daybook.rows("select user_id, company_id, role, email from marts.dim_users") == [
        {"user_id": "ana", "company_id": "acme", "role": "founder", "email": "ana@acme.example"}
    ]
    assert daybook.rows(
        "select company_id, name, is_paying, employees from marts.dim_companies"
    ) == [{"company_id": "acme", "name": "Acme", "is_paying": True, "employees": 12}]
    assert daybook.rows(
        "select event, user_id, company_id, company_source, is_planned, library"
        " from marts.fct_events order by event_at"
    ) == [
        {
            "event": event,
            "user_id": "ana",
            "company_id": "acme",
            "company_source": company_source,
            "is_planned": True,
            "library": "analytics-python",
        }
        for event, company_source in [("signed_up", "membership"), ("report_loaded", "event")]
    ]

"""The page under attack: texts that would be markup, pages of other origins, other hosts."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from failbot.demo.live import Live
from failbot.sandbox.control import Control
from failbot.sandbox.factory import ADA
from tests.browser import kit
from tests.browser.window import Window

# After OWASP's filter evasion cheat sheet, and Slack's own markup bent.
HOSTILE = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg/onload=window.hit=1>",
    "\"><img src=x onerror='window.hit=1'>",
    "<iframe srcdoc='<script>parent.hit=1</script>'>",
    "<style>body{display:none}</style>",
    "&lt;img src=x onerror=window.hit=1&gt;",
    "&amp;lt;script&amp;gt;window.hit=1&amp;lt;/script&amp;gt;",
    "javascript:window.hit=1",
    "<javascript:window.hit=1|click me>",
    "<data:text/html,<script>window.hit=1</script>|click me>",
    '<https://example.org/"onmouseover="window.hit=1|click me>',
    "<https://example.org|<img src=x onerror=window.hit=1>>",
    "<JaVaScRiPt:window.hit=1|click me>",
    "`<img src=x onerror=window.hit=1>`",
    "```<img src=x onerror=window.hit=1>```",
    "> <img src=x onerror=window.hit=1>",
    "*<b onmouseover=window.hit=1>bold</b>*",
    "<@U0ADA000001|<img src=x onerror=window.hit=1>>",
    "<#C0GENERAL01|<img src=x onerror=window.hit=1>>",
    "<!date^1^{date}^javascript:window.hit=1|<img src=x onerror=window.hit=1>>",
    "{{constructor.constructor('window.hit=1')()}}${window.hit=1}",
    "\u202eevil\u202c \x00 \ufffe",
)


def unharmed(window: Window) -> bool:
    """No script ran, nothing but the page's own elements is there, and no link runs a script."""
    return bool(
        window.page.evaluate(
            """() => window.hit === undefined
            && !document.body.querySelector('script, iframe, style, img, object, embed, base')
            && [...document.links].every((a) => /^(https?:|mailto:|tel:)$/.test(a.protocol))
            && [...document.querySelectorAll('*')].every((node) =>
                 [...node.attributes].every((a) => !a.name.startsWith('on')))"""
        )
    )


@pytest.mark.parametrize("raw", [False, True], ids=["typed", "sent as markup"])
def test_hostile_messages_stay_text(
    window: Window, control: Control, channel: str, raw: bool
) -> None:
    """Each is shown as the text that it is, whether typed or planted as Slack's own markup."""
    ada = control.as_(ADA)
    channel_id = next(one["id"] for one in ada.channels() if one.get("name") == channel)
    window.enter(channel)
    for text in HOSTILE:
        ada.say(channel_id, text, raw=raw)
    ada.say(channel_id, "that was all")
    window.see("that was all")
    assert window.main.get_by_role("article").count() == len(HOSTILE) + 1
    if not raw:
        assert window.message(HOSTILE[0]).count() == 1
    assert unharmed(window)


def test_hostile_entry_stays_text_wherever_it_is_shown(window: Window, channel: str) -> None:
    """In the form, the card, an answer, the list, the Home tab, and the form again."""
    window.enter(channel)
    all_of_it = "\n".join(HOSTILE[:-1])
    window.form()
    window.field("What we tried and expected").fill(f"hostile hydra {all_of_it}")
    window.field("What happened instead").fill(all_of_it)
    window.field("Title").fill("hostile hydra <img src=x onerror=window.hit=1>")
    window.field("Links").fill('https://example.org/"onmouseover="window.hit=1')
    window.field("Tags").fill("<b>tag</b>, javascript:window.hit=1")
    window.submit()
    card = window.see("hostile hydra")
    assert "<script>window.hit=1</script>" in card.inner_text()
    window.send("@failbot hostile hydra <img src=x onerror=window.hit=1> script hit")
    window.open_thread("@failbot hostile hydra")
    window.send("/failure mine")
    window.see("Only visible to you")
    assert unharmed(window)
    window.enter("failbot")
    window.page.get_by_role("link", name="Home", exact=True).click()
    window.main.get_by_text("hostile hydra").wait_for()
    assert unharmed(window)


def test_hostile_names_stay_text(open_window: Any) -> None:
    """Of people, channels, topics and files."""
    evil = "<img src=x onerror=window.hit=1>"
    with kit.running() as box:
        control = box.control
        user_id = control.add_person("evil", real_name=f"Eve {evil}")
        channel_id = control.add_channel(f"evil-{evil}", members=[ADA, user_id])
        box.platform.workspace.channels[channel_id].topic = evil
        eve = control.as_(user_id)
        eve.say(channel_id, "a file", files=[evil])
        window = open_window(f"{box.url}/#/{ADA}/{channel_id}")
        assert evil in window.see("a file").inner_text()
        window.type("@ev")
        window.page.get_by_role("option").first.wait_for()
        window.type("")
        window.page.get_by_role("button", name="4 members").or_(
            window.page.get_by_role("button", name="3 members")
        ).click()
        window.dialog.get_by_text("Eve <img").wait_for()
        assert unharmed(window)


def test_links_lead_away_without_telling_where_from(window: Window, channel: str) -> None:
    """A web address opens elsewhere, with neither opener nor referrer."""
    window.enter(channel)
    window.send("see https://example.org/a?b=1&c=2 there")
    link = window.see("example.org").get_by_role("link")
    assert link.get_attribute("href") == "https://example.org/a?b=1&c=2"
    assert link.get_attribute("target") == "_blank"
    assert set(link.get_attribute("rel").split()) >= {"noopener", "noreferrer"}


def test_nothing_inline_may_run(window: Window) -> None:
    """Were markup to slip through, the policy would stop it: scripts, styles, strings as markup."""
    window.main.wait_for()
    stopped = window.page.evaluate(
        """() => {
            const node = document.createElement('div');
            try { node.innerHTML = '<b>x</b>'; return false } catch { return true }
        }"""
    )
    assert stopped
    window.errors.clear()  # the policy's own report of the attempt


@pytest.fixture
def other_origin() -> Iterator[str]:
    """A page on another port, which is another origin."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>elsewhere</title>")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


ATTEMPTS = """async ([url, path, type]) => {
    const body = JSON.stringify({as: 'U0ADA000001', channel_id: 'C0GENERAL01', text: 'forged'});
    const headers = type ? {'Content-Type': type} : {};
    try {
        const answer = await fetch(url + path, {method: 'POST', mode: type === 'application/json'
            ? 'cors' : 'no-cors', headers, body});
        return answer.type === 'opaque' ? 'unreadable' : String(answer.status);
    } catch { return 'refused' }
}"""


@pytest.mark.parametrize("path", ["/control/say", "/page/screen", "/page/travel"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/json"])
def test_another_origin_can_neither_write_nor_read(
    open_window: Any, live: Live, other_origin: str, path: str, content_type: str
) -> None:
    """Neither a simple request nor one that needs a preflight has an effect."""
    before = live.box.control.version()
    window = open_window(other_origin)
    outcome = window.page.evaluate(ATTEMPTS, [live.box.url, path, content_type])
    assert outcome in ("refused", "unreadable")
    assert live.box.control.version() == before
    window.errors.clear()  # the browser's own report of the refusal


def test_another_origin_cannot_frame_the_page(
    open_window: Any, live: Live, other_origin: str
) -> None:
    """A frame of it stays empty."""
    window = open_window(other_origin)
    window.page.evaluate(
        """(url) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = done;
            frame.src = url;
            document.body.append(frame);
        })""",
        live.box.url,
    )
    frame = window.page.frames[1]
    assert frame.url.startswith("chrome-error:")
    window.errors.clear()  # the browser's own report of the refusal


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/page/screen", "/control/say"])
def test_another_host_is_not_served(live: Live, path: str) -> None:
    """A name that was made to point here (DNS rebinding) gets nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", live.box.port, timeout=5)
    method = "GET" if "." in path or path == "/" else "POST"
    connection.request(method, path, body="{}", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 421
    connection.close()


@pytest.mark.parametrize(
    "name", ["../routes.py", "..%2froutes.py", "%2e%2e/routes.py", "nothing.js", "__init__.py"]
)
def test_only_the_pages_own_files_are_served(live: Live, name: str) -> None:
    """No path leads out of their folder."""
    connection = http.client.HTTPConnection("127.0.0.1", live.box.port, timeout=5)
    connection.request("GET", f"/page/{name}")
    assert connection.getresponse().status == 404
    connection.close()

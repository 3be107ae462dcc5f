import pytest
from tests.admin.test_designer_in_a_browser import *
from usertasks.every_type import EVERY_TYPE
from tests.cast import *
from usertasks import operations
from usertasks.actors import actor_for

@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_shot(desk, live_server, width, scheme, alice):
    d = a_definition(fields=[UserTaskField(**f) for f in EVERY_TYPE])
    a_run(d); a_run(d)
    desk.emulate_media(color_scheme=scheme)
    desk.set_viewport_size({"width": width, "height": 1000})
    opened(desk, live_server, d)
    for i in (0, 6):
        open_part(desk, i, "What an answer may be"); open_part(desk, i, "How the form asks")
    desk.locator("#id_fields-0-max_length").fill("99")
    desk.locator("#fields-0").get_by_role("button", name="Move down").click()
    desk.wait_for_timeout(1200)
    desk.screenshot(path=f"/tmp/shot-{width}-{scheme}.png")
    desk.locator("#preview").scroll_into_view_if_needed()
    if width < 1000: desk.locator("#preview").evaluate("e => e.scrollIntoView()")
    else: desk.locator("#fields-6").evaluate("e => e.scrollIntoView()")
    desk.wait_for_timeout(300)
    desk.screenshot(path=f"/tmp/shot-{width}-{scheme}-2.png")
    run = claimed_by(alice, definition=a_definition("it-request2", fields=None))
    for item in ("x", "blaster", "a long text of many words that goes on and on"):
        operations.save_progress(run.id, {"requestedItem": item, "justification": "because"}, by=actor_for(alice))
    desk.goto(f"{live_server.url}/inbox/tasks/{run.id.hex}/")
    for s in desk.locator(".answer-changes summary").all(): s.click()
    desk.locator(".history").scroll_into_view_if_needed()
    desk.screenshot(path=f"/tmp/hist-{width}-{scheme}.png", full_page=True)

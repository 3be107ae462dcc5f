"""What stands beside Viewflow is measured with forms as a browser sends them."""

from __future__ import annotations

import pytest

from benchmarks.browser import Form, form_in, token_in

PAGE = """
<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="t0ken"></form>
<form id="task-form" method="post" enctype="multipart/form-data">
  <input type="hidden" name="version" value="2"><textarea name="reason"></textarea>
  <input type="radio" name="urgent" value="true"><input type="radio" name="urgent" value="" checked>
  <button name="action" value="claim">Claim</button>
</form>
<input name="outside" value="1"><textarea name="comment" form="task-form"></textarea>
<form><input name="other" value="1"></form>
"""


def test_a_form_is_sent_with_the_fields_that_belong_to_it_and_without_a_button() -> None:
    form = form_in(PAGE, "task-form")
    assert form.fields == {"version": "2", "reason": "", "urgent": "", "comment": ""}
    assert form.is_multipart


def test_a_button_is_sent_as_one_field_more() -> None:
    form = form_in(PAGE, "task-form").with_fields(action="claim", version="3")
    assert b'name="action"\r\n\r\nclaim\r\n' in form.body
    assert b'name="version"\r\n\r\n3\r\n' in form.body
    assert form.content_type.startswith("multipart/form-data; boundary=")


def test_a_plain_form_is_urlencoded() -> None:
    form = Form({"reason": "one & two"})
    assert (form.content_type, form.body) == ("application/x-www-form-urlencoded", b"reason=one+%26+two")


def test_the_token_of_the_forms_is_read_from_the_page() -> None:
    assert token_in(PAGE) == "t0ken"
    with pytest.raises(RuntimeError):
        token_in("<p>Nothing to send.</p>")

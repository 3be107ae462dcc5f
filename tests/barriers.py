"""What axe finds wrong with a page; it knows the rules of WCAG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

ASK = "options => axe.run(options).then(found => found.violations)"


def violations(page: Page, rules: Mapping[str, Any] | None = None) -> list[str]:
    """Axe is given to a page once, and tells nothing of what is in order: both are long, and cost more than its rules.

    `rules` are options of `axe.run`.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(ASK, {**(rules or {}), "resultTypes": ["violations"]})
    return [f"{violation['id']}: {violation['nodes'][0]['html'][:120]}" for violation in found]

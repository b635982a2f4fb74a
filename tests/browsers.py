"""A real browser without a window, for pages that must work in one; tests skip where there is none."""

import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def browser_path():
    """Where Chromium of the system is; skips where it is not."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    pytest.skip(f"needs a browser of the system, one of {', '.join(NAMES)}: apt-get install chromium")


@contextmanager
def open_browser():
    """Chromium without a window, driven by playwright."""
    driver = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    path = browser_path()
    with driver.sync_playwright() as playwright:
        # Without the sandbox, which root may not have; the only pages opened are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser, path, **settings):
    """A page from disk, and everything that it complained of or asked for beyond itself."""
    context = browser.new_context(**settings)
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("request", lambda request: heard.append(f"request: {request.url[:200]}"))
    url = path.resolve().as_uri()
    page.goto(url)
    heard.remove(f"request: {url}")
    try:
        yield page, heard
    finally:
        context.close()

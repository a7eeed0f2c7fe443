"""Logging in as a person does: with the form."""

from playwright.sync_api import Page

from console.accounts.demo_users import DEMO_PASSWORD


def log_in(page: Page, url: str, login: str, path: str = "/settings") -> None:
    """Fill the form in and come to a page."""
    page.goto(f"{url}/login?next={path}")
    fill_in(page, login)
    page.wait_for_url(f"{url}{path}")


def fill_in(page: Page, login: str) -> None:
    """Fill in the form that is shown, and send it."""
    page.fill("input[name=u]", login)
    page.fill("input[name=p]", DEMO_PASSWORD)
    page.click("form button.pri")

"""Guessing: who guesses locks out themselves, at their place, and nobody else."""

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest
from httpx2 import Client
from sqlalchemy import Engine, func, select

from console.accounts.demo_users import DEMO_PASSWORD
from console.auth import attempts
from console.auth.attempts import TRIES, TRIES_OF_A_NAME, TooManyTries, place_of
from console.auth.users import authenticate
from console.db.tables import login_attempt
from console.web.config import real_time
from tests.console.conftest import OpenConsole
from tests.console.served import serving

HERE, THERE, OFFICE = "192.0.2.1", "192.0.2.2", "198.51.100.7"


def guess(engine: Engine, login: str, address: str, times: int, device: str = "") -> int:
    """Wrong passwords; how many of them were looked at."""
    looked = 0
    for _ in range(times):
        try:
            assert authenticate(engine, login, "wrong", real_time(), address, device).user is None
            looked += 1
        except TooManyTries:
            pass
    return looked


def lets_in(engine: Engine, login: str, address: str, device: str = "") -> bool:
    """Whether the right password opens."""
    try:
        return authenticate(engine, login, DEMO_PASSWORD, real_time(), address, device).user is not None
    except TooManyTries:
        return False


def test_wrong_guesses_at_one_address_stop_nobody_elsewhere(engine: Engine) -> None:
    assert guess(engine, "county", HERE, TRIES + 3) == TRIES
    assert not lets_in(engine, "county", HERE)
    assert lets_in(engine, "county", THERE)
    assert not lets_in(engine, "county", HERE), "a login elsewhere gives who guesses no new tries"


def test_a_hundred_guesses_at_one_name_do_not_lock_the_office(engine: Engine) -> None:
    assert guess(engine, "county", OFFICE, 100) == TRIES
    assert lets_in(engine, "city", OFFICE)


def test_a_known_device_waits_for_no_failure_of_others(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "TRIES_OF_A_NAME", 2 * TRIES)
    device = authenticate(engine, "county", DEMO_PASSWORD, real_time(), OFFICE).device
    for address in (HERE, THERE, OFFICE):
        guess(engine, "county", address, TRIES)
    assert not lets_in(engine, "county", "203.0.113.9"), "guessing from everywhere ends"
    assert lets_in(engine, "county", OFFICE, device)
    assert not lets_in(engine, "city", OFFICE, "x.y.z") or lets_in(engine, "city", OFFICE)


def test_a_device_has_tries_of_its_own_and_no_more(engine: Engine) -> None:
    device = authenticate(engine, "county", DEMO_PASSWORD, real_time(), OFFICE).device
    assert guess(engine, "county", HERE, TRIES + 3, device) == TRIES
    assert not lets_in(engine, "county", HERE, device)
    assert lets_in(engine, "county", HERE)


@pytest.mark.parametrize("spoil", ["other user", "signature", "old", "nonsense"])
def test_a_device_that_is_not_this_users_is_none(engine: Engine, spoil: str) -> None:
    now = real_time()
    device = authenticate(engine, "county", DEMO_PASSWORD, now, OFFICE).device
    login = "city" if spoil == "other user" else "county"
    token = {"signature": device[:-1] + "x", "nonsense": ".é.²."}.get(spoil, device)
    then = now + attempts.DEVICE_LASTS + timedelta(days=1) if spoil == "old" else now
    for _ in range(TRIES):
        authenticate(engine, login, "wrong", then, HERE, token)
    with pytest.raises(TooManyTries):
        authenticate(engine, login, DEMO_PASSWORD, then, HERE, token)


def test_many_addresses_of_one_network_are_one_place() -> None:
    assert place_of("2001:db8:1:2::1") == place_of("2001:db8:1:2:ffff::9") != place_of("2001:db8:1:3::1")
    assert place_of("::ffff:192.0.2.1") == place_of("192.0.2.1")
    assert len(place_of("x" * 1000)) <= 64


def test_guesses_from_everywhere_are_bounded_and_so_is_what_is_kept(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.auth.users._matches", lambda *_: False)  # the count is asked for, not the password
    assert sum(guess(engine, "county", f"192.0.2.{n}", TRIES) for n in range(40)) == TRIES_OF_A_NAME
    monkeypatch.setattr(attempts, "MOST_KEPT", 50)
    for number in range(80):
        guess(engine, f"nobody-{number}", f"198.51.100.{number}", 1)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(login_attempt)).scalar_one() <= 50


def test_an_unknown_name_costs_the_same_time(engine: Engine) -> None:
    took: dict[str, list[float]] = {"county": [], "nobody": []}
    for number in range(5):
        for login, times in took.items():
            began = time.perf_counter()
            authenticate(engine, login, "wrong", real_time(), f"192.0.2.{number}")
            times.append(time.perf_counter() - began)
    known, unknown = (median(times) for times in took.values())
    assert 0.5 < known / unknown < 2


def test_the_browser_that_logged_in_before_gets_in_while_somebody_guesses_beside_it(console: OpenConsole) -> None:
    county, stranger = console("county"), console()
    for _ in range(TRIES + 2):
        answer = stranger.log_in("county", "not the password")
    assert answer.status_code == 429
    assert stranger.log_in("county").status_code == 429
    assert county.log_in("county").status_code == 303
    assert stranger.log_in("city").status_code == 303


def test_a_flood_of_logins_leaves_pages_free(recorded: Path, tmp_path: Path) -> None:
    shutil.copyfile(recorded, tmp_path / "handover.sqlite")
    with serving(tmp_path) as served, served.log_in("county") as county, Client(base_url=served.address) as stranger:
        token = re.search(r'name="login_token" value="([^"]+)"', stranger.get("/login").text)
        assert token is not None

        def guessed(number: int) -> int:
            fields = {"u": f"nobody-{number}", "p": "x" * 12, "login_token": token[1], "next": "/"}
            return stranger.post("/login", data=fields, timeout=60).status_code

        with ThreadPoolExecutor(60) as crowd:
            flood = [crowd.submit(guessed, number) for number in range(60)]
            began = time.monotonic()
            assert county.get("/settings").status_code == 200
            took = time.monotonic() - began
            assert {one.result() for one in flood} <= {401, 429, 503}
    assert took < 5

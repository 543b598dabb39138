"""Devices by what programs of today say of themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import devices

MOZILLA = "Mozilla/5.0"
IPHONE = f"{MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X)"
MAC = f"{MOZILLA} (Macintosh; Intel Mac OS X 10_15_7)"
ANDROID = f"{MOZILLA} (Linux; Android 10; K)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (f"{MOZILLA} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/141.0.0.0 Safari/537.36", "Chrome on Windows"),
        (f"{MOZILLA} (Windows NT 10.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "Edge on Windows"),
        (f"{ANDROID} {WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        (f"{ANDROID} {WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36 EdgA/141.0", "Edge on Android"),
        (f"{MAC} AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "Safari on Mac"),
        (f"{IPHONE} AppleWebKit/605.1.15 Mobile Safari/604.1", "Safari on iPhone"),
        (f"{IPHONE} CriOS/141.0 Mobile Safari/604.1", "Chrome on iPhone"),
        (f"{MOZILLA} (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36", "Chrome on ChromeOS"),
        ("curl/8.5.0", "curl"),
        ("python-httpx/0.28.1", "a Python program"),
        ("something/1.0 (Linux)", "Linux"),
        ("something/1.0", None),
        ("", None),
        (None, None),
    ],
)  # fmt: skip
def test_a_device_is_called_what_its_owner_calls_it(user_agent: str | None, device: str | None) -> None:
    assert devices.named(user_agent) == device


@given(st.text(max_size=300))
def test_whatever_a_program_says_nothing_of_it_is_repeated(user_agent: str) -> None:
    """Names are ours, so that no program's words pass for the vault's."""
    known = {name for names in (devices._PROGRAMS, devices._SYSTEMS) for _, name in names}
    assert set((devices.named(user_agent) or "Linux").split(" on ")) <= known

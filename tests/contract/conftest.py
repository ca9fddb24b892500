"""The agents of this machine, for every contract test that wants each of them."""

from __future__ import annotations

import asyncio

import pytest
from playing import KINDS, opened


@pytest.fixture(params=KINDS)
def any_agent(request):
    made = opened(request.param)
    yield made
    asyncio.run(made.close())

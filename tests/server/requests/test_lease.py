"""How long a worker may take, and how long a request is kept once it was handed out."""

from datetime import timedelta

import pytest

from horde.kinds.image import ImageParams
from horde.server.accounts.users import User
from horde.server.requests.claim import claim_together
from horde.server.requests.lease import Popped
from horde.server.requests.tries import Claim
from horde.server.workers.checkin import check_in
from tests.plugins.hordes import Clock
from tests.server.builders import asked, one, popped, said, user

LONG = ImageParams(width=1024, height=1024)
"""Leased for 270 s, which is more than the server's minimum."""
FLUX, REGEN = "Flux.1-Schnell fp8 (Compact)", "AI Horde Worker reGen:9:x"
"""A large model, and a program that knows how to use it."""


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks and serves."""
    return await user(clock.ctx, "Ada", has=1000)


@pytest.mark.parametrize(
    ("params", "model", "is_extra_slow", "lease_s"),
    [
        (ImageParams(), "stable_diffusion", False, 150),  # 90 s, which is less than the minimum
        (ImageParams(), FLUX, False, 270),  # three times 90: the minimum comes after
        (ImageParams(steps=1), FLUX, False, 150),
        (ImageParams(), "stable_diffusion", True, 450),  # three times the minimum: it comes before
        (LONG, "stable_diffusion", True, 810),
        (ImageParams(), FLUX, True, 810),
    ],
)
async def test_lease_counts_large_models_then_the_minimum_then_extra_slow_workers(
    clock: Clock, ada: User, params: ImageParams, model: str, is_extra_slow: bool, lease_s: int
) -> None:
    await asked(clock.ctx, ada, params=params, models=(model,), extra_slow_workers=True)

    found = await popped(clock.ctx, ada, models=(model,), agent=REGEN, is_extra_slow=is_extra_slow)

    assert found.lease_s == lease_s
    assert await one(clock.ctx, "SELECT deadline FROM jobs") == clock.now + timedelta(seconds=lease_s)


@pytest.mark.parametrize(("is_extra_slow", "minutes"), [(False, 20), (True, 60)])
async def test_request_is_kept_longer_when_an_extra_slow_worker_has_it(
    clock: Clock, ada: User, is_extra_slow: bool, minutes: int
) -> None:
    await asked(clock.ctx, ada, extra_slow_workers=True)

    found = await popped(clock.ctx, ada, is_extra_slow=is_extra_slow)

    # Kept so long after the end of the lease: till then somebody works on it.
    expires_at = clock.now + timedelta(seconds=found.lease_s, minutes=minutes)
    assert await one(clock.ctx, "SELECT expires_at FROM requests") == expires_at


@pytest.mark.parametrize("slow_one", ["Atlas", "Zeus"])
async def test_request_of_several_workers_at_once_is_kept_for_the_slowest(
    clock: Clock, ada: User, slow_one: str
) -> None:
    members = [await check_in(clock.ctx, ada, said(name, is_extra_slow=name == slow_one)) for name in ("Atlas", "Zeus")]
    await asked(clock.ctx, ada, n=2, extra_slow_workers=True)

    found = await claim_together(
        clock.ctx,
        [Claim(member=member, amount=1, first_users=(), only_first=False, blacklist=()) for member in members],
    )

    assert sorted(batch.lease_s for batch in found if isinstance(batch, Popped)) == [150, 450]
    expires_at = clock.now + timedelta(seconds=450, minutes=60)
    assert await one(clock.ctx, "SELECT expires_at FROM requests") == expires_at

"""Messages can be checked by the libraries of Standard Webhooks, also while a secret is being changed."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from horde.errors import AnonForbidden
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.settings import Settings
from horde.server.webhooks.outbox import forget_old_messages
from horde.server.webhooks.sign import BOTH_VALID, rotate, secret, signature
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, one, user
from tests.server.webhooks.receiver import Heard, Receiver, receiver
from tests.server.webhooks.scene import for_loopback, send, told


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return for_loopback(settings)


@pytest.fixture
def target() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


async def heard(ctx: Context, requestor: User, target: Receiver) -> Heard:
    """A message that was sent now."""
    await told(ctx, requestor, await user(ctx, "Bob", has=0), target.url)
    await send(ctx)
    return target.heard[-1]


def test_signature_is_that_of_the_reference_library() -> None:
    key = bytes.fromhex("31f29e8a0fa3f4e0b1d1b6e5a6d0a5c3")
    expected = Webhook(key).sign("msg_1", datetime.fromtimestamp(1_614_265_330, UTC), '{"test": 2432232314}')

    assert signature(key, "msg_1", 1_614_265_330, b'{"test": 2432232314}') == expected


async def test_owner_can_check_a_message_and_finds_a_changed_one_out(clock: Clock, target: Receiver) -> None:
    ada = await user(clock.ctx, "Ada")
    message = await heard(clock.ctx, ada, target)
    found = Webhook((await secret(clock.ctx, ada)).text)

    assert found.verify(message.content, message.headers) == message.body
    with pytest.raises(WebhookVerificationError):
        found.verify(message.content.replace(b"Atlas", b"Bello"), message.headers)
    with pytest.raises(WebhookVerificationError):
        found.verify(message.content, {**message.headers, "webhook-id": "another"})


async def test_secrets_of_accounts_differ_and_stay(clock: Clock) -> None:
    ada, eve = await user(clock.ctx, "Ada"), await user(clock.ctx, "Eve")

    assert (await secret(clock.ctx, ada)).text != (await secret(clock.ctx, eve)).text
    assert (await secret(clock.ctx, ada)) == (await secret(clock.move(days=30), ada))


async def test_both_secrets_are_valid_for_a_day_after_a_rotation(clock: Clock, target: Receiver) -> None:
    ada = await user(clock.ctx, "Ada")
    old, new = await secret(clock.ctx, ada), await rotate(clock.ctx, ada, keep_previous=True)

    message = await heard(clock.ctx, ada, target)

    assert old.text != new.text
    assert new.previous_until == clock.now + BOTH_VALID
    for each in (old, new):
        Webhook(each.text).verify(message.content, message.headers)
    after = await secret(clock.move(seconds=BOTH_VALID.total_seconds()), ada)
    assert (after.secret, after.previous) == (new.secret, None)
    await forget_old_messages(clock.ctx)
    assert await one(clock.ctx, "SELECT previous FROM webhook_secrets") is None


async def test_leaked_secret_is_of_no_use_at_once(clock: Clock, target: Receiver) -> None:
    ada = await user(clock.ctx, "Ada")
    old, new = await secret(clock.ctx, ada), await rotate(clock.ctx, ada, keep_previous=False)

    message = await heard(clock.ctx, ada, target)

    Webhook(new.text).verify(message.content, message.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old.text).verify(message.content, message.headers)


async def test_nobody_learns_the_secret_of_the_anonymous_account(clock: Clock) -> None:
    nobody = await anonymous(clock.ctx)
    with pytest.raises(AnonForbidden):
        await secret(clock.ctx, nobody)
    with pytest.raises(AnonForbidden):
        await rotate(clock.ctx, nobody, keep_previous=True)

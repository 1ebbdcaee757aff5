"""`name#id` names a user, whatever the name holds."""

import pytest

from horde.server.accounts.users import id_of_alias


@pytest.mark.parametrize(
    ("alias", "user_id"),
    [
        ("Ada#12", 12),
        ("Anonymous#0", 0),
        ("a#b#3", 3),
        ("a\nb#3", 3),
        ("Ada", None),
        ("Ada#", None),
        ("#12", None),
        ("Ada#x", None),
        ("Ada#-1", None),
        ("Ada#12 ", None),
        ("Ada#12\n", None),
        ("Ada#" + "9" * 19, None),  # more than the database can count
    ],
)
def test_id_is_read_from_an_alias_that_looks_like_one(alias: str, user_id: int | None) -> None:
    assert id_of_alias(alias) == user_id

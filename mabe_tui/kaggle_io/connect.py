"""From credentials to an account."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import UserError
from mabe_tui.kaggle_io.account import Account
from mabe_tui.kaggle_io.asking import Say, quiet
from mabe_tui.kaggle_io.credentials import HOW, Credentials

if TYPE_CHECKING:
    from mabe_tui.kaggle_io.own_api import OwnApi


def connect(
    credentials: Credentials, say: Say, sleep: Callable[[float], None] = time.sleep
) -> Account:
    """Return the account of some credentials.

    Raises:
        UserError: Kaggle refuses them, or cannot be reached.
    """
    with quiet():
        from mabe_tui.kaggle_io.own_api import OwnApi
    api = OwnApi(credentials, lambda file: say(f"uploading {file}"))
    if credentials.username is not None:
        return Account(api, credentials.username.lower(), say, sleep)
    account = Account(api, "", say, sleep)
    account.name = account.read("asking whose token it is", lambda: _owner(api, credentials))
    api.as_user(account.name)
    return account


def _owner(api: "OwnApi", credentials: Credentials) -> str:
    from kagglesdk.security.types.oauth_service import IntrospectTokenRequest

    request = IntrospectTokenRequest()
    request.token = credentials.token
    with api.build_kaggle_client() as kaggle:
        found = kaggle.security.oauth_client.introspect_token(request)
    if not found.active or not found.username:
        raise UserError(f"Kaggle does not accept the token any more; {HOW}")
    return str(found.username)

"""Passwords as they are compared (RFC 8265), and the commonest ones."""

from __future__ import annotations

from functools import cache

from tales.application.ports import PasswordRules
from tales.domain.passwords import is_common


class StandardPasswordRules(PasswordRules):
    """The profile OpaqueString of RFC 8265, section 4.2, and the 30,000 commonest passwords that zxcvbn knows."""

    def prepare(self, password: str) -> str | None:
        # Imported where it is used: most commands have nothing to do with passwords.
        from precis_i18n import get_profile

        try:
            prepared: str = get_profile("OpaqueString").enforce(password)
        except UnicodeError:
            return None
        return prepared

    def is_common(self, password: str, address: str) -> bool:
        own = {address, address.partition("@")[0], "tales"}
        return is_common(password, _commonest(), own)


@cache
def _commonest() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])

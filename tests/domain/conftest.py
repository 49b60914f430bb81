"""A busy machine makes an example slow, and that is no defect: the domain's properties have no deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("domain", deadline=None)
settings.load_profile("domain")

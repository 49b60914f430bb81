"""The client for asyncio. `tales.client.sync` is written out of this folder by `make client`: change it here."""

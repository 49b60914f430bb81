"""The client for programs without asyncio, written out of `tales.client.aio` by `make client`: change that."""

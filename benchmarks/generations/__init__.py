"""Whole generations over HTTP: a provider, clients, the service, and what it is compared with."""

"""Clients of the Redis that a URL names, whether it stands alone or behind sentinels."""

from __future__ import annotations

from typing import Any

from redis import Redis
from redis.sentinel import Sentinel

from tasks.contract.places import is_sentinel
from tasks.contract.sentinels import Sentinels


def client_of(url: str, **options: Any) -> Redis:
    """
    Return a client of the Redis at *url*, or of the master whom its sentinels name; it connects when used.

    *options* are those of `redis.Redis`. Behind sentinels each new connection asks them anew, and one whose
    server is master no longer is given up.

    Raises:
        ValueError: the URL cannot be used.
    """
    if not is_sentinel(url):
        return Redis.from_url(url, **options)
    place = Sentinels.parse(url)
    sentinel: Any = Sentinel(place.addresses, sentinel_kwargs=place.sentinel_options)  # type: ignore[no-untyped-call]  # redis-py types it in part
    login = {"username": place.user_name, "password": place.password}
    master: Redis = sentinel.master_for(place.master_name, db=place.database, **login, **options)
    return master

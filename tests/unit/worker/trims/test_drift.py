"""What the trims replace or rely on is still as it was when they were written."""

# ruff: noqa: SLF001 (it is about what is private)

from __future__ import annotations

import hashlib
import inspect
from typing import Any, Final

import pytest
from celery.backends.base import Backend, KeyValueStoreBackend
from celery.backends.redis import RedisBackend
from celery.events.dispatcher import EventDispatcher
from celery.worker import state, strategy
from celery.worker.consumer import Consumer
from celery.worker.request import Request
from kombu.transport import redis, virtual

#: By function of Celery's or kombu's: the digest of its source, and which trim to look at where it fails.
RELIED_ON: Final[dict[str, tuple[Any, str, str]]] = {
    "redis.MultiChannelPoller.on_poll_start": (
        redis.MultiChannelPoller.on_poll_start,
        "414f76caaa675bc0",
        "worker/trims/poller.py replaces it",
    ),
    "redis.MultiChannelPoller.on_readable": (
        redis.MultiChannelPoller.on_readable,
        "c0d99f241607f845",
        "worker/trims/poller.py replaces it",
    ),
    "redis.MultiChannelPoller.maybe_check_brpop_health": (
        redis.MultiChannelPoller.maybe_check_brpop_health,
        "0dc592e46353a0fc",
        "worker/trims/poller.py and worker/trims/bells.py replace it",
    ),
    "redis.MultiChannelPoller._register": (
        redis.MultiChannelPoller._register,
        "327dc991dcc12069",
        "worker/trims/bells.py: bells are registered by it",
    ),
    "redis.MultiChannelPoller._register_LISTEN": (
        redis.MultiChannelPoller._register_LISTEN,
        "8329d648d397b8a6",
        "worker/trims/poller.py calls it",
    ),
    "redis.MultiChannelPoller.handle_event": (
        redis.MultiChannelPoller.handle_event,
        "a96a90b9df4bd447",
        "worker/trims/poller.py: it leads to on_readable",
    ),
    "redis.MultiChannelPoller.get": (
        redis.MultiChannelPoller.get,
        "e0f960e0c3288d3f",
        "worker/trims/poller.py: it leads to on_poll_start, where there is no event loop",
    ),
    "redis.Channel.conn_or_acquire": (
        redis.Channel.conn_or_acquire,
        "25883caca6c4121e",
        "worker/trims/channel.py replaces it: a kept client",
    ),
    "redis.Channel._create_client": (
        redis.Channel._create_client,
        "dae92bc4075dafb9",
        "worker/trims/channel.py and worker/trims/bells.py make their clients by it",
    ),
    "redis.Channel._brpop_start": (
        redis.Channel._brpop_start,
        "06723d707ddf2240",
        "worker/trims/channel.py and worker/trims/bells.py are in its place",
    ),
    "redis.Channel.basic_consume": (
        redis.Channel.basic_consume,
        "34e0da85e689ff98",
        "worker/trims/channel.py: it says which queues are active",
    ),
    "virtual.Channel.basic_consume": (
        virtual.Channel.basic_consume,
        "0fec962694938b61",
        "worker/trims/channel.py: messages are delivered to what it stores",
    ),
    "virtual.Transport._deliver": (
        virtual.Transport._deliver,
        "799e242f3ec53863",
        "worker/trims/channel.py calls it for each message",
    ),
    "redis.Channel._q_for_pri": (
        redis.Channel._q_for_pri,
        "f3997660680dd00f",
        "worker/trims/channel.py: the lists of a lane",
    ),
    "redis.QoS.append": (
        redis.QoS.append,
        "35c655f6ecc62fe6",
        "worker/trims/qos.py leaves it out for what was fetched",
    ),
    "redis.QoS.ack": (
        redis.QoS.ack,
        "1bc15a4ddf541af6",
        "worker/trims/qos.py replaces it",
    ),
    "redis.QoS.reject": (
        redis.QoS.reject,
        "747a02434344d1a6",
        "worker/trims/qos.py replaces it",
    ),
    "redis.QoS.restore_unacked": (
        redis.QoS.restore_unacked,
        "8954efef014d546e",
        "worker/trims/qos.py replaces it",
    ),
    "redis.QoS.restore_visible": (
        redis.QoS.restore_visible,
        "d4a4a40a3eaf9f23",
        "worker/trims/qos.py replaces it: give_back.lua",
    ),
    "redis.QoS.restore_by_tag": (
        redis.QoS.restore_by_tag,
        "58e161d81b6fe18d",
        "worker/trims/qos.py replaces it: give_back.lua reads what kombu's append stored",
    ),
    "virtual.QoS.append": (
        virtual.QoS.append,
        "b388f0cd6485c28a",
        "worker/trims/qos.py calls it",
    ),
    "virtual.QoS.ack": (
        virtual.QoS.ack,
        "0714292b916fecb2",
        "worker/trims/qos.py replaces it",
    ),
    "virtual.QoS.restore_unacked_once": (
        virtual.QoS.restore_unacked_once,
        "c81f3d0fb29b9599",
        "worker/trims/qos.py: it gives back only where something is noted as delivered",
    ),
    "virtual.QoS.can_consume": (
        virtual.QoS.can_consume,
        "787f80092f8d7e51",
        "worker/trims/channel.py: _room says the same of what is fetched",
    ),
    "virtual.Message.__init__": (
        virtual.Message.__init__,
        "c90d08ccfa2e3e9a",
        "worker/trims/channel.py: FetchedMessage has another tag",
    ),
    "EventDispatcher.send": (
        EventDispatcher.send,
        "eb70b87b4c68ed01",
        "worker/dispatch/events.py replaces it for task events",
    ),
    "EventDispatcher.flush": (
        EventDispatcher.flush,
        "4e9a6b4ec6a95ddb",
        "worker/dispatch/events.py: what is kept is sent by it",
    ),
    "EventDispatcher._publish": (
        EventDispatcher._publish,
        "70b7053ff73568e9",
        "worker/dispatch/events.py: what is kept is written there",
    ),
    "Request.acknowledge": (
        Request.acknowledge,
        "60dad9ce9c39f54c",
        "worker/dispatch/lean.py replaces it",
    ),
    "Request.terminate": (
        Request.terminate,
        "5ee69325b498e311",
        "worker/dispatch/acceptance.py: it marks requests that nobody carries yet",
    ),
    "Request.on_accepted": (
        Request.on_accepted,
        "7bd097a863da039e",
        "worker/dispatch/acceptance.py does the same for many",
    ),
    "state.task_accepted": (
        state.task_accepted,
        "fc90a50f0449584f",
        "worker/dispatch/acceptance.py does the same for many",
    ),
    "strategy.default": (
        strategy.default,
        "7d90575ada5eb1dc",
        "worker/dispatch/strategy.py does the same for ordinary mails",
    ),
    "Consumer.create_task_handler": (
        Consumer.create_task_handler,
        "292c5a681f10ade7",
        "worker/consumer.py leaves it out for mails",
    ),
    "Consumer.on_send_event_buffered": (
        Consumer.on_send_event_buffered,
        "0429cadc8bf9dc54",
        "worker/consumer.py replaces it",
    ),
    "Request.__init__": (
        Request.__init__,
        "efdf47149cde3635",
        "worker/dispatch/lean.py calls it late, and sets what every mail needs; tasks/send_email.py redacts",
    ),
    "Backend._get_result_meta": (
        Backend._get_result_meta,
        "11e2894927939e70",
        "worker/dispatch/results.py calls it, tasks/journal/copies.py writes the same",
    ),
    "KeyValueStoreBackend._store_result": (
        KeyValueStoreBackend._store_result,
        "c0214af4c66e2999",
        "worker/dispatch/results.py does the same without reading, tasks/journal/step.lua in the journal",
    ),
    "RedisBackend.set": (
        RedisBackend.set,
        "807be0ea0213ba59",
        "worker/dispatch/results.py and tasks/journal/step.lua publish as it does",
    ),
    "RedisBackend._set": (
        RedisBackend._set,
        "93cac55f65fd7b4a",
        "worker/dispatch/results.py and tasks/journal/step.lua write and publish as it does",
    ),
}


@pytest.mark.parametrize("name", RELIED_ON)
def test_what_a_trim_replaces_or_relies_on_is_unchanged(name: str) -> None:
    function, digest, trim = RELIED_ON[name]
    found = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]

    assert found == digest, f"{name} has changed: look at {trim}"

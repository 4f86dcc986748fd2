"""By name, queues are declared as the workers declare them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from celery.app import app_or_default

from producers.integrations.celery_apps import publishing_app, reading_app
from worker.queue import QueueApp

if TYPE_CHECKING:
    from celery import Celery


def declared(app: Celery) -> list[tuple[object, ...]]:
    return [
        (queue.name, queue.exchange.name, queue.exchange.type, queue.routing_key, queue.queue_arguments)
        for queue in app.conf.task_queues
    ]


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_queues_are_those_of_the_workers(url: str) -> None:
    own, workers = (declared(app) for app in (publishing_app(url, 10), QueueApp(url)))

    assert own == workers


def test_rabbitmq_confirms_what_it_has_within_the_patience() -> None:
    app = publishing_app("amqp://127.0.0.1:1//", 10)

    assert app.conf.broker_transport_options == {
        "confirm_publish": True,
        "read_timeout": 2.5,
        "write_timeout": 2.5,
    }


def test_the_applications_own_celery_and_its_imports_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    before, path = app_or_default(), [*sys.path]

    publishing_app("redis://127.0.0.1:1/0", 10)
    reading_app("redis://127.0.0.1:1/0", 10)

    assert app_or_default() is before
    assert sys.path == path

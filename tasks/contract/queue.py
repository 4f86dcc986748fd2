"""How every program on the queue must be set up: producers, workers and Flower read the same values."""

from __future__ import annotations

from typing import Any, Final

from tasks.contract.names import TASK_NAME, Lane

#: Seconds after which a message that a worker took and never acknowledged is delivered again. The shortest
#: value among all programs on one broker wins, so it stands here once.
VISIBILITY_TIMEOUT: Final = 900

_SHARED: Final[dict[str, Any]] = {
    "task_serializer": "json",
    "result_serializer": "json",
    "accept_content": ["json"],
    "result_accept_content": ["json"],
    "task_default_queue": Lane.DEFAULT.value,
    "task_create_missing_queues": False,
    "task_routes": {TASK_NAME: {"queue": Lane.DEFAULT.value}},
    "result_expires": 24 * 3600,
    # Extended results would keep the arguments, and with them bodies and reset links.
    "result_extended": False,
    "task_send_sent_event": False,
    "broker_connection_retry_on_startup": True,
    "broker_pool_acquire_timeout": 2.0,
    "visibility_timeout": VISIBILITY_TIMEOUT,
    "redis_socket_connect_timeout": 2,
    "redis_socket_keepalive": True,
}

_TRANSPORT: Final[dict[str, Any]] = {
    "visibility_timeout": VISIBILITY_TIMEOUT,
    "queue_order_strategy": "priority",
    # kombu's defaults look for unacknowledged messages every 100 s only, whatever the timeout says.
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 30,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}

#: A producer returns or fails within seconds: it must not hang a web request because Redis does.
PRODUCER_SETTINGS: Final[dict[str, Any]] = {
    **_SHARED,
    "broker_transport_options": {**_TRANSPORT, "socket_timeout": 2, "health_check_interval": 5},
    "result_backend_transport_options": {
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "retry_policy": {"timeout": 2.0, "max_retries": 1},
    },
    "redis_socket_timeout": 2,
    "task_publish_retry_policy": {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.2,
    },
}

#: A worker outlives every outage of the broker and of the result backend.
WORKER_SETTINGS: Final[dict[str, Any]] = {
    **_SHARED,
    "broker_connection_max_retries": None,
    # Redis out of memory or disk raises channel errors, which otherwise end the worker.
    "broker_channel_error_retry": True,
    "broker_transport_options": {**_TRANSPORT, "socket_timeout": 5, "health_check_interval": 5},
    "result_backend_transport_options": {"visibility_timeout": VISIBILITY_TIMEOUT},
    "redis_socket_timeout": 5,
    "redis_backend_health_check_interval": 15,
    "result_backend_always_retry": True,
    "result_backend_max_sleep_between_retries_ms": 2000,
    "result_backend_max_retries": 60,
    "task_acks_late": True,
    "task_acks_on_failure": True,
    "task_acks_on_timeout": True,
    # Safe because the journal counts the runs and refuses a second pair of hands.
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
    # Pub/sub is what notices a dead broker: without it a busy worker stalls for ever after a restart.
    "worker_enable_remote_control": True,
    "worker_send_task_events": True,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_deduplicate_successful_tasks": False,
    "worker_hijack_root_logger": False,
    "worker_max_tasks_per_child": 5000,
    "worker_max_memory_per_child": 300_000,
    "worker_eta_task_limit": 1000,
    "task_track_started": False,
}

#: What goes with every message: monitors see that there are arguments, and never which.
PUBLISH_OPTIONS: Final[dict[str, Any]] = {"argsrepr": "()", "kwargsrepr": "{…}"}

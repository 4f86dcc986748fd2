"""The Celery glue of `send_email`."""

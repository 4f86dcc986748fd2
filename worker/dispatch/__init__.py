"""How a worker process carries mails: in runs, many at a time, behind Celery's own consumer."""

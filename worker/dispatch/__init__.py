"""How a worker process carries mails: in runs, by sender threads, behind Celery's own consumer."""

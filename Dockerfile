# One image for the worker and for Flower; docker-compose.yml says which of them a container is.
FROM python:3.11-slim-bookworm AS build
COPY requirements/base.txt /tmp/base.txt
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/base.txt

FROM python:3.11-slim-bookworm
# A fixed number, so that mounted files can be given to it.
RUN groupadd --gid 10001 postroom \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin postroom \
    # A volume that is mounted here belongs to the user, too.
    && install --directory --owner 10001 --group 10001 --mode 700 /keys /logbooks
COPY --from=build /opt/venv /opt/venv
# Celery looks for `worker` in the working directory first: nothing else may stand here.
WORKDIR /app
COPY worker worker
COPY tasks tasks
COPY producers producers
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1 \
    POSTROOM_HEARTBEAT_FILE=/tmp/postroom.heartbeat
USER 10001:10001
# Each process touches a file as long as it takes mail; looking at their age starts no Python.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD test "$(find "$POSTROOM_HEARTBEAT_FILE"* -newermt '-60 seconds' | wc -l)" -ge "${POSTROOM_PROCESSES:-1}"
CMD ["python3", "-m", "worker.supervise", "-m", "worker.node", "--loglevel=INFO"]

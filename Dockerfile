# syntax=docker/dockerfile:1
# One image for every process: `tradefree api`, `tradefree worker`, `tradefree migrate`, …
ARG PYTHON=3.11-slim-bookworm
ARG NODE=20-bookworm-slim

FROM node:${NODE} AS console
WORKDIR /source/console
COPY console/package.json console/package-lock.json console/.npmrc ./
RUN --mount=type=cache,target=/var/cache/npm \
    npm ci --cache /var/cache/npm
COPY console ./
RUN npm run build

FROM python:${PYTHON} AS build
ENV UV_CACHE_DIR=/var/cache/uv \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/tradefree \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /source
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/var/cache/uv \
    uv sync --locked --no-dev --extra otel --no-install-project
COPY src src
COPY --from=console /source/src/tradefree/service/console src/tradefree/service/console
RUN --mount=type=cache,target=/var/cache/uv \
    uv sync --locked --no-dev --extra otel --no-editable

FROM python:${PYTHON}
RUN groupadd --gid 10001 tradefree \
    && useradd --uid 10001 --gid tradefree --home-dir /var/lib/tradefree --create-home --shell /usr/sbin/nologin tradefree
COPY --from=build /opt/tradefree /opt/tradefree
ENV PATH=/opt/tradefree/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TRADEFREE_HOST=0.0.0.0 \
    TRADEFREE_PORT=8080 \
    TRADEFREE_METRICS_HOST=0.0.0.0 \
    TRADEFREE_METRICS_PORT=9464 \
    TRADEFREE_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/tradefree
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
# a service answers on the one port, a worker on the other
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "/opt/tradefree/health.py"]
COPY deploy/health.py /opt/tradefree/health.py
ENTRYPOINT ["tradefree"]
CMD ["api"]

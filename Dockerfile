# CPU by default; for NVIDIA GPUs: docker build --build-arg TORCH=cuda .
# EXTRAS: further packages with their versions, such as Ray for a cluster: docs/containers.md.
FROM python:3.13-slim-bookworm

ARG TORCH=cpu
ARG EXTRAS=""
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DISTILLERY_STORAGE=/app/storage

WORKDIR /app
COPY requirements.txt ./
COPY backend/__init__.py backend/install.py backend/
RUN python -m backend.install --venv /app/.venv --torch ${TORCH} \
    && if [ -n "${EXTRAS}" ]; then .venv/bin/python -m pip install --no-deps ${EXTRAS}; fi \
    && rm -rf /root/.cache

COPY . .
RUN useradd --create-home --uid 10001 distillery \
    && mkdir -p /app/storage && chown distillery /app/storage
USER 10001
VOLUME /app/storage
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=40s \
    CMD ["/app/.venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["/app/.venv/bin/python", "-m", "backend", "serve", "--host", "0.0.0.0", "--port", "8501"]

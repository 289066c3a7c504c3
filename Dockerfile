# The gateway alone; deploy/compose.yaml puts Varnish in front.
# It reads ostiary.toml from /etc/ostiary and OSTIARY_… variables, and keeps its state in /var/lib/ostiary.
FROM python:3.11-slim

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY signing signing
COPY imaging imaging
COPY cdn cdn
RUN pip install --no-cache-dir ".[all]" && rm -rf /src

RUN useradd --system --uid 10001 --no-create-home ostiary \
    && install -d -o ostiary -g ostiary -m 0700 /var/lib/ostiary \
    && install -d /etc/ostiary

USER ostiary
WORKDIR /etc/ostiary
ENV OSTIARY_SERVER__HOST=0.0.0.0 \
    OSTIARY_SERVER__PORT=8080 \
    OSTIARY_SERVER__DATA=/var/lib/ostiary
VOLUME /var/lib/ostiary
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]

ENTRYPOINT ["ostiary"]
CMD ["serve"]

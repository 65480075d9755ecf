"""The servers that stand for services nobody wrote for this project, and the ordinary requests they get.

What a server keeps on purpose is in the table with the verdict that is right for it and the reason, never left out.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_goleak.model.report import Outcome
from tests.corpus.servers.server import Debian, Module, Request, Server

__all__ = ["SERVERS"]

_MISSING: dict[str, object] = {"expect": [404]}

PUSHGATEWAY = Server(
    name="pushgateway",
    source=Module(module="github.com/prometheus/pushgateway", package="github.com/prometheus/pushgateway"),
    command=("{program}", "--web.listen-address=127.0.0.1:{port}"),
    ready="/-/ready",
    requests=(
        Request(
            name="replace a group",
            path="/metrics/job/backup/instance/a",
            settings={"method": "PUT", "body": 'backup_seconds{kind="full"} 12.5\nbackup_bytes 4096\n'},
        ),
        Request(name="scrape", path="/metrics"),
        Request(name="list groups", path="/api/v1/metrics"),
    ),
)

STATSD_EXPORTER = Server(
    name="statsd_exporter",
    source=Module(module="github.com/prometheus/statsd_exporter", package="github.com/prometheus/statsd_exporter"),
    command=(
        "{program}",
        "--web.listen-address=127.0.0.1:{port}",
        "--statsd.listen-udp=127.0.0.1:{port2}",
        "--statsd.listen-tcp=127.0.0.1:{port3}",
    ),
    ready="/-/ready",
    requests=(Request(name="scrape", path="/metrics"), Request(name="health", path="/-/healthy")),
)

NATS = Server(
    name="nats-server",
    source=Module(module="github.com/nats-io/nats-server/v2", package="github.com/nats-io/nats-server/v2"),
    command=("{program}", "--config", "{folder}/nats.conf"),
    files={
        "nats.conf": 'listen: "127.0.0.1:{port2}"\nhttp: "127.0.0.1:{port}"\nprof_port: {port3}\n'
        'jetstream { store_dir: "{folder}/jetstream" }\n'
    },
    ready="/healthz",
    pprof="http://127.0.0.1:{port3}/debug/pprof",
    requests=(
        Request(name="varz", path="/varz"),
        Request(name="connections", path="/connz?subs=true"),
        Request(name="jetstream", path="/jsz?accounts=true&streams=true"),
    ),
)

NSQD = Server(
    name="nsqd",
    source=Module(module="github.com/nsqio/nsq", package="github.com/nsqio/nsq/apps/nsqd"),
    command=(
        "{program}",
        "--http-address=127.0.0.1:{port}",
        "--tcp-address=127.0.0.1:{port2}",
        "--data-path={folder}",
        "--mem-queue-size=500",
    ),
    ready="/ping",
    requests=(
        Request(name="stats", path="/stats?format=json"),
        Request(
            name="publish",
            path="/pub?topic=orders",
            settings={"method": "POST", "body": '{"order": "{uuid}"}'},
        ),
        Request(name="empty a missing topic", path="/topic/empty?topic=none", settings={"method": "POST", **_MISSING}),
    ),
    note="The queue in memory is shorter than the 10,000 messages of the default, so that publishing fills it soon.",
)

GODOC = Server(
    name="godoc",
    source=Module(module="golang.org/x/tools", package="golang.org/x/tools/cmd/godoc"),
    command=("{program}", "-http=127.0.0.1:{port}"),
    env={"GO111MODULE": "off", "GOPATH": "{folder}"},
    ready="/pkg/errors/",
    requests=(
        Request(name="source file", path="/src/errors/errors.go"),
        Request(name="package page", path="/pkg/errors/"),
        Request(name="missing package", path="/pkg/none/", settings=_MISSING),
    ),
)

PROMETHEUS = Server(
    name="prometheus",
    source=Debian(package="prometheus", program="usr/bin/prometheus"),
    command=(
        "{program}",
        "--config.file={folder}/prometheus.yml",
        "--storage.tsdb.path={folder}/data",
        "--web.listen-address=127.0.0.1:{port}",
    ),
    files={
        "prometheus.yml": "global: {scrape_interval: 15s}\n"
        "scrape_configs: [{job_name: self, static_configs: [{targets: ['127.0.0.1:{port}']}]}]\n"
    },
    ready="/-/ready",
    requests=(
        Request(name="instant query", path="/api/v1/query?query=up"),
        Request(name="new query each time", path="/api/v1/query?query=vector({n})"),
        Request(name="bad query", path="/api/v1/query?query=sum(", settings={"expect": [400]}),
        Request(name="scrape", path="/metrics"),
    ),
    note="It scrapes itself, so that its memory grows without requests, as that of every Prometheus does.",
)

NODE_EXPORTER = Server(
    name="node_exporter",
    source=Debian(package="prometheus-node-exporter", program="usr/bin/prometheus-node-exporter"),
    command=("{program}", "--web.listen-address=127.0.0.1:{port}"),
    requests=(
        Request(name="scrape one collector", path="/metrics?collect[]=loadavg"),
        Request(name="scrape", path="/metrics"),
        Request(name="landing page", path="/"),
    ),
)

BLACKBOX_EXPORTER = Server(
    name="blackbox_exporter",
    source=Debian(package="prometheus-blackbox-exporter", program="usr/bin/prometheus-blackbox-exporter"),
    command=("{program}", "--config.file={folder}/blackbox.yml", "--web.listen-address=127.0.0.1:{port}"),
    files={"blackbox.yml": "modules: {http_2xx: {prober: http}, tcp_connect: {prober: tcp}}\n"},
    ready="/-/healthy",
    requests=(
        Request(name="probe TCP", path="/probe?module=tcp_connect&target=127.0.0.1:{port}"),
        Request(name="probe HTTP", path="/probe?module=http_2xx&target=http://127.0.0.1:{port}/-/healthy"),
        Request(name="unknown module", path="/probe?module=none&target=x", settings={"expect": [400]}),
    ),
)

ETCD = Server(
    name="etcd",
    source=Debian(package="etcd-server", program="usr/bin/etcd"),
    command=(
        "{program}",
        "--enable-pprof",
        "--data-dir={folder}/data",
        "--listen-client-urls=http://127.0.0.1:{port}",
        "--advertise-client-urls=http://127.0.0.1:{port}",
        "--listen-peer-urls=http://127.0.0.1:{port2}",
        "--initial-advertise-peer-urls=http://127.0.0.1:{port2}",
        "--initial-cluster=default=http://127.0.0.1:{port2}",
    ),
    ready="/health",
    prepare=(
        Request(name="key", path="/v3/kv/put", settings={"method": "POST", "body": '{"key":"YQ==","value":"Yg=="}'}),
    ),
    requests=(
        Request(name="range", path="/v3/kv/range", settings={"method": "POST", "body": '{"key":"YQ=="}'}),
        Request(name="version", path="/version"),
        Request(name="missing page", path="/none", settings=_MISSING),
        Request(
            name="put",
            path="/v3/kv/put",
            settings={"method": "POST", "body": '{"key":"YQ==","value":"Yg=="}'},
            expected=Outcome.LEAK,
            by_design="Every revision of a key is kept until it is compacted, and the raft log until the next snapshot, "
            "100,000 writes away. Users mark it xfail, or start etcd with --auto-compaction-mode=revision and a small "
            "--snapshot-count.",
        ),
    ),
)

CADDY = Server(
    name="caddy",
    source=Debian(package="caddy", program="usr/bin/caddy"),
    command=("{program}", "run", "--config", "{folder}/Caddyfile", "--adapter", "caddyfile"),
    files={
        "Caddyfile": "{\n\tadmin 127.0.0.1:{port2}\n\tauto_https off\n}\n"
        'http://127.0.0.1:{port3} {\n\trespond "upstream"\n}\n'
        "http://127.0.0.1:{port} {\n"
        "\treverse_proxy /proxy 127.0.0.1:{port3}\n"
        '\trespond /hello "hello"\n'
        "\troot * {folder}\n"
        "\tfile_server\n}\n",
        "page.html": "<p>A page.</p>\n",
    },
    env={"XDG_DATA_HOME": "{folder}", "XDG_CONFIG_HOME": "{folder}"},
    ready="/hello",
    pprof="http://127.0.0.1:{port2}/debug/pprof",
    requests=(
        Request(name="reverse proxy", path="/proxy"),
        Request(name="file", path="/page.html"),
        Request(name="missing file", path="/none", settings=_MISSING),
        Request(name="admin configuration", path="http://127.0.0.1:{port2}/config/"),
    ),
)

INFLUXDB = Server(
    name="influxdb",
    source=Debian(package="influxdb", program="usr/bin/influxd"),
    command=("{program}", "-config", "{folder}/influxdb.toml"),
    files={
        "influxdb.toml": 'reporting-disabled = true\nbind-address = "127.0.0.1:{port2}"\n'
        '[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
        '[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
    },
    ready="/ping",
    prepare=(
        Request(name="database", path="/query?q=CREATE+DATABASE+shop", settings={"method": "POST"}),
        Request(name="point", path="/write?db=shop", settings={"method": "POST", "body": "orders,shop=a total=1 1\n"}),
    ),
    requests=(
        Request(name="query", path="/query?db=shop&q=SELECT+*+FROM+orders"),
        Request(name="ping", path="/ping"),
        Request(
            name="missing database", path="/write?db=none", settings={"method": "POST", "body": "a b=1", **_MISSING}
        ),
        Request(
            name="write the same point",
            path="/write?db=shop",
            settings={"method": "POST", "body": "orders,shop=a total=1 1\n"},
            expected=Outcome.LEAK,
            by_design="Points written are cached, equal ones as well, until 25 MiB or 10 minutes make it write them to "
            "disk. Users mark it xfail, or set cache-snapshot-memory-size so low that the cache is emptied while they "
            "measure.",
        ),
    ),
)

REGISTRY = Server(
    name="registry",
    source=Debian(package="docker-registry", program="usr/bin/docker-registry"),
    command=("{program}", "serve", "{folder}/registry.yml"),
    files={
        "registry.yml": "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        "storage: {filesystem: {rootdirectory: '{folder}/data'}}\n"
        "http: {addr: '127.0.0.1:{port}', secret: loopback, debug: {addr: '127.0.0.1:{port2}'}}\n"
    },
    pprof="http://127.0.0.1:{port2}/debug/pprof",
    requests=(
        Request(name="version check", path="/v2/"),
        Request(name="start an upload", path="/v2/shop/blobs/uploads/", settings={"method": "POST"}),
        Request(name="missing manifest", path="/v2/shop/manifests/none", settings=_MISSING),
    ),
)

_RCLONE_COMMAND = (
    "{program}",
    "rcd",
    "--rc-addr=127.0.0.1:{port}",
    "--rc-no-auth",
    "--config={folder}/rclone.conf",
)

RCLONE = Server(
    name="rclone",
    source=Debian(package="rclone", program="usr/bin/rclone"),
    command=(*_RCLONE_COMMAND, "--rc-job-expire-duration=1s", "--rc-job-expire-interval=500ms"),
    files={"rclone.conf": ""},
    ready="/debug/pprof/",
    requests=(
        Request(name="missing method", path="/none", settings={"method": "POST", **_MISSING}),
        Request(name="no operation", path="/rc/noop?a=b", settings={"method": "POST"}),
        Request(name="list a directory", path="/operations/list?fs=/&remote=proc/self", settings={"method": "POST"}),
    ),
    note="Every call is remembered as a job; a second instead of a minute lets that drain within the idle wait.",
)

RCLONE_DEFAULTS = replace(
    RCLONE,
    name="rclone, defaults",
    command=_RCLONE_COMMAND,
    requests=(
        replace(
            RCLONE.requests[1],
            expected=Outcome.LEAK,
            by_design="Every call is remembered as a job for 60 s, which is longer than the idle wait. Users shorten "
            "--rc-job-expire-duration for the measurement, or set idle to 75 s and the budget to 150 s.",
        ),
    ),
    note="",
)

VICTORIA_METRICS = Server(
    name="victoria-metrics",
    source=Debian(package="victoria-metrics", program="usr/bin/victoria-metrics"),
    command=("{program}", "-storageDataPath={folder}/data", "-httpListenAddr=127.0.0.1:{port}"),
    ready="/health",
    requests=(
        Request(name="query", path="/api/v1/query?query=up"),
        Request(name="write", path="/api/v1/import/prometheus", settings={"method": "POST", "body": 'a{b="c"} 1\n'}),
        Request(name="scrape", path="/metrics"),
        Request(name="missing page", path="/none", settings={"expect": [400]}),
    ),
)

SERVERS = (
    NATS,
    NSQD,
    STATSD_EXPORTER,
    PUSHGATEWAY,
    GODOC,
    PROMETHEUS,
    NODE_EXPORTER,
    BLACKBOX_EXPORTER,
    ETCD,
    CADDY,
    INFLUXDB,
    REGISTRY,
    RCLONE,
    RCLONE_DEFAULTS,
    VICTORIA_METRICS,
)
"""Those that Go builds come first: they need nothing but a module proxy."""

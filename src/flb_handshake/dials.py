"""What each plugin cannot do without, TLS aside: whom an output dials, and what an input takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

HOST_AND_PORT: Final = {"Host": "{host}", "Port": "{port}"}

_AWS: Final = {"Region": "us-east-1", "Endpoint": "{host}", "Port": "{port}"}

DIALS: Final[Mapping[str, Mapping[str, str]]] = {
    "http": {**HOST_AND_PORT, "URI": "/v1/logs", "Format": "json"},
    "splunk": {**HOST_AND_PORT, "Splunk_Token": "00000000-0000-0000-0000-000000000000"},
    "datadog": {**HOST_AND_PORT, "apikey": "nobody-s"},
    "logdna": {"logdna_host": "{host}", "logdna_port": "{port}", "api_key": "nobody-s"},
    "nrlogs": {"base_uri": "https://{host}:{port}/log/v1", "license_key": "nobody-s"},
    "slack": {"webhook": "https://{host}:{port}/services/nobody-s"},
    # azure puts customer_id before the host that it dials, unless it is in it
    "azure": {**HOST_AND_PORT, "customer_id": "{host}", "shared_key": "bm9ib2R5LXM="},
    "td": {**HOST_AND_PORT, "API": "nobody-s", "Database": "base", "Table": "table"},
    "azure_logs_ingestion": {
        "dce_url": "https://{host}:{port}",
        "auth_url": "https://{host}:{port}/token",
        "tenant_id": "tenant",
        "client_id": "nobody",
        "client_secret": "nobody-s",
        "dcr_id": "rule",
        "table_name": "table",
    },
    "cloudwatch_logs": {**_AWS, "log_group_name": "group", "log_stream_name": "stream"},
    "kinesis_firehose": {**_AWS, "delivery_stream": "stream"},
    "kinesis_streams": {**_AWS, "stream": "stream"},
    "gelf": {**HOST_AND_PORT, "Gelf_Short_Message_Key": "message"},
    "syslog": {**HOST_AND_PORT, "Syslog_Message_Key": "message"},
    "s3": {
        "Region": "us-east-1",
        "Endpoint": "https://{host}:{port}",
        "Bucket": "bucket",
        "use_put_object": "on",
        "total_file_size": "1M",
        "upload_timeout": "1s",
        "store_dir": "{store}",  # whatever is in its usual one it sends, and deletes
    },
}
"""How an output is told whom to dial, and what it cannot do without; others by host and port."""

GATHERS: Final[Mapping[str, float]] = {"s3": 6.0}
"""Seconds that an output gathers records for, at the least, before it sends any (5.1.1)."""

USUAL: Final[Mapping[str, str]] = {
    "azure": ".ods.opinsights.azure.com",  # behind its customer_id
    "cloudwatch_logs": "logs.{region}.amazonaws.com",
    "datadog": "http-intake.logs.datadoghq.com",
    "kinesis_firehose": "firehose.{region}.amazonaws.com",
    "kinesis_streams": "kinesis.{region}.amazonaws.com",
    "logdna": "logs.logdna.com",
    "nrlogs": "log-api.newrelic.com",
    "s3": "s3.{region}.amazonaws.com",
    "slack": "hooks.slack.com",  # which its webhook always says
    "td": "api.treasuredata.com",
}
"""Whom an output dials when nothing says whom (the source of 5.1.1); others, loopback."""

_OF_NOBODY: Final = {"AWS_ACCESS_KEY_ID": "nobody-s", "AWS_SECRET_ACCESS_KEY": "nobody-s"}

_OF_AWS: Final = frozenset({"cloudwatch_logs", "kinesis_firehose", "kinesis_streams", "s3"})


def credentials(plugin: str, properties: Iterable[str]) -> Mapping[str, str]:
    """What an output with these properties takes from the environment, and cannot do without.

    Those for AWS, and others with `aws_auth`, sign their requests.
    """
    signs = plugin in _OF_AWS or "aws_auth" in {name.lower() for name in properties}
    return _OF_NOBODY if signs else {}


TAKES: Final = {
    "opentelemetry": {"Tag_From_URI": "off"},
    "tcp": {"Format": "json"},
    "syslog": {"Mode": "tcp", "Parser": "syslog-rfc5424"},
}
"""What an input needs to take what our shipper ships."""

METRICS: Final = frozenset({"prometheus_remote_write"})
"""Plugins of metrics: inputs whose records no output but that of the same name sends on."""

PARSERS: Final = """\
[PARSER]
    Name   syslog-rfc5424
    Format regex
    Regex  ^\\<(?<pri>[0-9]{1,5})\\>1 (?<time>[^ ]+) (?<host>[^ ]+) (?<ident>[^ ]+) \
(?<pid>[-0-9]+) (?<msgid>[^ ]+) (?<extradata>(\\[(.*?)\\]|-)) (?<message>.+)$
"""
"""The parser that a syslog input cannot do without."""

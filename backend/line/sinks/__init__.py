"""Who is told of each verdict: a CSV file, a broker, a web server; see `sinks.sink`."""

from urllib.parse import urlsplit

from backend.line.sinks.sink import Sink
from backend.records import UserError


def opened(address: str, line: str, uninspected: str) -> Sink:
    """The sink of an address. Raises UserError where it is none that is known."""
    if address.startswith("csv:"):
        from backend.line.sinks.csv_file import CsvFile

        return CsvFile(address, line, uninspected)
    if urlsplit(address).scheme in ("mqtt", "mqtts"):
        from backend.line.sinks.mqtt import Mqtt

        return Mqtt(address, line, uninspected)
    if urlsplit(address).scheme in ("http", "https"):
        from backend.line.sinks.webhook import Webhook

        return Webhook(address, line, uninspected)
    if urlsplit(address).scheme == "opc.tcp":
        from backend.line.sinks.opcua import OpcUa

        return OpcUa(address, line, uninspected)
    raise UserError(
        f"Sink: '{address}' is none of csv:FILE, mqtt://HOST:PORT/TOPIC, mqtts://…, https://… and "
        "opc.tcp://HOST:PORT."
    )

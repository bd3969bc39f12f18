"""What tests of alerts share: a daemon that tells receivers of their own."""
import re

import requests

import daemon as daemons
from api import Api, ok
from clock import Clock
from database import execute
from receivers import Authority, MailServer, Webhook, until
from world import World, fresh

FROM = "chancery@example.com"


def row_of(place, alert):
    """The condition of SQL that a row is of the alert."""
    if place.daemon.storage == "postgres":
        return f"alert_id = '{alert['id']}'"
    return f"alert_id = x'{alert['id'].replace('-', '')}'"


class Place:
    """A daemon under a clock of its own, with receivers that it may call."""

    def __init__(self, folder, storage, conninfo):
        self.authority = Authority(folder / "ca")
        self.hook = Webhook(self.authority)
        self.mail = MailServer()
        self.clock = Clock(folder / "clock")
        self.metrics = daemons.free_ports(1)[0]
        self.daemon = daemons.Daemon(folder / "daemon", storage, conninfo,
                                     env=self.clock.environment)

    def start(self, more=""):
        """`more`: sections of the configuration."""
        self.daemon.start()
        self.daemon.log_everything()
        self.daemon.configure(
            f'outbound:\n  allow: ["127.0.0.0/8"]\n  ca_file: "{self.authority.file}"\n'
            f'metrics:\n  enabled: true\n  listen: "127.0.0.1:{self.metrics}"\n' + more)
        file = self.daemon.data / "dev.yaml"
        text = file.read_text(encoding="utf-8")
        assert "    plugin: notify\n" in text, text
        file.write_text(text.replace("    plugin: notify\n", (
            "    plugin: notify\n    options:\n      timeout: 3s\n      smtp_host: 127.0.0.1\n"
            f"      smtp_port: {self.mail.port}\n      smtp_tls: none\n"
            f"      smtp_from: {FROM}\n")), encoding="utf-8")
        self.restart()
        self.world = World(self.admin)
        return self

    def restart(self, kill=False):
        if kill:
            self.daemon.kill()
        self.daemon.restart()
        self.admin = Api(self.daemon.ready.url, self.daemon.ready.token)
        if hasattr(self, "world"):
            self.world.admin = self.admin

    def close(self):
        self.hook.close()
        self.mail.close()
        self.daemon.stop()

    def webhook(self, path, **config):
        return {"channelType": "webhook", "config": {"url": self.hook.url(path), **config}}

    def alert(self, event, *channels, world=None, **changes):
        body = {"projectId": (world or self.world).project_id, "name": fresh("alert"),
                "eventType": event, "channels": list(channels), **changes}
        return ok(self.admin.create_alert(json=body))["alert"]

    def get(self, alert):
        return ok(self.admin.get_alert(alert["id"]))["alert"]

    def deliveries(self, alert, **query):
        return ok(self.admin.list_deliveries(alert["id"], query=query))["deliveries"]

    def issue(self, name, profile=None, world=None, **attributes):
        return (world or self.world).issue(profile, commonName=name, **attributes)["certificateId"]

    def look(self, alert, **later):
        """Lets time pass until the alert has looked at what ends by then."""
        self.clock.advance(**{"seconds": 11, **later})
        then = self.clock.now.timestamp() * 1e6
        until(lambda: float(execute(
            self.daemon,
            f"SELECT due_at FROM alert_states WHERE {row_of(self, alert)}")[0][0]) > then)

    def metric(self, series):
        text = requests.get(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10).text
        found = re.search(rf"^chancery_{re.escape(series)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0

# The place of the gateway, included by ostiary.vcl. As it stands it fits deploy/compose.yaml;
# elsewhere set host and port. The purge secret is not here: ostiary.vcl reads it from the
# environment variable OSTIARY_PURGE_SECRET of varnishd (compose: environment; systemd:
# Environment=), the same text as `secret` under [cdn.varnish] in ostiary.toml.

backend origin {
    .host = "gateway";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 30s;      # a cold page of a large scan takes a while
    .between_bytes_timeout = 10s;
    # There is no other origin to turn to, so a busy gateway is waited for: it is given up when it
    # has said nothing for three probes, and is back with the next one that it answers.
    .probe = {
        .url = "/livez";            # one failing store must not take the other zones out
        .interval = 2s;
        .timeout = 5s;
        .window = 3;
        .threshold = 1;
        .initial = 1;               # up until shown otherwise
    }
}

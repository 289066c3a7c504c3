# Varnish in front of the zone <<facts.zone>>, verifying its links: written by `ostiary edge render`.
#
# THIS FILE HOLDS KEYS. Whoever reads it can make links of this zone; keep it to varnishd alone.
#
# Needs Varnish 7.1, varnish-modules (str, var, xkey) and varnish-vmod-digest. The purge secret comes
# from the environment variable OSTIARY_PURGE_SECRET; without it nobody can purge. With one of the
# `shield` secrets in OSTIARY_SHIELD the gateway knows this edge, and is asked by the key of a copy.
#
# A link that is good here shares one copy with every other link to the same thing: the token is
# no part of the key. It is sent on, so the origin verifies each fetch again. What is kept is what
# Surrogate-Control allows. State of a request is in vmod var, where no client reaches it and no
# log shows it; fields named Ostiary-Edge-* are this file's own.

vcl 4.1;

import blob;
import digest;
import directors;
import std;
import str;
import var;
import xkey;

backend origin {
    .host = "<<backend.host>>";
    .port = "<<backend.port>>";
    .connect_timeout = 2s;
    .first_byte_timeout = 30s;      # a cold page of a large scan takes a while
    .between_bytes_timeout = 10s;
}

sub vcl_init {
    new hashed = directors.shard();     # of no backends: what is wanted is its SHA-256
}

# Requests ------------------------------------------------------------------------------------

sub vcl_recv {
    if (req.restarts == 0) {
        call ostiary_forget_claims;
    }
    if (req.method == "PURGE" || req.method == "SOFTPURGE") {
        call ostiary_purge;
    }
    call vcl_req_host;
    if (req.http.Range && req.http.Range !~ "^bytes=(?:[0-9]+-[0-9]*|-[0-9]+)$") {
        # Several ranges at once Varnish would answer with an error; without them it sends all.
        unset req.http.Range;
    }
    if (req.url !~ "^/d/") {
        if (req.url ~ "<<passed>>") {
            return (pass);
        }
        return (synth(403, "Forbidden"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    if (req.url ~ "<<folder>>") {
        # Folder links are proved by more than their text.
        return (pass);
    }
    call ostiary_verify;
    if (req.http.Content-Length == "0") {
        # Some programs say so with every request: it has no body.
        unset req.http.Content-Length;
    }
    if (str.take(var.get("signed"), 5,
            str.count(var.get("signed")) - str.count(var.get("grant")) - 5) != ".-.-." ||
        req.http.Authorization || req.http.Content-Length || req.http.Transfer-Encoding) {
        # For one viewer or one use, or with more than a link needs: the origin's to judge.
        return (pass);
    }
    call ostiary_share;
    unset req.http.Cookie;
    if (req.http.Ostiary-Edge-Stale == "ask") {
        set req.grace = 0s;
    } else {
        set req.grace = 30d;
    }
    return (hash);
}

# What a client says of itself in the name of a proxy, of the gateway, or of this file.
sub ostiary_forget_claims {
    unset req.http.Ostiary-Edge-Ask;
    unset req.http.Ostiary-Edge-Cache;
    unset req.http.Ostiary-Edge-Copy;
    unset req.http.Ostiary-Edge-Left;
    unset req.http.Ostiary-Edge-Purged;
    unset req.http.Ostiary-Edge-Stale;
    unset req.http.Ostiary-Shield;
    unset req.http.Ostiary-Token;
    unset req.http.Forwarded;
    unset req.http.Surrogate-Capability;
    unset req.http.X-Forwarded-Port;
    unset req.http.X-Forwarded-Prefix;
    unset req.http.X-Original-URL;
    unset req.http.X-Real-IP;
    unset req.http.X-Rewrite-URL;
    set req.http.X-Forwarded-For = client.ip;
    set req.http.X-Forwarded-Host = req.http.Host;
    if (std.port(server.ip) == 443) {
        set req.http.X-Forwarded-Proto = "https";
    } else {
        set req.http.X-Forwarded-Proto = "http";
    }
}

sub ostiary_purge {
    if (std.getenv("OSTIARY_PURGE_SECRET") == "" ||
        req.http.purge-key != std.getenv("OSTIARY_PURGE_SECRET")) {
        return (synth(403, "Forbidden"));
    }
    if (!req.http.xkey-purge) {
        return (synth(400, "No tags in xkey-purge"));
    }
    if (req.method == "PURGE") {
        set req.http.Ostiary-Edge-Purged = xkey.purge(req.http.xkey-purge);
    } else {
        set req.http.Ostiary-Edge-Purged = xkey.softpurge(req.http.xkey-purge);
    }
    return (synth(200, "purged " + req.http.Ostiary-Edge-Purged));
}

# Links ---------------------------------------------------------------------------------------

# Grammar, MAC, end and grant; whatever is not shown to be right is refused.
sub ostiary_verify {
    var.clear();
    if (str.count(req.url) > 2048 || req.url !~ "<<target>>") {
        return (synth(403, "Forbidden"));
    }
    # From here on no field of the token is empty or holds a dot: t=1, kid, end, generation,
    # audience, one-time, grant, signature.
    var.set("token", str.split(req.url, 2, "?"));
    var.set("grant", str.split(var.get("token"), 7, "."));
    var.set("rendition", str.split(req.url, 2, "/"));
    call ostiary_verify_mac;
    call ostiary_verify_end;
    call ostiary_verify_grant;
}

sub ostiary_verify_mac {
    var.set("kid", str.split(var.get("token"), 2, "."));
    # All but the rendition before it, and the signature behind it.
    var.set("signed", "/d" + str.take(req.url,
        str.count(req.url) - str.count(var.get("rendition")) - 36,
        str.count(var.get("rendition")) + 3));
<% for kid, key in facts.keys.items() %>
    if (var.get("kid") == "<<kid>>") {
        var.set("mac", digest.hmac_sha256("<<key>>", var.get("signed")));
    }
<% endfor %>
    var.set("sig", blob.transcode(HEX, BASE64URLNOPAD,
        encoded=str.take(var.get("mac"), 48, 2)));
    var.set("shown", str.take(req.url, 32, str.count(req.url) - 32));
    # Compared as numbers first, by a hash with the part of the MAC that no link shows, so that time
    # tells nothing of it: a wrong one gets as far as the texts once in 2^32.
    if (str.count(var.get("sig")) != 32 ||
        hashed.key(str.take(var.get("mac"), 16, 50) + var.get("sig")) !=
            hashed.key(str.take(var.get("mac"), 16, 50) + var.get("shown")) ||
        var.get("sig") != var.get("shown")) {
        return (synth(403, "Forbidden"));
    }
}

sub ostiary_verify_end {
    var.set_int("now", std.integer(time=now, fallback=0));
    var.set_int("exp", std.integer(str.split(var.get("token"), 3, "."), 0));
    if (var.get_int("exp") <= var.get_int("now") ||
        var.get_int("exp") > var.get_int("now") + <<facts.farthest>>) {
        return (synth(403, "Forbidden"));
    }
}

# The class parts what may hold a whole original (w) from what never does (r).
sub ostiary_verify_grant {
    var.set("class", "w");
    if (var.get("grant") == "ia" || var.get("grant") == "da") {
        if (var.get("rendition") != "original" &&
            var.get("rendition") !~ "<<whole>>" && var.get("rendition") !~ "<<declared>>") {
            return (synth(403, "Forbidden"));
        }
    } else if (var.get("grant") == "io" || var.get("grant") == "do") {
        if (var.get("rendition") != "original") {
            return (synth(403, "Forbidden"));
        }
    } else {
        if (var.get("rendition") !~ "<<whole>>") {
            var.set("class", "r");
        }
        if (var.get("grant") == "ip" || var.get("grant") == "dp") {
            if (var.get("rendition") !~ "<<declared>>") {
                return (synth(403, "Forbidden"));
            }
        } else if (var.get("grant") != "ix-" + var.get("rendition") &&
            var.get("grant") != "dx-" + var.get("rendition")) {
            return (synth(403, "Forbidden"));
        }
    }
}

# The name with its format, the target as it is sent on, and the key.
sub ostiary_share {
    if (var.get("rendition") != "original" &&
        var.get("grant") ~ "^.[ap]$" && var.get("rendition") ~ "<<automatic>>") {
        call ostiary_format;
        set req.url = regsub(req.url, "^(/d/[^/]+)", "\1-" + var.get("format"));
    }
    set req.http.Ostiary-Edge-Copy = str.take(var.get("grant"), 1) +
        var.get("class") + str.split(var.get("token"), 4, ".");
}

# Of the two, pages are smaller as WebP.
sub ostiary_format {
    var.set("format", "jpeg");
    if (req.http.Accept ~ "<<shows_webp>>" && req.http.Accept !~ "<<bars_webp>>") {
        var.set("format", "webp");
    }
    if ((var.get("format") != "webp" || var.get("rendition") !~ "^p[1-9]") &&
        req.http.Accept ~ "<<shows_avif>>" && req.http.Accept !~ "<<bars_avif>>") {
        var.set("format", "avif");
    }
}

sub vcl_hash {
    if (req.http.Ostiary-Edge-Copy) {
        hash_data(str.split(req.url, 1, "?"));
        hash_data(req.http.Ostiary-Edge-Copy);
    } else {
        hash_data(req.url);     # passed, and never looked up
    }
    return (lookup);
}

# What the cache holds ------------------------------------------------------------------------

sub vcl_hit {
    if (obj.http.Ostiary-Edge-Ask) {
        # Mode revalidate: whoever came while another request was being answered asks as well.
        return (pass);
    }
    set req.http.Ostiary-Edge-Cache = "hit";
    if (obj.ttl > 0s) {
        return (deliver);
    }
    set req.http.Ostiary-Edge-Cache = "stale";
    if (obj.ttl + std.duration(obj.http.Ostiary-Edge-SWR + "s", 0s) > 0s) {
        # stale-while-revalidate: this copy now, the next one is fetched behind it.
        return (deliver);
    }
    if (obj.ttl + std.duration(obj.http.Ostiary-Edge-SIE + "s", 0s) <= 0s) {
        return (pass);
    }
    if (req.http.Ostiary-Edge-Stale == "serve") {
        return (deliver);
    }
    # stale-if-error: the origin is asked first, and this copy serves only when it fails.
    set req.http.Ostiary-Edge-Stale = "ask";
    return (restart);
}

sub vcl_miss {
    set req.http.Ostiary-Edge-Cache = "miss";
    return (fetch);
}

sub vcl_pass {
    set req.http.Ostiary-Edge-Cache = "pass";
    return (fetch);
}

# The origin ----------------------------------------------------------------------------------

sub vcl_backend_fetch {
    if (bereq.http.Ostiary-Edge-Copy) {
        call ostiary_accept;
    }
    if (std.getenv("OSTIARY_SHIELD") != "") {
        set bereq.http.Ostiary-Shield = std.getenv("OSTIARY_SHIELD");
        if (bereq.http.Ostiary-Edge-Copy) {
            set bereq.http.Ostiary-Token = regsub(bereq.url, "^[^?]+\?t=", "");
            set bereq.url = regsub(bereq.url, "\?t=.*$", "?c=" + bereq.http.Ostiary-Edge-Copy);
        }
    }
    unset bereq.http.Ostiary-Edge-Cache;
    unset bereq.http.Ostiary-Edge-Copy;
    if (!bereq.uncacheable) {
        # Identity only: one strong ETag, ranges of the real bytes, and no-transform. Varnish asks
        # for gzip on its own.
        unset bereq.http.Accept-Encoding;
    }
    return (fetch);
}

# Of Accept only what copies differ by is sent on.
sub ostiary_accept {
    set bereq.http.Ostiary-Edge-Accept = "*/*";
    if (bereq.http.Accept ~ "<<shows_webp>>" && bereq.http.Accept !~ "<<bars_webp>>") {
        set bereq.http.Ostiary-Edge-Accept = "image/webp,*/*";
    }
    if (bereq.http.Accept ~ "<<shows_avif>>" && bereq.http.Accept !~ "<<bars_avif>>") {
        set bereq.http.Ostiary-Edge-Accept = "image/avif," + bereq.http.Ostiary-Edge-Accept;
    }
    set bereq.http.Accept = bereq.http.Ostiary-Edge-Accept;
    unset bereq.http.Ostiary-Edge-Accept;
}

sub vcl_backend_response {
    # A stored answer must not bring these from the origin.
    unset beresp.http.Ostiary-Edge-Ask;
    unset beresp.http.Ostiary-Edge-SWR;
    unset beresp.http.Ostiary-Edge-SIE;
    if (beresp.status >= 500) {
        if (bereq.is_bgfetch || bereq.http.Ostiary-Edge-Stale == "ask") {
            return (abandon);
        }
        # Never stored; for a second the waiting requests do not queue behind each other either.
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
        set beresp.grace = 0s;
        set beresp.keep = 0s;
        return (deliver);
    }
    if (bereq.uncacheable) {
        return (deliver);
    }
    std.collect(beresp.http.Surrogate-Control);
    if ((beresp.status != 200 && beresp.status != 404) ||
        !beresp.http.Surrogate-Control || beresp.http.Set-Cookie || beresp.http.Vary ~ "\*" ||
        beresp.http.xkey !~ "[a-z0-9]" ||   # without a tag it could not be taken back
        beresp.http.Surrogate-Control ~ "(?i)(^|[, ])(no-store|private)([,; =]|$)") {
        call ostiary_keep_nothing;
    }
    if (beresp.http.Surrogate-Control ~ "(?i)(^|[, ])no-cache([,; =]|$)") {
        call ostiary_keep_to_ask;
    }
    if (beresp.http.Surrogate-Control !~ "(?i)(^|[, ])max-age=[0-9]{1,9}([,; ]|$)") {
        call ostiary_keep_nothing;
    }
    call ostiary_keep;
    return (deliver);
}

sub ostiary_keep_nothing {
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (beresp.status == 200) {
        # For a minute ranges and preconditions reach the origin as they are.
        return (pass(60s));
    }
    # Never stored; for a second the waiting requests do not queue behind each other either.
    set beresp.uncacheable = true;
    set beresp.ttl = 1s;
    return (deliver);
}

# Mode revalidate: with no time at all Varnish would keep nothing to ask with.
sub ostiary_keep_to_ask {
    set beresp.http.Ostiary-Edge-Ask = "1";
    unset beresp.http.Surrogate-Control;
    set beresp.ttl = 1ms;
    set beresp.grace = 0s;
    set beresp.keep = 1d;
    return (deliver);
}

# Fresh for max-age, then stale as allowed; a day longer to ask with.
sub ostiary_keep {
    set beresp.ttl = std.duration(regsub(beresp.http.Surrogate-Control, "(?i)^(.*[, ])?max-age=([0-9]+).*$", "\2") + "s", 0s) - beresp.age;
    set beresp.keep = 1d;
    set beresp.http.Ostiary-Edge-SWR = "0";
    set beresp.http.Ostiary-Edge-SIE = "0";
    if (beresp.http.Surrogate-Control ~ "(?i)(^|[, ])stale-while-revalidate=[0-9]{1,9}([,; ]|$)") {
        set beresp.http.Ostiary-Edge-SWR = regsub(beresp.http.Surrogate-Control, "(?i)^(.*[, ])?stale-while-revalidate=([0-9]+).*$", "\2");
    }
    if (beresp.http.Surrogate-Control ~ "(?i)(^|[, ])stale-if-error=[0-9]{1,9}([,; ]|$)") {
        set beresp.http.Ostiary-Edge-SIE = regsub(beresp.http.Surrogate-Control, "(?i)^(.*[, ])?stale-if-error=([0-9]+).*$", "\2");
    }
    set beresp.grace = std.duration(beresp.http.Ostiary-Edge-SWR + "s", 0s);
    if (beresp.grace < std.duration(beresp.http.Ostiary-Edge-SIE + "s", 0s)) {
        set beresp.grace = std.duration(beresp.http.Ostiary-Edge-SIE + "s", 0s);
    }
    unset beresp.http.Surrogate-Control;
}

sub vcl_backend_error {
    if (bereq.is_bgfetch || bereq.http.Ostiary-Edge-Stale == "ask") {
        return (abandon);
    }
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    set beresp.http.X-Content-Type-Options = "nosniff";
    set beresp.ttl = 0s;
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    set beresp.uncacheable = true;
    synthetic("""<<down>>""");
    return (deliver);
}

# Answers -------------------------------------------------------------------------------------

sub vcl_deliver {
    if (resp.http.Ostiary-Edge-SWR && resp.status == 200) {
        # A shared copy: the browser's time is counted from now and ends with the link. Age and
        # Date start anew with it, or a copy kept for long would reach the browser stale.
        set resp.http.Date = now;
        unset resp.http.Age;
        if (obj.ttl <= 0s) {
            set resp.http.Cache-Control = "private, no-cache, no-transform";
        } else {
            call ostiary_browser_time;
        }
    }
    call ostiary_cache_status;
    unset resp.http.Ostiary-Edge-Ask;
    unset resp.http.Ostiary-Edge-SIE;
    unset resp.http.Ostiary-Edge-SWR;
<% for name in for_caches %>
    unset resp.http.<<name>>;
<% endfor %>
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    return (deliver);
}

sub ostiary_browser_time {
    var.set_int("left", var.get_int("exp") - var.get_int("now"));
    if (var.get_int("left") > <<browser>>) {
        var.set_int("left", <<browser>>);
    }
    set req.http.Ostiary-Edge-Left = var.get_int("left");
    if (resp.http.Cache-Control ~ "immutable") {
        set req.http.Ostiary-Edge-Left = req.http.Ostiary-Edge-Left + ", immutable";
    }
    set resp.http.Cache-Control = "private, no-transform, max-age=" + req.http.Ostiary-Edge-Left;
}

# RFC 9211; what a kept answer says of the caches behind this one is no longer true.
sub ostiary_cache_status {
    set resp.http.X-Cache = req.http.Ostiary-Edge-Cache;
    if (req.http.Ostiary-Edge-Cache == "hit" || req.http.Ostiary-Edge-Cache == "stale") {
        set resp.http.Cache-Status = "varnish; hit; ttl=" + std.integer(duration = obj.ttl);
        return;
    }
    if (resp.http.Cache-Status) {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", ";
    }
    if (req.http.Ostiary-Edge-Cache == "pass") {
        set resp.http.Cache-Status = resp.http.Cache-Status + "varnish; fwd=bypass";
    } else {
        set resp.http.Cache-Status = resp.http.Cache-Status + "varnish; fwd=miss";
    }
}

sub vcl_synth {
    if (req.http.Ostiary-Edge-Stale == "ask" && resp.status == 503) {
        # The origin failed: the copy that stale-if-error allows serves now.
        set req.http.Ostiary-Edge-Stale = "serve";
        return (restart);
    }
    set resp.http.Cache-Control = "no-store";
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    if (resp.status == 403) {
<% for name, value in refusal.fields %>
        set resp.http.<<name>> = "<<value>>";
<% endfor %>
        synthetic("""<<refusal.body>>""");
        return (deliver);
    }
    set resp.http.Content-Type = "text/plain";
    synthetic(resp.reason + {"
"});
    return (deliver);
}

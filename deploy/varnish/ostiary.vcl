# Varnish in front of Ostiary, for zones in the modes windowed, revalidate and private.
#
# Needs Varnish 7.1 and varnish-modules (vmod xkey). Set the origin in site.vcl beside this file,
# the purge secret in the environment variable OSTIARY_PURGE_SECRET; without it nobody can purge.
#
# What it keeps is what Surrogate-Control allows, under the whole URL with its token, and never
# past the end of the link; public objects of the storage routes have neither. Fields named Ostiary-Edge-* are this file's own.

vcl 4.1;

import std;
import xkey;

include "./site.vcl";

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
    if (req.url !~ "^/(d|storage/v1/(object/public|(object|render/image)/sign))/" ||
        (req.method != "GET" && req.method != "HEAD")) {
        # The API, the pages, what Supabase decides for each caller, and other methods.
        return (pass);
    }
    if (req.http.Content-Length == "0") {
        # Some programs say so with every request: it has no body.
        unset req.http.Content-Length;
    }
    if (req.http.Authorization || req.http.Content-Length || req.http.Transfer-Encoding) {
        # A link carries its authority in the URL: what brings more is the origin's to judge.
        return (pass);
    }
    if (req.url !~ "^/storage/v1/object/public/") {
        if (req.url !~ "^/(d/[^?]+\?t|storage/v1/[^?]+\?token)=1\.[a-z0-9]{1,8}\.[1-9][0-9]{9}\.[0-9]{1,10}\.-\.-\.[a-z0-9_-]{2,70}\.[A-Za-z0-9_-]{32}(&|$)" ||
            req.url ~ "^/d/[^?]+\?[^&]*&") {
            # Broken tokens, those of Supabase, and those bound to a viewer or good for one use are
            # never looked up. On the storage routes alone more may follow: download, cacheNonce.
            return (pass);
        }
        set req.http.Ostiary-Edge-Exp = regsub(req.url, "^[^?]+\?[a-z]+=1\.[a-z0-9]+\.([0-9]{10})\..*$", "\1");
        if (std.time(req.http.Ostiary-Edge-Exp, now) <= now) {
            # Dead links get nothing from here, whatever is still kept.
            return (pass);
        }
    }
    unset req.http.Cookie;
    if (req.http.Ostiary-Edge-Stale == "ask") {
        set req.grace = 0s;
    } else {
        set req.grace = 30d;
    }
    return (hash);
}

# What a client says of itself in the name of a proxy, or of this file.
sub ostiary_forget_claims {
    unset req.http.Ostiary-Edge-Ask;
    unset req.http.Ostiary-Edge-Cache;
    unset req.http.Ostiary-Edge-Exp;
    unset req.http.Ostiary-Edge-Left;
    unset req.http.Ostiary-Edge-Purged;
    unset req.http.Ostiary-Edge-Stale;
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

# The raw target and nothing else: a token is good on any host.
sub vcl_hash {
    hash_data(req.url);
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
    unset bereq.http.Ostiary-Edge-Cache;
    unset bereq.http.Ostiary-Edge-Exp;
    if (!bereq.uncacheable) {
        # Identity only: one strong ETag, ranges of the real bytes, and no-transform. Varnish asks
        # for gzip on its own.
        unset bereq.http.Accept-Encoding;
    }
    return (fetch);
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
        !beresp.http.Surrogate-Control || beresp.http.Set-Cookie ||
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
    set beresp.keep = std.time(regsub(bereq.url, "^[^?]+\?[a-z]+=1\.[a-z0-9]+\.([0-9]{10})\..*$", "\1"), now) - now;
    return (deliver);
}

# Fresh for max-age, then stale as allowed, and all of it before the link dies.
sub ostiary_keep {
    set beresp.ttl = std.duration(regsub(beresp.http.Surrogate-Control, "(?i)^(.*[, ])?max-age=([0-9]+).*$", "\2") + "s", 0s) - beresp.age;
    set beresp.keep = std.time(regsub(bereq.url, "^[^?]+\?[a-z]+=1\.[a-z0-9]+\.([0-9]{10})\..*$", "\1"), now) - now;
    if (bereq.url ~ "^/storage/v1/object/public/") {
        # No link, so no end: what changes is purged. A day longer to ask with.
        set beresp.keep = beresp.ttl + 1d;
    }
    if (beresp.ttl > beresp.keep) {
        set beresp.ttl = beresp.keep;
    }
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
    if (beresp.ttl + beresp.grace > beresp.keep) {
        set beresp.grace = beresp.keep - beresp.ttl;
    }
    # What is left of the link's life keeps the copy for questions only.
    set beresp.keep = beresp.keep - beresp.ttl - beresp.grace;
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
    synthetic("""{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The document server does not answer."}""");
    return (deliver);
}

# Answers -------------------------------------------------------------------------------------

sub vcl_deliver {
    if (resp.http.Ostiary-Edge-SWR && resp.status == 200 && req.http.Ostiary-Edge-Exp) {
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
    unset resp.http.Surrogate-Control;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    unset resp.http.xkey;
    return (deliver);
}

sub ostiary_browser_time {
    set req.http.Ostiary-Edge-Left = std.integer(duration = std.time(req.http.Ostiary-Edge-Exp, now) - now);
    if (std.integer(req.http.Ostiary-Edge-Left, 0) > 300) {
        set req.http.Ostiary-Edge-Left = "300";
    }
    if (resp.http.Cache-Control ~ "immutable") {
        set req.http.Ostiary-Edge-Left = req.http.Ostiary-Edge-Left + ", immutable";
    }
    set resp.http.Cache-Control = "private, no-transform, max-age=" + req.http.Ostiary-Edge-Left;
}

# RFC 9211; what a kept answer says of the caches behind this one is no longer true.
sub ostiary_cache_status {
    if (req.http.Ostiary-Edge-Cache == "hit" || req.http.Ostiary-Edge-Cache == "stale") {
        set resp.http.Cache-Status = "varnish; hit; ttl=" + std.integer(duration = obj.ttl);
        set resp.http.X-Cache = req.http.Ostiary-Edge-Cache;
        return;
    }
    set resp.http.X-Cache = req.http.Ostiary-Edge-Cache;
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
    set resp.http.Content-Type = "text/plain";
    set resp.http.Cache-Control = "no-store";
    unset resp.http.X-Varnish;
    unset resp.http.Via;
    synthetic(resp.reason + {"
"});
    return (deliver);
}

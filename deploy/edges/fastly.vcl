# Fastly before the zone clinic, verifying its links: written by `ostiary edge render fastly`.
#
# NOT RUN IN THE PROJECT'S TESTS, which have no Fastly: prove it with `ostiary doctor --edge URL` on a
# service of your own before a zone relies on it.
#
# THIS FILE HOLDS KEYS. Whoever reads it can make links of this zone.
#
# Custom VCL, main. A good link is looked up as /d/RENDITION/SCOPE?c=... and its token goes on in a
# field, which the gateway reads from whoever shows the secret below: one of `shield` in [cdn.NAME].
# Only the first of Fastly's hops judges; Fastly itself proves to the second that there was one.

table ostiary_keys {
  "k1": "5e28a0c1bccefffc0ae328f9e04917e8d0db7d656c3c2b0fc6d437d362fcefe2",
  "k2": "433307bc9b513158671fee8d91811f316aac779f84934ae775ec066181351fa6",
}

table ostiary_shield {
  "secret": "",
}

backend F_ostiary {
  .host = "gateway.example.org";
  .port = "443";
  .connect_timeout = 2s;
  .first_byte_timeout = 30s;
  .between_bytes_timeout = 10s;
  .ssl = true;
  .ssl_check_cert = always;
  .ssl_cert_hostname = "gateway.example.org";
  .ssl_sni_hostname = "gateway.example.org";
}

sub vcl_recv {
#FASTLY recv
  set req.backend = F_ostiary;
  if (req.restarts == 0 && fastly.ff.visits_this_service == 0) {
    call ostiary_forget_claims;
    call ostiary_judge;
  }
  if (req.http.Ostiary-Edge-Way == "share") {
    return(lookup);
  }
  return(pass);
}

# What a client says of itself in the name of a proxy, of the gateway, or of this file.
sub ostiary_forget_claims {
  unset req.http.Ostiary-Edge-Way;
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
}

sub ostiary_judge {
  set req.http.Ostiary-Edge-Way = "pass";
  if (req.url !~ {"^/d/"}) {
    if (req.url ~ {"^/(?:$|\?|(?:storage/v1|v1|hooks)/)"}) {
      return;
    }
    error 690;
  }
  if (req.method != "GET" && req.method != "HEAD") {
    return;
  }
  if (req.url ~ {"^/d/[^?]*\?t=1f[0-9]"}) {
    return;
  }
  set req.http.Ostiary-Edge-Way = "refuse";
  call ostiary_verify;
  if (req.http.Ostiary-Edge-Way == "pass") {
    return;
  }
  if (req.http.Ostiary-Edge-Way != "share") {
    error 690;
  }
  call ostiary_share;
}

# Grammar, MAC, end and grant; whatever is not shown to be right is refused.
sub ostiary_verify {
  declare local var.token STRING;
  declare local var.rendition STRING;
  declare local var.scope STRING;
  declare local var.key STRING;
  declare local var.mac STRING;
  declare local var.grant STRING;
  declare local var.end INTEGER;
  declare local var.now INTEGER;

  if (std.strlen(req.url) > 2048 || req.url !~ {"^/d/[a-z0-9][a-z0-9_-]{0,63}/clinic/(?:~/(?:-|[A-Za-z0-9_-]{22})/[A-Za-z0-9_-]+(?:\.[a-z0-9]{1,8})?|(?!~(?!canary/))(?!(?:\.|%2E){0,2}[/?])[A-Za-z0-9._~!$&'()*+,;=:@-]*(?:%[0-9A-F][0-9A-F][A-Za-z0-9._~!$&'()*+,;=:@-]*)*/(?:-|[A-Za-z0-9_-]{22})/(?!(?:\.|%2E){0,2}[/?])[A-Za-z0-9._~!$&'()*+,;=:@-]*(?:%[0-9A-F][0-9A-F][A-Za-z0-9._~!$&'()*+,;=:@-]*)*(?:/(?!(?:\.|%2E){0,2}[/?])[A-Za-z0-9._~!$&'()*+,;=:@-]*(?:%[0-9A-F][0-9A-F][A-Za-z0-9._~!$&'()*+,;=:@-]*)*)*)\?t=1\.[a-z0-9]{1,8}\.[1-9][0-9]{9}\.(?:0|[1-9][0-9]{0,9})\.(?:-|[A-Za-z0-9_-]{16})\.(?:-|[A-Za-z0-9_-]{16})\.[id](?:[aop]|x-(?!original\.)[a-z0-9][a-z0-9_-]{0,63})\.[A-Za-z0-9_-]{32}$"}) {
    error 690;
  }
  set var.rendition = regsub(req.url, {"^/d/([^/]+)/.*$"}, "\1");
  set var.scope = regsub(req.url, {"^/d/[^/]+/([^?]+)\?.*$"}, "\1");
  set var.token = regsub(req.url, {"^[^?]+\?t="}, "");
  set var.grant = regsub(var.token, {"^.*\.([^.]+)\.[^.]+$"}, "\1");

  set var.key = table.lookup(ostiary_keys, regsub(var.token, {"^1\.([^.]+)\..*$"}, "\1"), "");
  if (var.key !~ {"^[0-9a-f]{64}$"}) {
    error 690;
  }
  # 24 octets of the MAC are 32 characters, and no more than these are compared.
  set var.mac = digest.hmac_sha256_base64(var.key, "/d/" var.scope "?t=" regsub(var.token, {"\.[^.]+$"}, ""));
  set var.mac = regsuball(regsuball(substr(var.mac, 0, 32), {"\+"}, "-"), {"/"}, "_");
  if (var.mac !~ {"^[A-Za-z0-9_-]{32}$"}) {
    error 690;
  }
  if (!digest.secure_is_equal(var.mac, regsub(var.token, {"^.*\."}, ""))) {
    error 690;
  }

  set var.end = std.atoi(regsub(var.token, {"^1\.[^.]+\.([0-9]{10})\..*$"}, "\1"));
  set var.now = std.atoi(now.sec);
  if (var.now <= 0 || var.end <= var.now) {
    error 690;
  }
  set var.now += 86460;
  if (var.end > var.now) {
    error 690;
  }

  if (var.grant ~ {"^.o$"} && var.rendition != "original") {
    error 690;
  }
  if (var.grant ~ {"^.a$"} && var.rendition != "original" && var.rendition !~ {"^(?:auto|linear|p[1-9][0-9]{0,3}-text)$"} && var.rendition !~ {"^(?:p[1-9][0-9]{0,3}-)?(?:(?:w160|w320|w480|w640|w960|w1280|w1920|w2560|thumb)(?:-(?:jpeg|webp|avif|png))?|(?:card))$"}) {
    error 690;
  }
  if (var.grant ~ {"^.p$"} && var.rendition !~ {"^(?:p[1-9][0-9]{0,3}-)?(?:(?:w160|w320|w480|w640|w960|w1280|w1920|w2560|thumb)(?:-(?:jpeg|webp|avif|png))?|(?:card))$"}) {
    error 690;
  }
  if (var.grant !~ {"^.[aop]$"} && regsub(var.grant, {"^.x-"}, "") != var.rendition) {
    error 690;
  }

  if (var.token ~ {"^1\.[^.]+\.[^.]+\.[^.]+\.-\.-\."}) {
    set req.http.Ostiary-Edge-Way = "share";
  } else {
    set req.http.Ostiary-Edge-Way = "pass";
  }
}

# The name with its format, the target that is the key, and the token beside it.
sub ostiary_share {
  declare local var.rendition STRING;
  declare local var.scope STRING;
  declare local var.grant STRING;
  declare local var.class STRING;
  declare local var.format STRING;
  declare local var.shown STRING;

  set req.http.Ostiary-Token = regsub(req.url, {"^[^?]+\?t="}, "");
  set var.rendition = regsub(req.url, {"^/d/([^/]+)/.*$"}, "\1");
  set var.scope = regsub(req.url, {"^/d/[^/]+/([^?]+)\?.*$"}, "\1");
  set var.grant = regsub(req.http.Ostiary-Token, {"^.*\.([^.]+)\.[^.]+$"}, "\1");
  set var.class = "r";
  if (var.grant ~ {"^.[ao]$"} || var.rendition ~ {"^(?:auto|linear|p[1-9][0-9]{0,3}-text)$"}) {
    set var.class = "w";
  }
  set var.format = "jpeg";
  set var.shown = "*/*";
  if (req.http.Accept ~ {"(?i)(?:^|[\s,])image/webp(?=[\s,;]|$)"} && req.http.Accept !~ {"(?i)(?:^|[\s,])image/webp[^,]*;\s*[qQ]=0(?:\.0*)?(?=[\s,;]|$)"}) {
    set var.format = "webp";
    set var.shown = "image/webp,*/*";
  }
  if (req.http.Accept ~ {"(?i)(?:^|[\s,])image/avif(?=[\s,;]|$)"} && req.http.Accept !~ {"(?i)(?:^|[\s,])image/avif[^,]*;\s*[qQ]=0(?:\.0*)?(?=[\s,;]|$)"}) {
    set var.shown = "image/avif," var.shown;
    if (var.format != "webp" || var.rendition !~ {"^p[1-9]"}) {
      set var.format = "avif";
    }
  }
  if (var.grant ~ {"^.[ap]$"} && var.rendition ~ {"^(?:p[1-9][0-9]{0,3}-)?(?:w160|w320|w480|w640|w960|w1280|w1920|w2560|thumb)$"}) {
    set var.rendition = var.rendition "-" var.format;
  }
  set req.http.Accept = var.shown;
  set req.url = "/d/" var.rendition "/" var.scope "?c=" substr(var.grant, 0, 1) var.class
    regsub(req.http.Ostiary-Token, {"^1\.[^.]+\.[^.]+\.([^.]+)\..*$"}, "\1");
  unset req.http.Authorization;
  unset req.http.Cookie;
}

sub vcl_hash {
  set req.hash += req.url;
  set req.hash += req.http.host;
#FASTLY hash
  return(hash);
}

sub vcl_miss {
#FASTLY miss
  call ostiary_introduce;
  return(fetch);
}

sub vcl_pass {
#FASTLY pass
  call ostiary_introduce;
  return(pass);
}

sub ostiary_introduce {
  if (req.backend.is_origin) {
    set bereq.http.Ostiary-Shield = table.lookup(ostiary_shield, "secret", "");
    unset bereq.http.Ostiary-Edge-Way;
  }
}

sub vcl_fetch {
#FASTLY fetch
  # What is kept is what Surrogate-Control allows, and only what a tag can take back.
  if (req.http.Ostiary-Edge-Way != "share" || (beresp.status != 200 && beresp.status != 404) ||
      beresp.http.Set-Cookie || !beresp.http.Surrogate-Key ||
      beresp.http.Surrogate-Control !~ {"(?i)(^|[, ])max-age=[0-9]"} ||
      beresp.http.Surrogate-Control ~ {"(?i)(^|[, ])(no-store|no-cache|private)([,; =]|$)"}) {
    set beresp.cacheable = false;
    set beresp.ttl = 0s;
    return(pass);
  }
  return(deliver);
}

sub vcl_deliver {
  declare local var.left INTEGER;
#FASTLY deliver
  if (fastly.ff.visits_this_service == 0 && req.http.Ostiary-Token) {
    # The browser's time is counted from now and ends with its own link.
    unset resp.http.Age;
    set var.left = std.atoi(regsub(req.http.Ostiary-Token, {"^1\.[^.]+\.([0-9]{10})\..*$"}, "\1"));
    set var.left -= std.atoi(now.sec);
    if (var.left < 300 && resp.http.Cache-Control ~ {"max-age=[1-9]"}) {
      set resp.http.Cache-Control = "private, no-cache, no-transform";
    }
  }
  if (fastly.ff.visits_this_service == 0) {
    unset resp.http.cache-tag;
    unset resp.http.cdn-cache-control;
    unset resp.http.cdn-tag;
    unset resp.http.cloudflare-cdn-cache-control;
    unset resp.http.edge-cache-tag;
    unset resp.http.surrogate-control;
    unset resp.http.surrogate-key;
    unset resp.http.vercel-cache-tag;
    unset resp.http.vercel-cdn-cache-control;
    unset resp.http.x-accel-expires;
    unset resp.http.xkey;
  }
  return(deliver);
}

sub vcl_error {
#FASTLY error
  if (obj.status == 690) {
    set obj.status = 403;
    set obj.response = "Forbidden";
    set obj.http.Cache-Control = "no-store";
    set obj.http.content-type = {"application/problem+json"};
    set obj.http.x-content-type-options = {"nosniff"};
    set obj.http.referrer-policy = {"no-referrer"};
    set obj.http.x-robots-tag = {"none"};
    set obj.http.cross-origin-resource-policy = {"cross-origin"};
    set obj.http.content-security-policy = {"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"};
    synthetic {BODY"{"type":"urn:ostiary:problem:link.refused","title":"This link is not valid","status":403,"code":"link.refused","hint":"Check that the whole link was copied, or ask for a new one."}"BODY};
  }
  return(deliver);
}

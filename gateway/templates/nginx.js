// Verifies the links of the zone <<facts.zone>> in nginx: written by `ostiary edge render njs`.
//
// THIS FILE HOLDS KEYS. Whoever reads it can make links of this zone; keep it to nginx alone.
//
// One call judges a request by its raw target and names the location that goes on with it. An
// error anywhere is a refusal.

import crypto from 'crypto';
import fs from 'fs';

const KEYS = {
<% for kid, key in facts.keys.items() %>
    '<<kid>>': '<<key>>',
<% endfor %>
};
const FARTHEST = <<facts.farthest>>;
const BROWSER = <<browser>>;
const TARGET = /<<target>>/;
const FOLDER = /<<folder>>/;
const WHOLE = /<<whole>>/;
const DECLARED = /<<declared>>/;
const AUTOMATIC = /<<automatic>>/;
const SHOWS_AVIF = /<<shows_avif>>/i;
const BARS_AVIF = /<<bars_avif>>/i;
const SHOWS_WEBP = /<<shows_webp>>/i;
const BARS_WEBP = /<<bars_webp>>/i;

function now() {
    return Math.floor(Date.now() / 1000);
}

function mac(key, text) {
    return crypto.createHmac('sha256', key).update(text).digest('base64url');
}

// The parts of a target that the grammar allows; null for any other.
function parts(target) {
    if (target.length > 2048 || !TARGET.test(target)) {
        return null;
    }
    const mark = target.indexOf('?');
    const slash = target.indexOf('/', 3);
    const token = target.slice(mark + 3);
    const fields = token.split('.');
    if (fields.length !== 8) {
        return null;
    }
    return {
        rendition: target.slice(3, slash),
        scope: target.slice(slash + 1, mark),
        token: token,
        body: token.slice(0, -33),
        kid: fields[1],
        exp: Number(fields[2]),
        gen: fields[3],
        bound: fields[4] !== '-' || fields[5] !== '-',
        grant: fields[6],
        sig: fields[7],
    };
}

// The signature, compared under a second HMAC so that time tells nothing of it.
function signed(link) {
    const key = KEYS.hasOwnProperty(link.kid) ? KEYS[link.kid] : '';
    if (!/^[0-9a-f]{64}$/.test(key)) {
        return false;
    }
    const whole = mac(key, '/d/' + link.scope + '?t=' + link.body);
    const right = whole.slice(0, 32);
    return right.length === 32 && mac(whole, right) === mac(whole, link.sig);
}

function living(link, time) {
    return link.exp > time && link.exp <= time + FARTHEST;
}

function granted(link) {
    const name = link.rendition;
    switch (link.grant.slice(1)) {
    case 'o':
        return name === 'original';
    case 'a':
        return name === 'original' || WHOLE.test(name) || DECLARED.test(name);
    case 'p':
        return DECLARED.test(name);
    default:
        return link.grant.slice(1) === 'x-' + name;
    }
}

// The formats that an Accept field names.
function shown(accept) {
    const found = [];
    if (SHOWS_AVIF.test(accept) && !BARS_AVIF.test(accept)) {
        found.push('avif');
    }
    if (SHOWS_WEBP.test(accept) && !BARS_WEBP.test(accept)) {
        found.push('webp');
    }
    return found;
}

// The name with its format. Of the two, pages are smaller as WebP.
function formatted(link, formats) {
    if (!/^[id][ap]$/.test(link.grant) || !AUTOMATIC.test(link.rendition)) {
        return link.rendition;
    }
    const page = /^p[1-9]/.test(link.rendition);
    const best = page ? formats[formats.length - 1] : formats[0];
    return link.rendition + '-' + (best || 'jpeg');
}

// The class parts what may hold a whole original from what never does.
function group(link) {
    return /^[id][ao]$/.test(link.grant) || WHOLE.test(link.rendition) ? 'w' : 'r';
}

function share(r, link, time) {
    const formats = shown(r.headersIn['Accept'] || '');
    const path = '/d/' + formatted(link, formats) + '/' + link.scope;
    const key = path + '?c=' + link.grant[0] + group(link) + link.gen;
    const known = r.variables.ostiary_shield !== '';
    r.variables.ostiary_key = key;
    r.variables.ostiary_target = known ? key : path + '?t=' + link.token;
    r.variables.ostiary_token = known ? link.token : '';
    r.variables.ostiary_shown = formats.map((name) => 'image/' + name + ',').join('') + '*/*';
    r.variables.ostiary_browser =
        'private, no-transform, max-age=' + Math.min(BROWSER, link.exp - time);
}

function more(r) {
    const fields = r.headersIn;
    return fields['Authorization'] || fields['Content-Length'] || fields['Transfer-Encoding'];
}

// The location that goes on with a request; none for what is refused.
function judged(r) {
    const target = r.variables.request_uri;
    if (FOLDER.test(target)) {
        return '@passed';
    }
    const link = parts(target);
    const time = now();
    if (link === null || !signed(link) || !living(link, time) || !granted(link)) {
        return '';
    }
    if (link.bound || more(r)) {
        return '@passed';
    }
    share(r, link, time);
    return '@shared';
}

function verify(r) {
    let place = '';
    try {
        place = judged(r);
    } catch (error) {
        place = '';
    }
    if (place === '@shared' || place === '@passed') {
        r.internalRedirect(place);
    } else {
        r.return(403);
    }
}

// Unlinks copies by the MD5 of their keys, which is what nginx calls their files. One that can not
// be unlinked fails the call, so that it is made again.
function purge(r) {
    const secret = r.variables.ostiary_purge_key;
    const shown = r.headersIn['Purge-Key'] || '';
    if (r.method !== 'POST' || !secret || mac(secret, shown) !== mac(secret, secret)) {
        r.return(403);
        return;
    }
    let purged = 0;
    try {
        r.requestText.split('\n').filter(Boolean).forEach((digest) => {
            if (!/^[0-9a-f]{32}$/.test(digest)) {
                throw new Error('no digest');
            }
            purged += unlinked(r.variables.ostiary_copies, digest);
        });
    } catch (error) {
        r.return(500);
        return;
    }
    r.return(200, `purged ${purged}\n`);
}

function unlinked(folder, digest) {
    try {
        fs.unlinkSync(`${folder}/${digest.slice(31)}/${digest.slice(29, 31)}/${digest}`);
        return 1;
    } catch (error) {
        if (error.code === 'ENOENT') {
            return 0;
        }
        throw error;
    }
}

export default { verify, purge };

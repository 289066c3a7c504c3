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
function now() {
    return Math.floor(Date.now() / 1000);
}

function mac(key, text) {
    return crypto.createHmac('sha256', key).update(text).digest('base64url');
}

function hashed(text) {
    return crypto.createHash('md5').update(text).digest('base64url');
}

// The parts of a target that the grammar allows; null for any other. One expression finds them all:
// each builtin that a request uses has its price here.
function parts(target) {
    const found = target.length > 2048 ? null : /<<target>>/.exec(target);
    if (found === null) {
        return null;
    }
    return {
        rendition: found[1],
        scope: found[2],
        body: found[3],
        kid: found[4],
        exp: Number(found[5]),
        gen: found[6],
        bound: found[7] !== '-' || found[8] !== '-',
        disposition: found[9][0],
        covers: found[9].slice(1),
        sig: found[10],
    };
}

// The signature, compared under a hash of the whole MAC, so that time tells nothing of it. Who can
// not know what is hashed finds no collision either, so it may be the quickest hash there is.
function signed(link) {
    const key = KEYS[link.kid];
    if (typeof key !== 'string' || key.length !== 64) {
        return false;
    }
    const whole = mac(key, '/d/' + link.scope + '?t=' + link.body);
    const right = whole.slice(0, 32);
    return right.length === 32 && hashed(whole + right) === hashed(whole + link.sig);
}

function living(link, time) {
    return link.exp > time && link.exp <= time + FARTHEST;
}

function granted(link) {
    const name = link.rendition;
    switch (link.covers) {
    case 'o':
        return name === 'original';
    case 'a':
        return name === 'original' || carrying(name) || declared(name);
    case 'p':
        return declared(name);
    default:
        return link.covers === 'x-' + name;
    }
}

// The names that carry the original or may end in it.
function carrying(name) {
    return /<<whole>>/.test(name);
}

function declared(name) {
    return /<<declared>>/.test(name);
}

// The formats that an Accept field names.
function formats(accept) {
    const found = [];
    if (/<<shows_avif>>/i.test(accept) && !/<<bars_avif>>/i.test(accept)) {
        found.push('avif');
    }
    if (/<<shows_webp>>/i.test(accept) && !/<<bars_webp>>/i.test(accept)) {
        found.push('webp');
    }
    return found;
}

// What is sent on of Accept. Only a fetch asks for it.
function shown(r) {
    const found = formats(r.headersIn['Accept'] || '');
    return found.map((name) => 'image/' + name + ',').join('') + '*/*';
}

// The name with its format. Of the two, pages are smaller as WebP.
function formatted(r, link) {
    const name = link.rendition;
    const free = link.covers === 'a' || link.covers === 'p';
    if (!free || name === 'original' || !/<<automatic>>/.test(name)) {
        return name;
    }
    const found = formats(r.headersIn['Accept'] || '');
    const best = /^p[1-9]/.test(name) ? found[found.length - 1] : found[0];
    return name + '-' + (best || 'jpeg');
}

// The class parts what may hold a whole original from what never does.
function group(link) {
    return link.covers === 'a' || link.covers === 'o' || carrying(link.rendition) ? 'w' : 'r';
}

function share(r, link, time) {
    const path = '/d/' + formatted(r, link) + '/' + link.scope;
    const key = path + '?c=' + link.disposition + group(link) + link.gen;
    const token = link.body + '.' + link.sig;
    const known = r.variables.ostiary_shield !== '';
    r.variables.ostiary_key = key;
    r.variables.ostiary_target = known ? key : path + '?t=' + token;
    r.variables.ostiary_token = known ? token : '';
    r.variables.ostiary_browser =
        'private, no-transform, max-age=' + (link.exp - time < BROWSER ? link.exp - time : BROWSER);
}

function more(r) {
    const fields = r.headersIn;
    const length = fields['Content-Length'];
    return fields['Authorization'] || fields['Transfer-Encoding'] || (length && length !== '0');
}

// The location that goes on with a request; none for what is refused.
function judged(r) {
    const target = r.variables.request_uri;
    const link = parts(target);
    if (link === null) {
        return /<<folder>>/.test(target) ? '@passed' : '';
    }
    const time = now();
    if (!signed(link) || !living(link, time) || !granted(link)) {
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

export default { verify, shown, purge };

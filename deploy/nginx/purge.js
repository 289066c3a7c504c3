// Purges the copies of an nginx that keys by the whole URL: zones with cache = "windowed".

import crypto from 'crypto';
import fs from 'fs';

function mac(key, text) {
    return crypto.createHmac('sha256', key).update(text).digest('base64url');
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

export default { purge };

// Every call of storage-js that an app makes, at one storage server; tells what each gave.
// node storage_calls.mjs '{"base": ".../storage/v1", "apikey": …, "owner": <JWT>, "other": <JWT>,
// "service": <JWT>, "folder": <the owner's>}'
import { createHash } from "node:crypto";

import { StorageClient } from "@supabase/storage-js";
import { Upload } from "tus-js-client";

const { base, apikey, owner, other, service, folder } = JSON.parse(process.argv[2]);
const BUCKET = "documents";
const AWKWARD = `${folder}/a b+c (1).txt`;
const PDF = Buffer.concat([Buffer.from("%PDF-1.4\n"), Buffer.alloc(40_000, "pdf ")]);
const told = {};

const client = (jwt) =>
  new StorageClient(base, { apikey, ...(jwt && { authorization: `Bearer ${jwt}` }) });
const mine = client(owner).from(BUCKET);
const theirs = client(other).from(BUCKET);
const nobodys = client().from(BUCKET);
const open = client(owner).from("pub");

async function seen(data) {
  if (!(data instanceof Blob)) return data;
  const octets = Buffer.from(await data.arrayBuffer());
  return { type: data.type, size: octets.length, digest: digest(octets) };
}

const digest = (octets) => createHash("sha256").update(octets).digest("hex");

/** What a call gave: `data` or `error`, as the client hands them to an app. */
async function tell(name, call) {
  try {
    const { data, error } = await call();
    const failure = error && { ...error, name: error.name, message: error.message };
    told[name] = { data: await seen(data), error: failure };
    return data;
  } catch (error) {
    told[name] = { thrown: `${error.name}: ${error.message}` };
    return undefined;
  }
}

/** What a URL as the client gave it opens. */
async function opened(name, url, fields = {}) {
  const response = await fetch(url, { headers: fields });
  const octets = Buffer.from(await response.arrayBuffer());
  told[name] = {
    status: response.status,
    type: response.headers.get("content-type"),
    disposition: response.headers.get("content-disposition"),
    size: octets.length,
    digest: digest(octets),
  };
}

function resumable(name, key, body) {
  return tell(name, () =>
    new Promise((resolve) => {
      const upload = new Upload(body, {
        endpoint: `${base}/upload/resumable`,
        headers: { authorization: `Bearer ${owner}`, apikey, "x-upsert": "true" },
        metadata: { bucketName: BUCKET, objectName: key, contentType: "text/plain" },
        chunkSize: 6 * 1024 * 1024,
        retryDelays: null,
        uploadDataDuringCreation: true,
        removeFingerprintOnSuccess: true,
        onError: (error) =>
          resolve({ error: { name: "tus", message: String(error.originalResponse?.getStatus()) } }),
        onSuccess: () => resolve({ data: { location: upload.url.startsWith(base) } }),
      });
      upload.start();
    }),
  );
}

// Writes, so that there is something to read.
await tell("upload", () =>
  mine.upload(`${folder}/report.pdf`, PDF, {
    contentType: "application/pdf",
    metadata: { patient: "p1" },
  }),
);
await tell("upload of a Blob", () =>
  mine.upload(AWKWARD, new Blob(["awkward but legal"], { type: "text/plain" })),
);
await tell("upload twice", () => mine.upload(AWKWARD, new Blob(["again"])));
await tell("upsert", () => mine.upload(AWKWARD, "anew, and legal", { upsert: true }));
await tell("update", () => mine.update(AWKWARD, "awkward but legal", { contentType: "text/plain" }));
await tell("upload elsewhere", () => theirs.upload(`${folder}/evil.pdf`, PDF));
await tell("upload of a bad name", () => mine.upload(`${folder}/naïve.pdf`, PDF));
const room = await tell("createSignedUploadUrl", () =>
  mine.createSignedUploadUrl(`${folder}/signed.txt`),
);
await tell("uploadToSignedUrl", () =>
  nobodys.uploadToSignedUrl(`${folder}/signed.txt`, room?.token ?? "", "by a signed URL"),
);
await tell("copy", () => mine.copy(AWKWARD, `${folder}/copy.txt`));
await tell("move", () => mine.move(`${folder}/copy.txt`, `${folder}/moved.txt`));
await tell("move of another's", () => theirs.move(AWKWARD, "moved.txt"));

// Reads.
await tell("download", () => mine.download(AWKWARD));
await tell("download transformed", () =>
  mine.download(`${folder}/scan.png`, { transform: { width: 100, height: 80 } }),
);
await tell("download of another's", () => theirs.download(AWKWARD));
await tell("download by nobody", () => nobodys.download(AWKWARD));
await tell("download of nothing", () => mine.download(`${folder}/none.pdf`));
await tell("download from no bucket", () => client(owner).from("nobucket").download("x"));
await tell("info", () => mine.info(`${folder}/report.pdf`));
await tell("info of nothing", () => mine.info(`${folder}/none.pdf`));
await tell("exists", () => mine.exists(`${folder}/report.pdf`));
await tell("exists not", () => mine.exists(`${folder}/none.pdf`));
await tell("list", () => mine.list(folder, { sortBy: { column: "name", order: "asc" } }));
await tell("list by another", () => theirs.list(folder));
await tell("listV2", () => mine.listV2({ prefix: `${folder}/`, limit: 2 }));

// Public URLs.
for (const [name, key, options] of [
  ["getPublicUrl", "img/logo.png", {}],
  ["getPublicUrl with spaces", "my docs/a b+c (1).txt", {}],
  ["getPublicUrl download", "img/logo.png", { download: "näme.png" }],
  ["getPublicUrl transformed", "img/logo.png", { transform: { width: 64, resize: "contain" } }],
]) {
  const { data } = open.getPublicUrl(key, options);
  told[name] = { data: { publicUrl: data.publicUrl.replace(base, "") } };
  await opened(`${name}, opened`, data.publicUrl);
}

// Signed URLs.
for (const [name, key, options] of [
  ["createSignedUrl", `${folder}/report.pdf`, {}],
  ["createSignedUrl of an awkward name", AWKWARD, {}],
  ["createSignedUrl download", `${folder}/report.pdf`, { download: true }],
  ["createSignedUrl download as", `${folder}/report.pdf`, { download: "my report.pdf" }],
  ["createSignedUrl download as ü", `${folder}/report.pdf`, { download: "für dich.pdf" }],
  ["createSignedUrl transformed", `${folder}/scan.png`, { transform: { width: 64, height: 64 } }],
  ["createSignedUrl as it is", `${folder}/scan.png`, { transform: { width: 64, format: "origin" } }],
  ["createSignedUrl with a nonce", `${folder}/report.pdf`, { cacheNonce: "7" }],
]) {
  const data = await tell(name, () => mine.createSignedUrl(key, 600, options));
  if (data) await opened(`${name}, opened`, data.signedUrl);
}
await tell("createSignedUrl of another's", () => theirs.createSignedUrl(AWKWARD, 600));
await tell("createSignedUrl by nobody", () => nobodys.createSignedUrl(AWKWARD, 600));
await tell("createSignedUrl by anon", () =>
  client(apikey).from(BUCKET).createSignedUrl(AWKWARD, 600),
);
await tell("createSignedUrl of nothing", () => mine.createSignedUrl(`${folder}/none.pdf`, 600));
await tell("createSignedUrl for no time", () => mine.createSignedUrl(AWKWARD, 0));
const many = await tell("createSignedUrls", () =>
  mine.createSignedUrls([`${folder}/report.pdf`, AWKWARD, `${folder}/none.pdf`], 600),
);
for (const [at, { signedUrl }] of (many ?? []).entries()) {
  if (signedUrl) await opened(`createSignedUrls ${at}, opened`, signedUrl);
}
await tell("createSignedUrls by another", () => theirs.createSignedUrls([AWKWARD], 600));
const [{ signedUrl: cut } = {}] = many ?? [];
if (cut) await opened("signed, a part", cut, { range: "bytes=0-8" });
if (cut) await opened("signed, tampered", cut.slice(0, -1) + (cut.endsWith("A") ? "B" : "A"));

// What is left.
await resumable("resumable upload", `${folder}/resumed.txt`, Buffer.from("in pieces, perhaps"));
await tell("download of the resumed", () => mine.download(`${folder}/resumed.txt`));
await tell("remove by another", () => theirs.remove([AWKWARD]));
await tell("remove", () => mine.remove([AWKWARD]));
await tell("download of the removed", () => mine.download(AWKWARD));
await tell("purgeCache", () => client(service).from("pub").purgeCache("img/logo.png"));
await tell("purgeCache by a user", () => open.purgeCache("img/logo.png"));
await tell("getBucket", () => client(service).getBucket(BUCKET));
await tell("listBuckets", () => client(service).listBuckets());

process.stdout.write(JSON.stringify(told));

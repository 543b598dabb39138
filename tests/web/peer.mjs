/**
 * The JavaScript half of tests/web/test_envelope.py: opens, seals and fetches what the JSON on its input names, in one
 * process, and prints what it found as JSON.
 */

import { createHash } from "node:crypto";
import { openAsBlob, readFileSync, writeFileSync } from "node:fs";

import { fetchReader, fetchStream, fetchWhole, open, openReader, openStream, sealStream } from "../../web/vault/envelope.js";

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const collected = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());

/** The same plaintext in all three ways: its hash and that of one range of it; an error where the ways disagree. */
async function all({ whole, stream, reader, range }) {
  const plaintext = await whole;
  if (sha256(await collected(stream)) !== sha256(plaintext)) throw new Error("the stream brings something else");
  return { sha256: sha256(plaintext), range_sha256: sha256(await (await reader).range(...range)) };
}

const asked = JSON.parse(readFileSync(0, "utf8"));
const found = { opened: [], sealed: [], fetched: [] };

for (const { ticket, path, range } of asked.open ?? []) {
  const sealed = new Uint8Array(readFileSync(path));
  const reader = openReader(ticket, async (at, length) => sealed.subarray(at, at + length));
  const stream = openStream(ticket, (await openAsBlob(path)).stream());
  found.opened.push(await all({ whole: open(ticket, sealed), stream, reader, range }));
}
for (const { address, path, target } of asked.seal ?? []) {
  const source = await openAsBlob(path);
  writeFileSync(target, await collected(sealStream(address, source.stream(), source.size)));
  found.sealed.push(target);
}
for (const { ticket, range } of asked.fetch ?? []) {
  const [whole, stream, reader] = [fetchWhole(ticket), fetchStream(ticket), fetchReader(ticket)];
  found.fetched.push(await all({ whole, stream, reader, range }));
}
process.stdout.write(JSON.stringify(found));

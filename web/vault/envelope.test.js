/** The vectors that every implementation passes, streams, ranges, and what storages do. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import {
  CHUNK_SIZE,
  EnvelopeError,
  FetchError,
  fetchReader,
  fetchStream,
  fetchWhole,
  headerSize,
  open,
  openReader,
  openStream,
  seal,
  sealedSize,
  sealStream,
} from "./envelope.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../tests/vectors/envelope-v1.json", import.meta.url), "utf8"));
const SEALED_CHUNK = CHUNK_SIZE + 16;

const hex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** Byte i is i mod 251. */
function pattern(size) {
  const found = new Uint8Array(size);
  for (let i = 0; i < size; i += 1) found[i] = i % 251;
  return found;
}

/** The ticket of an accepted vector. */
function ticketOf(vector) {
  return {
    user_id: vector.user_id,
    image_id: vector.image_id,
    name: vector.name,
    key: Buffer.from(vector.blob_key, "hex").toString("base64url"),
    header_sha256: vector.header_sha256,
    sealed_bytes: vector.sealed_size,
    bytes: vector.plaintext_size,
  };
}

const labelled = (label) => VECTORS.accepted.find((vector) => vector.label === label);
const sealedBy = (vector) => seal(ticketOf(vector), pattern(vector.plaintext_size), { salt: hex(vector.salt) });

/** A stream of bytes in pieces of some size, which counts what was taken from it. */
function trickle(data, size = 1000) {
  const counted = { taken: 0, cancelled: false };
  counted.stream = new ReadableStream(
    {
      pull(controller) {
        if (counted.taken >= data.length) return controller.close();
        controller.enqueue(data.subarray(counted.taken, counted.taken + size));
        counted.taken += size;
      },
      cancel() {
        counted.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return counted;
}

const collected = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());
const inMemory = (data) => async (offset, length) => data.subarray(offset, offset + length);

describe("the published envelopes", () => {
  for (const vector of VECTORS.accepted) {
    test(`${vector.label} is made and opened`, async () => {
      const ticket = ticketOf(vector);
      const plaintext = pattern(vector.plaintext_size);
      const sealed = await sealedBy(vector);
      assert.equal(Buffer.from(sealed.subarray(0, headerSize(vector.name))).toString("hex"), vector.header);
      assert.equal(sha256(sealed), vector.sealed_sha256);
      if (vector.sealed) assert.equal(Buffer.from(sealed).toString("hex"), vector.sealed);
      assert.equal(sealed.length, sealedSize(vector.plaintext_size, vector.name));
      assert.deepEqual(await open(ticket, sealed), plaintext);
      assert.deepEqual(await open({ ...ticket, key: hex(vector.blob_key) }, sealed), plaintext);
      for (const size of [777, CHUNK_SIZE, 5 * CHUNK_SIZE]) {
        assert.deepEqual(await collected(openStream(ticket, trickle(sealed, size).stream)), plaintext);
        const streamed = sealStream(ticket, trickle(plaintext, size).stream, plaintext.length, { salt: hex(vector.salt) });
        assert.equal(sha256(await collected(streamed)), vector.sealed_sha256);
      }
    });
  }

  for (const vector of VECTORS.refused) {
    test(`${vector.label} is refused`, async () => {
      const genuine = await sealedBy(labelled(vector.from));
      const forged = new Uint8Array(
        Buffer.concat(vector.pieces.map(([start, stop]) => genuine.subarray(start, stop))),
      );
      for (const [offset, mask] of vector.flip) forged[offset] ^= mask;
      const { blob_key: key, ...read } = vector.read;
      for (const sealed_bytes of new Set([forged.length, genuine.length])) {
        const ticket = { ...read, key: hex(key), sealed_bytes };
        await assert.rejects(open(ticket, forged), EnvelopeError);
        await assert.rejects(collected(openStream(ticket, trickle(forged).stream)), EnvelopeError);
      }
      await assert.rejects(async () => {
        const reader = await openReader({ ...read, key: hex(key), sealed_bytes: forged.length }, inMemory(forged));
        await reader.range(0, reader.size);
      }, EnvelopeError);
    });
  }
});

test("every flipped bit and every truncation of a small envelope is refused", async () => {
  const vector = labelled("one byte");
  const ticket = { ...ticketOf(vector), header_sha256: undefined, bytes: undefined };
  const sealed = await sealedBy(vector);
  for (let bit = 0; bit < 8 * sealed.length; bit += 1) {
    const forged = sealed.slice();
    forged[bit >> 3] ^= 1 << (bit & 7);
    await assert.rejects(open(ticket, forged), EnvelopeError);
  }
  for (let length = 0; length < sealed.length; length += 1) {
    const cut = sealed.subarray(0, length);
    await assert.rejects(open({ ...ticket, sealed_bytes: length }, cut), EnvelopeError);
    await assert.rejects(collected(openStream(ticket, trickle(cut).stream)), EnvelopeError);
  }
});

test("an older envelope of the same blob is refused by its header, and another length by its ticket", async () => {
  const ticket = ticketOf(labelled("a short plaintext"));
  const older = await seal(ticket, pattern(300));
  await assert.rejects(open(ticket, older), /header is not the one of its ticket/);
  const loose = { ...ticket, header_sha256: undefined };
  assert.deepEqual(await open(loose, older), pattern(300));
  await assert.rejects(open({ ...loose, bytes: 301 }, older), /instead of 301/);
});

test("the same bytes are never sealed alike", async () => {
  const address = ticketOf(labelled("a short plaintext"));
  const [one, other] = [await seal(address, pattern(64)), await seal(address, pattern(64))];
  assert.notDeepEqual(one.subarray(headerSize("preview")), other.subarray(headerSize("preview")));
});

describe("streams", () => {
  const vector = labelled("three chunks, the last one short");
  const ticket = ticketOf(vector);
  const plaintext = pattern(vector.plaintext_size);

  test("take what they are asked for and no more", async () => {
    const sealed = trickle(await sealedBy(vector), 64 * 1024);
    const opened = openStream(ticket, sealed.stream).getReader();
    assert.equal(sealed.taken, 0);
    assert.equal((await opened.read()).value.length, CHUNK_SIZE);
    assert.ok(sealed.taken <= CHUNK_SIZE + 128 * 1024, `${sealed.taken}`);
    const source = trickle(plaintext, 64 * 1024);
    const made = sealStream(ticket, source.stream, plaintext.length).getReader();
    await made.read();
    assert.equal(source.taken, 0, "the header needs nothing of it");
    await made.read();
    assert.ok(source.taken <= CHUNK_SIZE + 64 * 1024, `${source.taken}`);
  });

  test("give out nothing of a chunk that does not verify, and end their source", async () => {
    const sealed = await sealedBy(vector);
    sealed[headerSize("original") + 2 * SEALED_CHUNK - 1] ^= 1; // the tag of the second chunk
    const source = trickle(sealed);
    const opened = openStream(ticket, source.stream).getReader();
    assert.deepEqual((await opened.read()).value, plaintext.subarray(0, CHUNK_SIZE));
    await assert.rejects(opened.read(), /chunk 1 does not verify/);
    assert.ok(source.cancelled);
  });

  test("do not give out the last chunk when more comes after it", async () => {
    const longer = new Uint8Array([...(await sealedBy(labelled("one byte"))), 0]);
    const opened = openStream(ticketOf(labelled("one byte")), trickle(longer).stream).getReader();
    await assert.rejects(opened.read(), /after its end/);
  });

  test("end their source when they are left", async () => {
    const source = trickle(await sealedBy(vector));
    const opened = openStream(ticket, source.stream);
    const reader = opened.getReader();
    await reader.read();
    await reader.cancel();
    assert.ok(source.cancelled);
  });

  for (const size of [0, 999, 1001, CHUNK_SIZE]) {
    test(`${size} bytes where 1000 were promised never become a whole envelope`, async () => {
      const pieces = sealStream(ticket, trickle(pattern(size)).stream, 1000).getReader();
      assert.equal((await pieces.read()).value.length, headerSize("original"));
      await assert.rejects(pieces.read(), /1000 bytes/);
    });
  }
});

describe("ranges", () => {
  const vector = labelled("three chunks, the last one short");
  const ticket = ticketOf(vector);
  const size = vector.plaintext_size;
  const plaintext = pattern(size);
  const edges = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, size - 1, size];

  test("give exactly their bytes and read only the chunks that hold them", async () => {
    const sealed = await sealedBy(vector);
    for (const start of edges) {
      for (const stop of edges.filter((edge) => edge >= start)) {
        const asked = [];
        const reader = await openReader(ticket, async (offset, length) => {
          asked.push(length);
          return sealed.subarray(offset, offset + length);
        });
        assert.equal(reader.size, size);
        assert.deepEqual(await reader.range(start, stop), plaintext.subarray(start, stop));
        const chunks = start === stop ? 0 : Math.floor((stop - 1) / CHUNK_SIZE) - Math.floor(start / CHUNK_SIZE) + 1;
        assert.equal(asked.shift(), headerSize("original"));
        assert.ok(asked.reduce((sum, length) => sum + length, 0) <= chunks * SEALED_CHUNK);
      }
    }
  });

  test("outside are refused", async () => {
    const reader = await openReader(ticket, inMemory(await sealedBy(vector)));
    for (const [start, stop] of [[-1, 5], [5, 4], [0, size + 1], [0.5, 2], [0, NaN]]) {
      await assert.rejects(reader.range(start, stop), RangeError);
    }
  });

  test("of an envelope that shrinks while it is read are refused", async () => {
    const sealed = await sealedBy(vector);
    const reader = await openReader(ticket, async (at, length) => sealed.subarray(0, sealed.length - 3).subarray(at, at + length));
    await assert.rejects(reader.range(0, size), /cut within chunk 2/);
  });

  test("of an empty envelope are empty, and verified", async () => {
    const empty = labelled("an empty plaintext");
    const sealed = await sealedBy(empty);
    const reader = await openReader(ticketOf(empty), inMemory(sealed));
    assert.deepEqual(await reader.range(0, 0), new Uint8Array(0));
    sealed[sealed.length - 1] ^= 1;
    await assert.rejects(reader.range(0, 0), EnvelopeError);
  });
});

describe("fetching", () => {
  const vector = labelled("three chunks, the last one short");
  const plaintext = pattern(vector.plaintext_size);
  /** What the storage has by path, and how it answers. */
  const files = new Map();
  const asked = [];
  let manners = {};
  let server;
  let base;

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.headers.range);
      const file = files.get(request.url);
      if (!file) return response.writeHead(403).end();
      const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
      if (!match || manners.ignoresRanges) {
        response.writeHead(200, { "Content-Length": file.length });
        if (!manners.hangsUpAt) return response.end(file);
        return response.write(file.subarray(0, manners.hangsUpAt), () => response.destroy());
      }
      const [start, last] = [Number(match[1]), Math.min(Number(match[2]), file.length - 1)];
      const stop = Math.min(last + 1, start + (manners.atMost ?? Infinity));
      response.writeHead(206, { "Content-Range": `bytes ${start}-${stop - 1}/${file.length}` });
      return response.end(file.subarray(start, stop));
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    base = `http://127.0.0.1:${server.address().port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Puts an envelope there in parts of these sizes, and returns its ticket. */
  async function stored(sealed, sizes = [sealed.length]) {
    files.clear();
    asked.length = 0;
    manners = {};
    let start = 0;
    const parts = sizes.map((bytes, n) => {
      files.set(`/part${n}`, sealed.subarray(start, (start += bytes)));
      return { url: `${base}/part${n}`, bytes };
    });
    return { ...ticketOf(vector), url: parts[0].url, parts: parts.length > 1 ? parts : null };
  }
  const splits = (total) => [[total], [100, total - 100], [CHUNK_SIZE, CHUNK_SIZE, total - 2 * CHUNK_SIZE], [50, 1, total - 51]];

  test("opens what it gets, in one part or several", async () => {
    const sealed = await sealedBy(vector);
    for (const sizes of splits(sealed.length)) {
      const ticket = await stored(sealed, sizes);
      assert.deepEqual(await fetchWhole(ticket), plaintext);
      assert.deepEqual(await collected(fetchStream(ticket)), plaintext);
      assert.equal(asked.length, 2 * sizes.length);
      const reader = await fetchReader(ticket);
      for (const [start, stop] of [[0, 1], [CHUNK_SIZE - 5, CHUNK_SIZE + 5], [10, 2 * CHUNK_SIZE + 3]]) {
        assert.deepEqual(await reader.range(start, stop), plaintext.subarray(start, stop));
      }
    }
  });

  test("goes on where a server gave less than was asked for, and takes its part where it gave everything", async () => {
    const sealed = await sealedBy(vector);
    const ticket = await stored(sealed, [100, sealed.length - 100]);
    for (const found of [{ atMost: 300_000 }, { ignoresRanges: true }]) {
      manners = found;
      const reader = await fetchReader(ticket);
      assert.deepEqual(await reader.range(CHUNK_SIZE + 7, 2 * CHUNK_SIZE + 2), plaintext.subarray(CHUNK_SIZE + 7, 2 * CHUNK_SIZE + 2));
    }
  });

  test("refuses parts that are cut, too long, swapped or do not add up", async () => {
    const sealed = await sealedBy(vector);
    const size = sealed.length;
    const ticket = await stored(sealed, [CHUNK_SIZE, size - CHUNK_SIZE]);
    const whole = new Map(files);
    const wrong = {
      cut: () => files.set("/part1", whole.get("/part1").subarray(0, -1)),
      "too long": () => files.set("/part1", sealed),
      swapped: () => files.set("/part0", whole.get("/part1")).set("/part1", whole.get("/part0")),
      empty: () => files.set("/part0", new Uint8Array(0)),
    };
    for (const [label, spoil] of Object.entries(wrong)) {
      for (const [path, file] of whole) files.set(path, file);
      spoil();
      await assert.rejects(fetchWhole(ticket), EnvelopeError, label);
      await assert.rejects(collected(fetchStream(ticket)), EnvelopeError, label);
    }
    const short = { ...ticket, parts: ticket.parts.slice(0, 1) };
    await assert.rejects(fetchWhole(short), /do not add up/);
    await assert.rejects(fetchReader(short), /do not add up/);
  });

  test("fails when the connection breaks off", async () => {
    const ticket = await stored(await sealedBy(vector));
    manners = { hangsUpAt: CHUNK_SIZE + 500_000 };
    await assert.rejects(fetchWhole(ticket));
    const opened = fetchStream(ticket).getReader();
    assert.deepEqual((await opened.read()).value, plaintext.subarray(0, CHUNK_SIZE));
    await assert.rejects(opened.read());
  });

  test("tells what the storage answered", async () => {
    const ticket = await stored(await sealedBy(vector));
    files.clear();
    for (const attempt of [fetchWhole, (given) => collected(fetchStream(given)), fetchReader]) {
      await assert.rejects(attempt(ticket), (error) => error instanceof FetchError && error.status === 403);
    }
  });

  test("is given up when it is told to", async () => {
    const ticket = await stored(await sealedBy(vector));
    await assert.rejects(fetchWhole(ticket, { signal: AbortSignal.abort() }), { name: "AbortError" });
  });

  test("sends neither cookies nor a referrer", async () => {
    const ticket = await stored(await sealedBy(vector));
    const requests = [];
    const fetch = (url, request) => {
      requests.push(request);
      return globalThis.fetch(url, request);
    };
    await fetchWhole(ticket, { fetch });
    assert.deepEqual(requests.map(({ credentials, referrerPolicy }) => [credentials, referrerPolicy]), [["omit", "no-referrer"]]);
  });
});

test("what is no blob's name, no key, no id and no size is refused before anything is done", async () => {
  const address = ticketOf(labelled("a short plaintext"));
  for (const name of ["", "Original", "original ", "face:", "face:me", "../original", `face:${address.user_id}\n`]) {
    assert.throws(() => headerSize(name), RangeError);
    await assert.rejects(seal({ ...address, name }, pattern(3)), RangeError);
  }
  for (const key of [new Uint8Array(31), new Uint8Array(33), "", "AAAA"]) {
    await assert.rejects(seal({ ...address, key }, pattern(3)), RangeError);
  }
  for (const image_id of ["", "1", address.image_id + "0", address.image_id.replaceAll("-", "")]) {
    await assert.rejects(seal({ ...address, image_id }, pattern(3)), RangeError);
  }
  for (const size of [-1, 0.5, NaN, 2 ** 52]) assert.throws(() => sealedSize(size, "original"), RangeError);
});

/**
 * Opens and seals PhotoVault's envelopes with WebCrypto alone, in browsers and in Node 20 or later. Browsers have
 * WebCrypto on pages from https:// or localhost only.
 *
 * The format (version 1) is specified in shared/photovault/sealing.py; names here are those of that page. A ticket is
 * used as the API gives it. Nothing of a chunk is given out before its tag has verified, and an envelope that is cut
 * short, too long, reordered, somebody else's or an older one ends in an `EnvelopeError`, never in a quiet end.
 *
 *     const jpeg = await fetchWhole(image.tickets.thumbnail);
 *     const url = URL.createObjectURL(new Blob([jpeg], { type: image.tickets.thumbnail.content_type }));
 *
 *     await fetchStream(image.tickets.original).pipeTo(file);              // constant memory, whatever the size
 *     const clip = await fetchReader(image.tickets.motion);
 *     const middle = await clip.range(1_000_000, 2_000_000);               // fetches the chunks that hold it
 *
 *     const sealed = await new Response(sealStream(upload, file.stream(), file.size)).blob();
 */

/**
 * What an envelope is bound to, and the key of this one blob: 32 bytes, or those in base64url.
 * @typedef {object} Address
 * @property {string} user_id
 * @property {string} image_id
 * @property {string} name
 * @property {string | Uint8Array} key
 */

/**
 * What opens one sealed blob, as the API gives it. `bytes` is the length of what is inside.
 * @typedef {object} Opening
 * @property {number} sealed_bytes
 * @property {string} [header_sha256]
 * @property {number} [bytes]
 */

/**
 * @typedef {object} Location
 * @property {string} url
 * @property {{ url: string, bytes: number }[] | null} parts
 * @property {number} bytes
 */

/** @typedef {Address & Opening} Sealed What opens an envelope that is at hand. */
/** @typedef {Sealed & Location} Ticket What opens an envelope that is to be fetched. */

/**
 * @typedef {object} FetchOptions
 * @property {typeof globalThis.fetch} [fetch]
 * @property {AbortSignal} [signal]
 */

/** Bytes of plaintext in every chunk but the last. */
export const CHUNK_SIZE = 1024 * 1024;

const TAG_SIZE = 16;
const KEY_SIZE = 32;
const SALT_SIZE = 32;
const VERSION = 1;
const MAX_PLAINTEXT = (2 ** 32 - 1) * CHUNK_SIZE;
const FIXED_HEADER_SIZE = 86;
/** Salt and commitment, the end of a header, which nobody can foretell. */
const FRESH_SIZE = 64;
/** Ranges are fetched this many chunks at a time. */
const CHUNKS_PER_READ = 4;

const MAGIC = ascii("PVSEALED");
const ENVELOPE_INFO = ascii("PhotoVault/v1/envelope");
const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const NAME = new RegExp(`^(?:original|preview|thumbnail|metadata|upload|motion|face:${UUID})$`);
const UUID_ONLY = new RegExp(`^${UUID}$`, "i");

/** Bytes that are not what they should be: altered, cut, swapped, sealed with another key or for something else. */
export class EnvelopeError extends Error {
  name = "EnvelopeError";
}

/** A storage that does not give a blob. `status` is its answer; with 403 the ticket may have expired: get a new one. */
export class FetchError extends Error {
  name = "FetchError";

  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

// ----------------------------------------------------------------------------------------------------------- opening

/**
 * The plaintext of an envelope that is in memory.
 * @param {Sealed} ticket
 * @param {Uint8Array} sealed
 * @returns {Promise<Uint8Array>}
 */
export async function open(ticket, sealed) {
  if (sealed.length !== ticket.sealed_bytes) {
    throw refusal(ticket, `it has ${sealed.length} bytes instead of ${ticket.sealed_bytes}`);
  }
  const reader = await openReader(ticket, async (offset, length) => sealed.subarray(offset, offset + length));
  return reader.range(0, reader.size);
}

/**
 * The plaintext of a stream of ciphertext, chunk by chunk. Holds about 2 MiB whatever the size.
 *
 * Who stops reading before the end has seen verified bytes, and does not know whether the rest is there.
 * @param {Sealed} ticket
 * @param {ReadableStream<Uint8Array>} sealed
 * @returns {ReadableStream<Uint8Array>}
 */
export function openStream(ticket, sealed) {
  const source = new Source(sealed);
  return streamOf(openedChunks(ticket, source), source);
}

/**
 * A reader of parts of an envelope through `read(offset, length)`, which gives bytes of its ciphertext. The header is
 * read and verified first.
 * @param {Sealed} ticket
 * @param {(offset: number, length: number) => Promise<Uint8Array>} read
 * @returns {Promise<Reader>}
 */
export async function openReader(ticket, read) {
  return new Reader(await begin(ticket, await read(0, headerSize(ticket.name))), read);
}

/** Parts of one envelope, opened. `size` is the length of its plaintext in bytes. */
class Reader {
  #envelope;
  #read;

  /** @param {Envelope} envelope @param {(offset: number, length: number) => Promise<Uint8Array>} read */
  constructor(envelope, read) {
    this.#envelope = envelope;
    this.#read = read;
    this.size = envelope.size;
  }

  /**
   * The plaintext from `start` up to `stop`. Fetches only the chunks that hold it. `RangeError` outside of it.
   * @param {number} start
   * @param {number} stop
   * @returns {Promise<Uint8Array>}
   */
  async range(start, stop) {
    if (!(Number.isInteger(start) && Number.isInteger(stop) && start >= 0 && start <= stop && stop <= this.size)) {
      throw new RangeError(`there are no bytes ${start} to ${stop} in ${this.size}`);
    }
    const found = new Uint8Array(stop - start);
    if (start === stop && this.size > 0) return found;
    const first = Math.floor(start / CHUNK_SIZE);
    const end = Math.max(1, Math.ceil(stop / CHUNK_SIZE));
    for (let batch = first; batch < end; batch += CHUNKS_PER_READ) {
      const batchEnd = Math.min(batch + CHUNKS_PER_READ, end);
      const begin = this.#envelope.offset(batch);
      const sealed = await this.#read(begin, this.#envelope.offset(batchEnd) - begin);
      for (let index = batch; index < batchEnd; index += 1) {
        const at = this.#envelope.offset(index) - begin;
        const chunk = await this.#envelope.open(index, sealed.subarray(at, this.#envelope.offset(index + 1) - begin));
        const position = index * CHUNK_SIZE;
        const wanted = chunk.subarray(Math.max(0, start - position), Math.min(chunk.length, stop - position));
        found.set(wanted, Math.max(0, position - start));
      }
    }
    return found;
  }
}

/** @param {Sealed} ticket @param {Source} source @returns {AsyncGenerator<Uint8Array, void, void>} */
async function* openedChunks(ticket, source) {
  const envelope = await begin(ticket, await source.take(headerSize(ticket.name)));
  for (let index = 0; index < envelope.chunks; index += 1) {
    const sealed = await source.take(envelope.offset(index + 1) - envelope.offset(index));
    const chunk = await envelope.open(index, sealed);
    if (index === envelope.chunks - 1 && !(await source.isAtEnd())) {
      throw refusal(ticket, "something comes after its end");
    }
    if (chunk.length > 0) yield chunk;
  }
}

// ---------------------------------------------------------------------------------------------------------- fetching

/**
 * Fetches and opens all of a blob into memory.
 * @param {Ticket} ticket
 * @param {FetchOptions} [options]
 * @returns {Promise<Uint8Array>}
 */
export async function fetchWhole(ticket, options = {}) {
  const whole = new Uint8Array(ticket.bytes); // which the envelope's header must say too
  let position = 0;
  for await (const chunk of piecesOf(fetchStream(ticket, options))) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}

/**
 * Fetches a blob, part after part, and opens it as it comes. Holds about 2 MiB whatever the size.
 * @param {Ticket} ticket
 * @param {FetchOptions} [options]
 * @returns {ReadableStream<Uint8Array>}
 */
export function fetchStream(ticket, options = {}) {
  return openStream(ticket, streamOf(fetchedParts(ticket, options)));
}

/**
 * A reader that fetches the chunks that hold a range, and the header once.
 * @param {Ticket} ticket
 * @param {FetchOptions} [options]
 * @returns {Promise<Reader>}
 */
export function fetchReader(ticket, options = {}) {
  return openReader(ticket, (offset, length) => fetchedRange(ticket, offset, length, options));
}

/** @param {Ticket} ticket @returns {{ url: string, bytes: number }[]} */
function partsOf(ticket) {
  const parts = ticket.parts ?? [{ url: ticket.url, bytes: ticket.sealed_bytes }];
  if (parts.reduce((sum, part) => sum + part.bytes, 0) !== ticket.sealed_bytes) {
    throw refusal(ticket, "its parts do not add up to it");
  }
  return parts;
}

/** @param {Ticket} ticket @param {FetchOptions} options @returns {AsyncGenerator<Uint8Array, void, void>} */
async function* fetchedParts(ticket, options) {
  for (const part of partsOf(ticket)) {
    const response = await ask(part.url, {}, options);
    let missing = part.bytes;
    for await (const piece of piecesOf(response.body)) {
      missing -= piece.length;
      if (missing < 0) break;
      yield piece;
    }
    if (missing !== 0) throw refusal(ticket, `${missing < 0 ? "more" : "less"} came than there should be`);
  }
}

/** @param {Ticket} ticket @param {number} offset @param {number} length @param {FetchOptions} options */
async function fetchedRange(ticket, offset, length, options) {
  const found = new Uint8Array(length);
  let partStart = 0;
  for (const part of partsOf(ticket)) {
    const start = Math.max(offset, partStart);
    const stop = Math.min(offset + length, partStart + part.bytes);
    if (start < stop) await fetchInto(found.subarray(start - offset, stop - offset), part.url, start - partStart);
    partStart += part.bytes;
  }
  return found;

  /** A server may answer with less than was asked for, or with everything. */
  async function fetchInto(/** @type {Uint8Array} */ target, /** @type {string} */ url, /** @type {number} */ from) {
    let filled = 0;
    while (filled < target.length) {
      const wanted = `bytes=${from + filled}-${from + target.length - 1}`;
      const response = await ask(url, { headers: { Range: wanted } }, options);
      let skip = response.status === 206 ? 0 : from + filled;
      const before = filled;
      for await (const piece of piecesOf(response.body)) {
        const useful = piece.subarray(Math.min(skip, piece.length)).subarray(0, target.length - filled);
        skip -= Math.min(skip, piece.length);
        target.set(useful, filled);
        filled += useful.length;
        if (filled === target.length) break;
      }
      if (filled === before) throw refusal(ticket, "less came than there should be");
    }
  }
}

/** @param {string} url @param {RequestInit} request @param {FetchOptions} options @returns {Promise<Response>} */
async function ask(url, request, { fetch = globalThis.fetch, signal }) {
  // No cookies and no referrer: the address says all that the storage needs to know.
  const response = await fetch(url, { ...request, signal, credentials: "omit", referrerPolicy: "no-referrer" });
  if (!response.ok) {
    await response.body?.cancel();
    throw new FetchError(`The storage answered ${response.status}.`, response.status);
  }
  return response;
}

// ----------------------------------------------------------------------------------------------------------- sealing

/**
 * The envelope of a plaintext that is in memory. `salt` is for test vectors alone.
 * @param {Address} address
 * @param {Uint8Array} plaintext
 * @param {{ salt?: Uint8Array }} [options]
 * @returns {Promise<Uint8Array>}
 */
export async function seal(address, plaintext, options) {
  const sealed = new Uint8Array(sealedSize(plaintext.length, address.name));
  const source = new Source(new Blob([plaintext]).stream());
  let position = 0;
  for await (const piece of sealedChunks(address, source, plaintext.length, options)) {
    sealed.set(piece, position);
    position += piece.length;
  }
  return sealed;
}

/**
 * Seals a stream of exactly `size` bytes as it comes: the header, then each sealed chunk. Holds about 2 MiB.
 *
 * Every call makes an envelope of its own, so a second try never uses a nonce twice. `EnvelopeError`, before the last
 * piece, when the stream is shorter or longer.
 * @param {Address} address
 * @param {ReadableStream<Uint8Array>} plaintext
 * @param {number} size
 * @param {{ salt?: Uint8Array }} [options]
 * @returns {ReadableStream<Uint8Array>}
 */
export function sealStream(address, plaintext, size, options) {
  const source = new Source(plaintext);
  return streamOf(sealedChunks(address, source, size, options), source);
}

/** @param {Address} address @param {Source} source @param {number} size @param {{ salt?: Uint8Array }} [options] */
async function* sealedChunks(address, source, size, { salt = crypto.getRandomValues(new Uint8Array(SALT_SIZE)) } = {}) {
  sealedSize(size, address.name); // refuses what cannot be sealed
  if (salt.length !== SALT_SIZE) throw new RangeError(`a salt has ${SALT_SIZE} bytes`);
  const { cipherKey, commitment } = await schedule(address.key, salt);
  const header = joined(foretold(address.name, size), salt, commitment);
  const envelope = new Envelope(address, size, cipherKey, await contextOf(header, address));
  yield header;
  for (let index = 0; index < envelope.chunks; index += 1) {
    const wanted = Math.min(CHUNK_SIZE, size - index * CHUNK_SIZE);
    const chunk = await source.take(wanted);
    if (chunk.length !== wanted || (index === envelope.chunks - 1 && !(await source.isAtEnd()))) {
      throw new EnvelopeError(`The source of the ${address.name} does not have the ${size} bytes it should.`);
    }
    yield await envelope.seal(index, chunk);
  }
}

// ------------------------------------------------------------------------------------------------------- the format

/**
 * Bytes of the header of a blob of this name. `RangeError` for what is not the name of a blob.
 * @param {string} name
 */
export function headerSize(name) {
  if (!NAME.test(name)) throw new RangeError(`${JSON.stringify(name)} is not the name of a blob`);
  return FIXED_HEADER_SIZE + name.length;
}

/**
 * Bytes of the whole envelope for a plaintext of so many bytes.
 * @param {number} size
 * @param {string} name
 */
export function sealedSize(size, name) {
  if (!Number.isInteger(size) || size < 0 || size > MAX_PLAINTEXT) {
    throw new RangeError(`a plaintext of ${size} bytes cannot be sealed`);
  }
  return headerSize(name) + size + TAG_SIZE * chunkCount(size);
}

/** One envelope, whose header is verified or new. */
class Envelope {
  #cipherKey;
  #context;
  #address;

  /** @param {Address} address @param {number} size @param {CryptoKey} cipherKey @param {Uint8Array} context */
  constructor(address, size, cipherKey, context) {
    this.#address = address;
    this.#cipherKey = cipherKey;
    this.#context = context;
    this.size = size;
    this.chunks = chunkCount(size);
  }

  /** Where sealed chunk `index` starts; one past the last chunk, where the envelope ends. @param {number} index */
  offset(index) {
    return headerSize(this.#address.name) + Math.min(index * CHUNK_SIZE, this.size) + index * TAG_SIZE;
  }

  /** @param {number} index @param {Uint8Array} sealed @returns {Promise<Uint8Array>} */
  async open(index, sealed) {
    if (sealed.length !== this.offset(index + 1) - this.offset(index)) {
      throw refusal(this.#address, `it is cut within chunk ${index}`);
    }
    try {
      return new Uint8Array(await crypto.subtle.decrypt(this.#parameters(index), this.#cipherKey, sealed));
    } catch (error) {
      throw refusal(this.#address, `chunk ${index} does not verify`, error);
    }
  }

  /** @param {number} index @param {Uint8Array} plaintext @returns {Promise<Uint8Array>} */
  async seal(index, plaintext) {
    return new Uint8Array(await crypto.subtle.encrypt(this.#parameters(index), this.#cipherKey, plaintext));
  }

  /** @param {number} index @returns {AesGcmParams} */
  #parameters(index) {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setUint32(8, index);
    const additional = new Uint8Array(37);
    additional.set(this.#context);
    new DataView(additional.buffer).setUint32(32, index);
    additional[36] = index === this.chunks - 1 ? 1 : 0;
    return { name: "AES-GCM", iv: nonce, additionalData: additional, tagLength: 8 * TAG_SIZE };
  }
}

/**
 * The envelope of a header that is verified against its ticket.
 * @param {Sealed} ticket
 * @param {Uint8Array} header
 * @returns {Promise<Envelope>}
 */
async function begin(ticket, header) {
  const size = headerSize(ticket.name);
  if (header.length !== size) throw refusal(ticket, "it is cut within its header");
  if (ticket.header_sha256 !== undefined) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", header));
    if (!same(digest, fromHex(ticket.header_sha256))) throw refusal(ticket, "its header is not the one of its ticket");
  }
  if (!same(header.subarray(0, 8), MAGIC)) throw refusal(ticket, "it is not a sealed envelope");
  if (header[8] !== VERSION) throw refusal(ticket, `its version ${header[8]} is not known`);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const plaintext = Number(view.getBigUint64(size - FRESH_SIZE - 8));
  const known = header.subarray(0, size - FRESH_SIZE);
  if (plaintext > MAX_PLAINTEXT || !same(known, foretold(ticket.name, plaintext))) {
    throw refusal(ticket, "its header names another blob, chunk size or length");
  }
  if (ticket.sealed_bytes !== sealedSize(plaintext, ticket.name)) {
    throw refusal(ticket, `it has ${ticket.sealed_bytes} bytes instead of ${sealedSize(plaintext, ticket.name)}`);
  }
  if (ticket.bytes !== undefined && ticket.bytes !== plaintext) {
    throw refusal(ticket, `${plaintext} bytes are inside instead of ${ticket.bytes}`);
  }
  const fresh = header.subarray(size - FRESH_SIZE);
  const { cipherKey, commitment } = await schedule(ticket.key, fresh.subarray(0, SALT_SIZE));
  if (!same(commitment, fresh.subarray(SALT_SIZE))) {
    throw refusal(ticket, "it was sealed with another key, or for another person, image or name");
  }
  return new Envelope(ticket, plaintext, cipherKey, await contextOf(header, ticket));
}

/** The key of AES and the commitment. @param {string | Uint8Array} key @param {Uint8Array} salt */
async function schedule(key, salt) {
  const secret = typeof key === "string" ? fromBase64url(key) : key;
  if (secret.length !== KEY_SIZE) throw new RangeError(`a key has ${KEY_SIZE} bytes`);
  const blobKey = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-512", salt, info: ENVELOPE_INFO };
  const material = new Uint8Array(await crypto.subtle.deriveBits(parameters, blobKey, 512));
  const cipherKey = await crypto.subtle.importKey("raw", material.subarray(0, KEY_SIZE), "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  return { cipherKey, commitment: material.slice(KEY_SIZE) };
}

/** What every chunk is bound to. @param {Uint8Array} header @param {Address} address */
async function contextOf(header, address) {
  const bound = joined(header, uuidBytes(address.user_id), uuidBytes(address.image_id));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bound));
}

/** Everything of the header that a reader can foretell. @param {string} name @param {number} size */
function foretold(name, size) {
  const numbers = new DataView(new ArrayBuffer(12));
  numbers.setUint32(0, CHUNK_SIZE);
  numbers.setBigUint64(4, BigInt(size));
  return joined(MAGIC, Uint8Array.of(VERSION, name.length), ascii(name), new Uint8Array(numbers.buffer));
}

/** @param {number} size */
function chunkCount(size) {
  return Math.ceil(size / CHUNK_SIZE) || 1;
}

/** @param {Address} address @param {string} what @param {unknown} [cause] */
function refusal(address, what, cause) {
  return new EnvelopeError(`The sealed ${address.name} does not verify: ${what}.`, { cause });
}

// ----------------------------------------------------------------------------------------------------------- streams

/** What a stream brings; who leaves the loop early ends it. @param {ReadableStream<Uint8Array> | null} stream */
async function* piecesOf(stream) {
  if (stream === null) return; // an answer without a body
  const reader = stream.getReader(); // Safari's streams cannot be looped over
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // of one that failed: the failure is told already
  }
}

/** Takes bytes from a stream in pieces of the size that is wanted. */
class Source {
  #reader;
  /** @type {Uint8Array} */
  #rest = new Uint8Array(0);

  /** @param {ReadableStream<Uint8Array>} stream */
  constructor(stream) {
    this.#reader = stream.getReader();
  }

  /** `size` bytes, or fewer at the end. @param {number} size @returns {Promise<Uint8Array>} */
  async take(size) {
    const taken = new Uint8Array(size);
    let filled = 0;
    while (filled < size && (await this.#more())) {
      const piece = this.#rest.subarray(0, size - filled);
      taken.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    return taken.subarray(0, filled);
  }

  /** @returns {Promise<boolean>} */
  async isAtEnd() {
    return !(await this.#more());
  }

  /** @param {unknown} [reason] */
  async cancel(reason) {
    await this.#reader.cancel(reason);
  }

  async #more() {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return false;
      this.#rest = value;
    }
    return true;
  }
}

/**
 * A stream of what a generator makes, made when it is asked for. Where it fails or is left, its source ends too.
 * @param {AsyncGenerator<Uint8Array, void, void>} pieces
 * @param {Source} [source]
 * @returns {ReadableStream<Uint8Array>}
 */
function streamOf(pieces, source) {
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          await source?.cancel(error).catch(() => {}); // the first error is the one to tell
          throw error;
        }
      },
      async cancel(reason) {
        await source?.cancel(reason);
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}

// ------------------------------------------------------------------------------------------------------------- bytes

/** @param {string} text */
function ascii(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** @param {...Uint8Array} parts */
function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}

/** Takes the same time wherever they differ. @param {Uint8Array} one @param {Uint8Array} other */
function same(one, other) {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i += 1) difference |= one[i] ^ other[i];
  return difference === 0;
}

/** @param {string} text */
function fromHex(text) {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new RangeError("this is not hexadecimal");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {string} text */
function fromBase64url(text) {
  return ascii(atob(text.replaceAll("-", "+").replaceAll("_", "/")));
}

/** @param {string} text */
function uuidBytes(text) {
  if (!UUID_ONLY.test(text)) throw new RangeError("this is not a UUID");
  return fromHex(text.replaceAll("-", ""));
}

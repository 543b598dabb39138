/**
 * Fetches ciphertext from the storage that a ticket names, and opens it, beside the page's own thread.
 *
 * The ciphertext is kept in the browser's cache under the hash of its header, which names it for ever, while the address
 * in a ticket changes every quarter of an hour. What is kept on the disk is sealed; keys live in memory alone.
 */
import { EnvelopeError, FetchError, fetchWhole, open } from "../../../vault/envelope.js";
import type { FromWorker, Ticket, ToWorker } from "./protocol";
import { Queue } from "./queue";

const CACHE = "photovault-sealed-1";
const AT_ONCE = 8;
/** Larger blobs are not kept. */
const LARGEST_KEPT = 8 * 1024 * 1024;
/** Once more than this is kept, the oldest half goes. In blobs: some 200 MB of thumbnails and previews. */
const MOST_KEPT = 6000;

const queue = new Queue(AT_ONCE);
let written = 0;

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.say === "open") queue.add(data.id, data.urgent, (signal) => answer(data.id, data.ticket, signal));
  else queue.cancel(data.id);
});

async function answer(id: number, ticket: Ticket, signal: AbortSignal): Promise<void> {
  try {
    const bytes = await opened(ticket, signal);
    tell({ say: "opened", id, bytes: bytes.buffer as ArrayBuffer }, [bytes.buffer]);
  } catch (error) {
    if (signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    const expired = error instanceof FetchError && [400, 403, 404, 410].includes(error.status);
    tell({ say: "failed", id, message, expired, offline: error instanceof TypeError });
  }
}

async function opened(ticket: Ticket, signal: AbortSignal): Promise<Uint8Array> {
  const kept = await found(ticket);
  if (kept !== null) {
    try {
      return await open(ticket as never, kept);
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      await drop(ticket); // not what it was: fetched anew
    }
  }
  if (ticket.parts !== null || ticket.sealed_bytes > LARGEST_KEPT) return fetchWhole(ticket as never, { signal });
  const response = await fetch(ticket.url, { signal, credentials: "omit", referrerPolicy: "no-referrer" });
  if (!response.ok) throw new FetchError(`The storage answered ${response.status}.`, response.status);
  const sealed = new Uint8Array(await response.arrayBuffer());
  const bytes = await open(ticket as never, sealed);
  await keep(ticket, sealed);
  return bytes;
}

// ------------------------------------------------------------------------------------------------ what is kept

const nameOf = (ticket: Ticket): string => new URL(`/sealed/${ticket.header_sha256}`, location.origin).href;

async function found(ticket: Ticket): Promise<Uint8Array | null> {
  try {
    const response = await (await caches.open(CACHE)).match(nameOf(ticket));
    return response ? new Uint8Array(await response.arrayBuffer()) : null;
  } catch {
    return null; // a browser without a cache, or a full disk: pictures are fetched each time
  }
}

async function keep(ticket: Ticket, sealed: Uint8Array): Promise<void> {
  try {
    const cache = await caches.open(CACHE);
    await cache.put(nameOf(ticket), new Response(sealed as Uint8Array<ArrayBuffer>));
    written += 1;
    if (written % 500 === 1) {
      const names = await cache.keys();
      if (names.length > MOST_KEPT) for (const name of names.slice(0, names.length / 2)) await cache.delete(name);
    }
  } catch {
    // as above
  }
}

async function drop(ticket: Ticket): Promise<void> {
  await (await caches.open(CACHE)).delete(nameOf(ticket));
}

function tell(message: FromWorker, transfer: Transferable[] = []): void {
  postMessage(message, { transfer });
}

/** Where the photos of an export come from: the API and the storage, asked patiently. */
import { EnvelopeError, FetchError, fetchWhole } from "../../../vault/envelope.js";
import { api } from "../api";
import { asProblem, Problem } from "../problems";
import { Refused, type Export, type Sources, type Ticket } from "./collect";
import type { Album } from "./layout";

/** Of one page: few, so that tickets are fresh when their turn comes. */
const PAGE = 50;
/** Milliseconds before another try at what a network or a server did not give. */
const WAITS = [1000, 3000, 10_000];

/** `stuck` is told what does not work, and ends when it is worth another try. */
export function sourcesOf(
  made: Export,
  signal: AbortSignal,
  stuck: (problem: Problem) => Promise<void>,
): Sources & { albums: () => Promise<readonly Album[]> } {
  const path = { export_id: made.id };
  const query = (cursor: string | null, limit: number) => ({ limit, ...(cursor ? { cursor } : {}) });

  /** Again after a while, and again when the person says so, as long as it is the network or a server that fails. */
  async function patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let tried = 0; ; tried += 1) {
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        if (!isPassing(error)) throw error;
        const wait = WAITS[tried];
        if (wait !== undefined) await new Promise((resolve) => setTimeout(resolve, wait));
        else {
          await stuck(worded(error));
          tried = -1;
        }
      }
    }
  }

  async function all<T>(page: (cursor: string | null) => Promise<{ items: readonly T[]; next_cursor: string | null }>) {
    const found: T[] = [];
    let cursor: string | null = null;
    do {
      const at: string | null = cursor;
      const listed: { items: readonly T[]; next_cursor: string | null } = await patiently(() => page(at));
      found.push(...listed.items);
      cursor = listed.next_cursor;
    } while (cursor !== null);
    return found;
  }

  async function open(ticket: Ticket): Promise<Uint8Array> {
    try {
      return await patiently(() => fetchWhole(ticket as never, { signal }));
    } catch (error) {
      if (error instanceof EnvelopeError) throw new Refused("Its sealed file is not what it should be.");
      if (error instanceof FetchError) throw new Refused("The storage does not give its sealed file.");
      throw error;
    }
  }

  return {
    open,
    page: (cursor) =>
      patiently(() => api.get("/exports/{export_id}/images", { path, query: query(cursor, PAGE), signal })),
    albums: () => all((cursor) => api.get("/exports/{export_id}/albums", { path, query: query(cursor, 200), signal })),
    people: () => all((cursor) => api.get("/exports/{export_id}/people", { path, query: query(cursor, 200), signal })),
    sha256: async (bytes) => {
      const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
      return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    },
    now: () => new Date(),
  };
}

/** Whether it is the line or a server that fails, which may be over in a moment. */
function isPassing(error: unknown): boolean {
  if (error instanceof FetchError) return error.status >= 500 || error.status === 429;
  if (error instanceof Problem) return error.status === 0 || error.status === 429 || error.status >= 502;
  return error instanceof TypeError;
}

/** A sentence for whatever ended an export. */
export function worded(error: unknown): Problem {
  if (error instanceof FetchError || error instanceof TypeError) {
    return new Problem("The storage cannot be reached. Check your connection.", { kind: "unreachable" });
  }
  if (error instanceof DOMException && error.name === "QuotaExceededError") {
    return new Problem("The disk is full. Make room, then go on.");
  }
  if (error instanceof DOMException && error.name === "NotFoundError") {
    return new Problem("The folder, or a part in it, is not there any more. Choose another folder.");
  }
  if (error instanceof DOMException && ["NotAllowedError", "NoModificationAllowedError"].includes(error.name)) {
    return new Problem("The browser may not write into the folder. Allow it, or choose another one.");
  }
  return asProblem(error);
}

/**
 * Pictures by their tickets, as addresses that `<img>` takes. The latest stay in memory; who does not need one any more
 * aborts its signal, and nothing more is fetched or opened for it.
 *
 *     const url = pictures.ready(ticket) ?? (await pictures.open(ticket, { signal }));
 */
import { Problem } from "../problems";
import { Lru } from "./lru";
import type { FromWorker, Ticket, ToWorker } from "./protocol";

export type { Ticket };

/** Of opened pictures in memory, in bytes. */
const MOST = 128 * 1024 * 1024;

interface Options {
  signal?: AbortSignal;
  /** Somebody is looking at the place where it will be. */
  urgent?: boolean;
  /** Gives a newer ticket of the same blob, or null; asked when the storage refuses this one. */
  renew?: () => Promise<Ticket | null>;
}

interface Waiting {
  resolve: (bytes: ArrayBuffer) => void;
  reject: (reason: unknown) => void;
}

class Expired extends Error {}

class Pictures {
  #worker: Worker | null = null;
  #waiting = new Map<number, Waiting>();
  #number = 0;
  #opened = new Lru<string>(MOST, (url) => URL.revokeObjectURL(url));

  /** The picture, if it is in memory. */
  ready(ticket: Ticket): string | null {
    return this.#opened.get(ticket.header_sha256) ?? null;
  }

  /** Fetch and open a picture. Throws `Problem`, or the abortion. */
  async open(ticket: Ticket, { signal, urgent = true, renew }: Options = {}): Promise<string> {
    const ready = this.ready(ticket);
    if (ready !== null) return ready;
    let bytes: ArrayBuffer;
    try {
      bytes = await this.#ask(ticket, urgent, signal);
    } catch (error) {
      const renewed = error instanceof Expired && renew ? await renew() : null;
      if (renewed === null) throw error instanceof Expired ? new Problem("This picture is not there any more.") : error;
      signal?.throwIfAborted();
      bytes = await this.#ask(renewed, urgent, signal).catch((again: unknown) => {
        throw again instanceof Expired ? new Problem("This picture cannot be fetched right now.") : again;
      });
    }
    return this.ready(ticket) ?? this.#keep(ticket, bytes);
  }

  #keep(ticket: Ticket, bytes: ArrayBuffer): string {
    const url = URL.createObjectURL(new Blob([bytes], { type: ticket.content_type }));
    this.#opened.set(ticket.header_sha256, url, bytes.byteLength);
    return url;
  }

  #ask(ticket: Ticket, urgent: boolean, signal?: AbortSignal): Promise<ArrayBuffer> {
    signal?.throwIfAborted();
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiting.delete(id);
        this.#say({ say: "cancel", id });
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", stop, { once: true });
      const done =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener("abort", stop);
          then(value);
        };
      this.#waiting.set(id, { resolve: done(resolve), reject: done(reject) });
      // A state of Svelte's cannot be sent to a worker, so what is sent is a copy.
      this.#say({ say: "open", id, ticket: { ...ticket }, urgent });
    });
  }

  #say(message: ToWorker): void {
    if (this.#worker === null) {
      this.#worker = new Worker(new URL("./open.worker.ts", import.meta.url), { type: "module" });
      this.#worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#hear(data));
    }
    this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.say === "opened") waiting?.resolve(message.bytes);
    else if (message.expired) waiting?.reject(new Expired());
    else if (message.offline) waiting?.reject(new Problem("The storage cannot be reached.", { kind: "unreachable" }));
    else waiting?.reject(new Problem(message.message));
  }
}

export const pictures = new Pictures();

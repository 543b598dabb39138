/**
 * Everything as a zip, built in this browser: into a file that the person chose where the browser lets a page write one,
 * else in parts, each handed to the downloads. It goes on while other pages are looked at.
 */
import { makeZip } from "client-zip";

import { EnvelopeError, FetchError, fetchWhole } from "../../../vault/envelope.js";
import { api } from "../api";
import { BASE } from "../base";
import { asProblem, Problem, wasAborted } from "../problems";
import { save } from "../save";
import { session } from "../session.svelte";
import {
  collect,
  Parts,
  Refused,
  type Entry,
  type Export,
  type Group,
  type LeftOut,
  type Sources,
  type Ticket,
} from "./collect";

/** Of photos in one part, in bytes; a browser holds a part until it is saved. */
const PART = 500 * 1000 * 1000;
/** Of one page: few, so that tickets are fresh when their turn comes. */
const PAGE = 50;
/** Milliseconds before another try at what a network or a server did not give. */
const WAITS = [1000, 3000, 10_000];

interface Writable extends WritableStream<Uint8Array> {
  abort: () => Promise<void>;
}
type Picker = (options: {
  suggestedName: string;
  types: { description: string; accept: Record<string, string[]> }[];
}) => Promise<{ createWritable: () => Promise<Writable> }>;

interface Far {
  made: Export;
  photos: number;
  bytes: number;
}

export type Progress =
  | { is: "idle" }
  | { is: "beginning" }
  | ({ is: "running" } & Far)
  /** Nothing comes; `goOn` tries again. */
  | ({ is: "stuck"; problem: Problem; goOn: () => void } & Far)
  /** A part waits to be saved, and more follows. */
  | ({ is: "part"; number: number; bytes: number; saveIt: () => void } & Far)
  | { is: "done"; photos: number; leftOut: readonly LeftOut[]; saveAgain: (() => void) | null }
  | { is: "failed"; problem: Problem };

class Exporter {
  progress: Progress = $state.raw({ is: "idle" });
  #stop: AbortController | null = null;
  #stall: Promise<void> | null = null;

  /** Whether it can be one file of any size. */
  get writesFiles(): boolean {
    return "showSaveFilePicker" in window;
  }

  get isAtIt(): boolean {
    return !["idle", "done", "failed"].includes(this.progress.is);
  }

  /** Begin. Where the browser lets the person choose a file, they are asked for it first. */
  async start(): Promise<void> {
    if (this.isAtIt) return;
    const stop = new AbortController();
    this.#stop = stop;
    const name = `photovault-${new Date().toISOString().slice(0, 10)}`;
    let file: Writable | null = null;
    try {
      // A choice wants to follow a press at once, so it comes before anything is asked.
      file = this.writesFiles ? await chosenFile(`${name}.zip`) : null;
      this.progress = { is: "beginning" };
      addEventListener("beforeunload", hold);
      await this.#run(name, file, stop.signal);
    } catch (error) {
      await file?.abort().catch(() => {});
      if (this.#stop !== stop) return; // it was called off
      this.progress = wasAborted(error) ? { is: "idle" } : { is: "failed", problem: worded(error) };
    } finally {
      if (this.#stop === stop) this.#end();
    }
  }

  /** What was written of a file is thrown away; parts that were saved stay. */
  cancel(): void {
    this.#stop?.abort();
    this.#end();
    this.progress = { is: "idle" };
  }

  #end(): void {
    this.#stop = null;
    removeEventListener("beforeunload", hold);
  }

  async #run(name: string, file: Writable | null, signal: AbortSignal): Promise<void> {
    const made = await api.post("/exports", { signal });
    try {
      await this.#build(made, name, file, signal);
    } finally {
      await api.delete("/exports/{export_id}", { path: { export_id: made.id } }).catch(() => {}); // it would expire
    }
  }

  async #build(made: Export, name: string, file: Writable | null, signal: AbortSignal): Promise<void> {
    const { version } = await api.get("/health", { signal });
    const far: Far = { made, photos: 0, bytes: 0 };
    const tell = (): void => {
      if (!signal.aborted) this.progress = { is: "running", ...far };
    };
    tell();
    const leftOut: LeftOut[] = [];
    const server = BASE.href.replace(/\/$/, "");
    const tool = `photovault gallery ${version}`;
    const sources = sourcesOf(made, signal, (problem) => this.#stuck(problem, far, signal).then(tell));
    const groups = collect(made, { server, tool }, sources, leftOut);
    const told = async function* (): AsyncGenerator<Group> {
      for await (const group of groups) {
        signal.throwIfAborted();
        far.photos += group.photos;
        far.bytes += group.bytes;
        tell();
        yield group;
      }
    };
    let saveAgain: (() => void) | null = null;
    if (file) await makeZip(flat(told())).pipeTo(file, { signal });
    else {
      const parts = new Parts(told(), PART);
      for (let number = 1; ; number += 1) {
        const blob = await new Response(makeZip(parts.next())).blob();
        signal.throwIfAborted();
        const isOnly = parts.ended && number === 1;
        const called = isOnly ? `${name}.zip` : `${name}-part-${number}.zip`;
        if (isOnly) save(blob, called);
        else await this.#part(number, blob, called, far, signal);
        if (parts.ended) {
          saveAgain = () => save(blob, called);
          break;
        }
        tell();
      }
    }
    this.progress = { is: "done", photos: far.photos, leftOut, saveAgain };
  }

  #part(number: number, blob: Blob, called: string, far: Far, signal: AbortSignal): Promise<void> {
    return waited(signal, (resolve) => {
      const saveIt = (): void => {
        save(blob, called);
        resolve();
      };
      this.progress = { ...far, is: "part", number, bytes: blob.size, saveIt };
    });
  }

  /** Until the person says so, or the network is back: once for however many photos are fetched ahead. */
  #stuck(problem: Problem, far: Far, signal: AbortSignal): Promise<void> {
    this.#stall ??= waited(signal, (resolve) => {
      this.progress = { ...far, is: "stuck", problem, goOn: resolve };
      addEventListener("online", resolve, { once: true });
    }).finally(() => (this.#stall = null));
    return this.#stall;
  }
}

/** What ends when `begin` says so, or with the signal. */
function waited(signal: AbortSignal, begin: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    begin(() => resolve());
  });
}

async function chosenFile(suggestedName: string): Promise<Writable> {
  const pick = (window as unknown as { showSaveFilePicker: Picker }).showSaveFilePicker;
  const types = [{ description: "Zip archive", accept: { "application/zip": [".zip"] } }];
  return (await pick({ suggestedName, types })).createWritable();
}

function sourcesOf(made: Export, signal: AbortSignal, stuck: (problem: Problem) => Promise<void>): Sources {
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

function worded(error: unknown): Problem {
  if (error instanceof FetchError || error instanceof TypeError) {
    return new Problem("The storage cannot be reached. Check your connection.", { kind: "unreachable" });
  }
  if (error instanceof DOMException && error.name === "QuotaExceededError") {
    return new Problem("The disk is full. Make room and begin again.");
  }
  return asProblem(error);
}

async function* flat(groups: AsyncIterable<Group>): AsyncGenerator<Entry> {
  for await (const { entries } of groups) yield* entries;
}

function hold(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

export const exporter = new Exporter();
session.onForget(() => exporter.cancel());

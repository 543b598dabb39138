/**
 * Everything as zips, built in this browser, part by part; where they go is in `places`. After a reload it goes on with
 * the part that was being written, where the browser keeps what came before. Other pages can be looked at meanwhile.
 */
import { makeZip } from "client-zip";

import { api } from "../api";
import { BASE } from "../base";
import { Problem, wasAborted } from "../problems";
import { save } from "../save";
import { session } from "../session.svelte";
import { collect, listed, Parts, type Export, type Group, type LeftOut, type Note } from "./collect";
import { Memory, type Kept, type Part, type Underway } from "./memory";
import { Pace } from "./pace";
import * as places from "./places";
import { sourcesOf, worded } from "./sources";

/** Held while an export runs: a second tab would write over its parts. */
const LOCK = "photovault-export";
/** Milliseconds after which what does not work is tried again by itself. */
const AGAIN = 30_000;

interface Far {
  made: Export;
  photos: number;
  bytes: number;
}

export type Progress =
  | { is: "idle" }
  | { is: "beginning" }
  | ({ is: "running"; part: number; secondsLeft: number | null } & Far)
  /** Nothing comes; `goOn` tries again at once. */
  | ({ is: "stuck"; problem: Problem; goOn: () => void } & Far)
  /** A part waits to be saved. */
  | ({ is: "part"; number: number; size: number; saveIt: () => void } & Far)
  /** An earlier page, or the person, stopped it after so many parts. */
  | ({ is: "unfinished"; parts: number; folder: string | null; problem: Problem | null } & Far)
  | {
      is: "done";
      photos: number;
      leftOut: readonly LeftOut[];
      files: readonly string[];
      folder: string | null;
      saveAgain: (() => void) | null;
    }
  | { is: "failed"; problem: Problem };

class Exporter {
  progress: Progress = $state.raw({ is: "idle" });
  #stop: AbortController | null = null;
  #stall: Promise<void> | null = null;
  #looking: Promise<void> | null = null;
  #kept: Kept | null = null;

  #remembering: Memory | null = null;

  readonly kind = places.kind();

  get #memory(): Memory {
    return (this.#remembering ??= new Memory(session.user?.id ?? "nobody"));
  }

  get isAtIt(): boolean {
    return ["beginning", "running", "stuck", "part"].includes(this.progress.is);
  }

  /** See whether an earlier page left something unfinished. */
  look(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = null)));
  }

  async #look(): Promise<void> {
    if (this.progress.is !== "idle") return;
    this.#kept = await this.#memory.kept();
    if (this.#kept) this.#rest(null);
    else if (!(await isElsewhere())) await places.clearOwn();
  }

  /** Begin, with parts of so many bytes. Where the browser lets the person choose a folder, they are asked for it first. */
  async start(wished: number): Promise<void> {
    await this.#attempt(async (signal) => {
      // A choice wants to follow a press at once, so it comes before anything is asked.
      const chosen = this.kind === "folder" ? await places.choose() : null;
      this.progress = { is: "beginning" };
      await this.#memory.clear();
      await places.clearOwn();
      const folder = this.kind === "private" ? await places.own() : chosen;
      const today = `photovault-${new Date().toISOString().slice(0, 10)}`;
      const name = folder ? await places.freeName(folder, today) : today;
      const most = await places.largest(this.kind, wished);
      const { version } = await api.get("/health", { signal });
      const made = await api.post("/exports", { signal });
      const albums = listed(await this.#sources(made, { made, photos: 0, bytes: 0 }, signal).albums());
      const server = BASE.href.replace(/\/$/, "");
      const tool = `photovault gallery ${version}`;
      const underway: Underway = { made, server, tool, albums, name, kind: this.kind, folder, most };
      this.#kept = { underway, parts: [] };
      if (folder) await this.#memory.begin(underway);
      await this.#build(this.#kept, signal);
    });
  }

  /** Go on with what is unfinished; `elsewhere` asks for another folder. */
  async goOn({ elsewhere = false } = {}): Promise<void> {
    const kept = this.#kept;
    if (!kept) return;
    await this.#attempt(async (signal) => {
      const { underway } = kept;
      if (elsewhere) underway.folder = await places.choose();
      else if (underway.folder && !(await places.mayWrite(underway.folder))) {
        throw new Problem("The browser was not allowed to write into the folder. Allow it, or choose another one.");
      }
      this.progress = { is: "beginning" };
      if (elsewhere) await this.#memory.begin(underway);
      await api.get("/exports/{export_id}", { path: { export_id: underway.made.id }, signal });
      await this.#build(kept, signal);
    });
  }

  /** The part that is being written is thrown away; parts that are whole stay, and it can be gone on with. */
  cancel(): void {
    this.#stop?.abort();
  }

  /** Forget what is unfinished. Parts that were saved stay where they are. */
  async discard(): Promise<void> {
    const kept = this.#kept;
    this.#kept = null;
    this.progress = { is: "idle" };
    await this.#forget(kept);
    if (kept?.underway.folder)
      await places.removeEmpty(kept.underway.folder, nameOf(kept.underway, kept.parts.length + 1));
  }

  /** One export at a time, in whichever tab; in the end it is done, unfinished, failed, or as if it had not been. */
  async #attempt(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#stop) return;
    const stop = new AbortController();
    this.#stop = stop;
    addEventListener("beforeunload", hold);
    try {
      const before = this.progress;
      await this.#looking; // it may tidy up where this will write
      if (this.progress !== before) return; // what it found is to be decided upon first
      await alone(() => work(stop.signal));
    } catch (error) {
      const problem = stop.signal.aborted || wasAborted(error) ? null : worded(error);
      if (this.#kept && (this.#kept.parts.length > 0 || this.progress.is === "unfinished")) this.#rest(problem);
      else {
        await this.#forget(this.#kept);
        this.#kept = null;
        this.progress = problem ? { is: "failed", problem } : { is: "idle" };
      }
    } finally {
      this.#stop = null;
      removeEventListener("beforeunload", hold);
    }
  }

  async #forget(kept: Kept | null): Promise<void> {
    if (!kept) return;
    await this.#memory.clear();
    await places.clearOwn();
    const path = { export_id: kept.underway.made.id };
    await api.delete("/exports/{export_id}", { path }).catch(() => {}); // it would expire
  }

  #rest(problem: Problem | null): void {
    if (!this.#kept) return;
    const { underway, parts } = this.#kept;
    const folder = underway.kind === "folder" ? (underway.folder?.name ?? null) : null;
    this.progress = { is: "unfinished", ...farOf(this.#kept), parts: parts.length, folder, problem };
  }

  async #build(kept: Kept, signal: AbortSignal): Promise<void> {
    const { underway, parts } = kept;
    const far = farOf(kept);
    const pace = new Pace();
    const tell = (): void => {
      // What is asked of the person stays until they have answered.
      if (signal.aborted || this.progress.is === "part") return;
      pace.note(performance.now(), far.bytes);
      if (this.#stall && this.progress.is === "stuck") {
        this.progress = { ...this.progress, ...far }; // what was on its way has come all the same
        return;
      }
      const secondsLeft = pace.secondsFor(underway.made.bytes - far.bytes);
      this.progress = { is: "running", part: parts.length + 1, secondsLeft, ...far };
    };
    const told = async function* (groups: AsyncIterable<Group>): AsyncGenerator<Group> {
      for await (const group of groups) {
        signal.throwIfAborted();
        far.bytes += group.bytes;
        if (group.note && "noted" in group.note) far.photos += 1;
        tell();
        yield group;
      }
    };
    for (const part of parts)
      if (!part.isSaved) await this.#hand(kept, part, await fileOf(underway, part), far, signal);
    tell();
    let last: Blob | null = null;
    if (!parts.at(-1)?.isLast) {
      const sources = this.#sources(underway.made, far, signal, () => {
        pace.reset();
        tell();
      });
      const cut = new Parts(told(collect(underway, sources, notesOf(kept))), underway.most);
      while (!cut.ended) {
        const number = parts.length + 1;
        const name = nameOf(underway, number);
        last = await places.write(underway.folder, name, makeZip(cut.next()), signal);
        signal.throwIfAborted();
        const isSaved = underway.kind === "folder";
        const part = { number, name, size: last.size, isLast: cut.ended, isSaved, notes: cut.notes };
        // In memory alone it is lost with the page until the person has it; elsewhere it is whole from here on.
        if (!underway.folder) await this.#hand(kept, part, last, far, signal);
        parts.push(part);
        if (underway.folder) await this.#memory.add(part);
        if (!part.isSaved) await this.#hand(kept, part, last, far, signal);
        tell();
      }
    }
    signal.throwIfAborted();
    const { leftOut, files, folder } = summary(kept);
    const final = parts.at(-1) as Part;
    const blob = last ?? (underway.kind === "private" ? await fileOf(underway, final) : null);
    const saveAgain = underway.kind !== "folder" && blob ? () => save(blob, final.name) : null;
    this.progress = { is: "done", photos: far.photos, leftOut, files, folder, saveAgain };
    this.#kept = null;
    await this.#memory.clear();
    const path = { export_id: underway.made.id };
    await api.delete("/exports/{export_id}", { path }).catch(() => {}); // it would expire
  }

  #sources(made: Export, far: Far, signal: AbortSignal, after = () => {}): ReturnType<typeof sourcesOf> {
    return sourcesOf(made, signal, (problem) => this.#stuck(problem, far, signal).then(after));
  }

  /** To the downloads; the only part by itself, each of several when the person says so, lest the browser forbid it. */
  async #hand({ underway, parts }: Kept, part: Part, blob: Blob, far: Far, signal: AbortSignal): Promise<void> {
    if (part.number === 1 && part.isLast) save(blob, part.name);
    else {
      await waited(signal, (resolve) => {
        const saveIt = (): void => {
          save(blob, part.name);
          resolve();
        };
        this.progress = { ...far, is: "part", number: part.number, size: blob.size, saveIt };
      });
      this.progress = { ...far, is: "running", part: part.number, secondsLeft: null };
    }
    part.isSaved = true;
    if (!underway.folder) return;
    await this.#memory.add(part);
    // The one before has long been copied to the downloads.
    const before = parts[part.number - 2];
    if (before) await underway.folder.removeEntry(before.name).catch(() => {});
  }

  /** Until the person says so, the network is back, or a while is over: once for however many photos are fetched ahead. */
  #stuck(problem: Problem, far: Far, signal: AbortSignal): Promise<void> {
    this.#stall ??= waited(signal, (resolve) => {
      if (this.progress.is !== "part") this.progress = { ...far, is: "stuck", problem, goOn: resolve };
      addEventListener("online", resolve, { once: true });
      setTimeout(resolve, AGAIN);
    }).finally(() => (this.#stall = null));
    return this.#stall;
  }
}

const notesOf = ({ parts }: Kept): Note[] => parts.flatMap(({ notes }) => notes);

function farOf(kept: Kept): Far {
  const noted = notesOf(kept).flatMap((note) => ("noted" in note ? note.noted : []));
  const bytes = noted.reduce((sum, each) => sum + each.bytes, 0);
  return { made: kept.underway.made, photos: noted.length, bytes };
}

function summary(kept: Kept): { leftOut: LeftOut[]; files: string[]; folder: string | null } {
  const { kind, folder } = kept.underway;
  return {
    leftOut: notesOf(kept).flatMap((note) => ("leftOut" in note ? note.leftOut : [])),
    files: kept.parts.map(({ name }) => name),
    folder: kind === "folder" ? (folder?.name ?? null) : null,
  };
}

/** What a part is called; without a number where it will be the only one. */
function nameOf({ made, most, name }: Underway, number: number): string {
  return number === 1 && made.bytes <= most ? `${name}.zip` : places.partName(name, number);
}

async function fileOf({ folder }: Underway, { name }: Part): Promise<Blob> {
  if (!folder) throw new Problem("This part was in the page's memory, and is gone.");
  return (await folder.getFileHandle(name)).getFile();
}

/** What ends when `begin` says so, or with the signal. */
function waited(signal: AbortSignal, begin: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    begin(() => resolve());
  });
}

/** Do something that no other tab may do meanwhile. */
async function alone(work: () => Promise<void>): Promise<void> {
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) throw new Problem("An export runs in another tab of this browser. Let it end, or stop it there.");
    await work();
  });
}

async function isElsewhere(): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name }) => name === LOCK);
}

function hold(event: BeforeUnloadEvent): void {
  if (session.user) event.preventDefault();
}

export const exporter = new Exporter();

/**
 * Uploads as they go: read, asked about in lots of a thousand, sent four at a time, watched until they are arranged.
 *
 * Nothing here knows the page or the network; both are given. Whatever fails stays in the list with its reason and can be
 * tried again. A file is forgotten once the vault has it, so that what is remembered is what a reload has to go on with.
 */
import { bytes } from "../format";
import { asProblem, Problem } from "../problems";
import type { Chosen } from "./chosen";
import type { Form } from "./post";

export type State =
  | "waiting" // to be read
  | "reading" // its SHA-256 is being computed
  | "known?" // the vault is to be asked whether it has it
  | "queued" // to be sent
  | "sending"
  | "arrived" // the vault has it, and is looking at it
  | "done"
  | "present" // it was there before
  | "in_trash"
  | "rejected" // the vault cannot take this file, ever
  | "failed" // this time; it can be tried again
  | "cancelled";

export interface Item {
  readonly id: number;
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly state: State;
  /** Bytes of it that have left. */
  readonly sent: number;
  readonly imageId: string | null;
  readonly why: string | null;
}

/** What outlives a reload: which file it was, and with what it can be opened again. */
export interface Remembered {
  path: string;
  size: number;
  modified: number;
  sha256?: string;
  handle?: FileSystemFileHandle;
}

export interface Memory {
  keep(files: readonly Remembered[]): Promise<void>;
  drop(files: readonly Remembered[]): Promise<void>;
}

export interface Announced {
  image_id: string;
  state: "upload" | "duplicate" | "in_trash";
  post: Form | null;
  seal?: Sealing | null;
  status?: string | null;
  reason?: string | null;
}

export interface Sealing {
  name: "upload";
  key: string;
  user_id: string;
  image_id: string;
  sealed_bytes: number;
}

export interface Known {
  image_id: string | null;
  state: "unknown" | "pending" | "present" | "rejected" | "in_trash";
  status?: string | null;
  reason?: string | null;
}

export interface Announcement {
  filename: string;
  content_type: string;
  size: number;
  sha256: string;
  modified_at: string | null;
}

export interface World {
  sha256(file: File): Promise<string>;
  check(sha256: string[]): Promise<Known[]>;
  announce(items: Announcement[]): Promise<Announced[]>;
  seal(file: File, how: Sealing): Promise<Blob>;
  post(form: Form, file: Blob, options: { signal: AbortSignal; onSent: (bytes: number) => void }): Promise<void>;
  pause(milliseconds: number): Promise<void>;
  /** When the network is there again; at once while it is. */
  connected(): Promise<void>;
  now(): number;
  memory: Memory;
  changed(): void;
  ready(imageIds: string[]): void;
}

interface Upload extends Item {
  state: State;
  sent: number;
  imageId: string | null;
  why: string | null;
  chosen: Chosen;
  modified: number;
  sha256: string | null;
  form: { post: Form; seal: Sealing | null; until: number } | null;
  abort: AbortController | null;
  tries: number;
}

const READERS = 2;
const SENDERS = 4;
const LOT_TO_CHECK = 1000;
// Forms live five minutes; what a slow line cannot send in that time is not asked for yet.
const LOT_TO_ANNOUNCE = 8;
const FORM_LIVES = 240_000;
const TRIES = 4;
// No vault takes more in one photo (MAX_UPLOAD_BYTES of the server); a film of an hour is not read to hear that.
const LARGEST = 100 * 1024 * 1024;
const ENDED = new Set<State>(["done", "present", "in_trash", "rejected", "failed", "cancelled"]);
const AGAIN = new Set<State>(["failed", "cancelled"]);

type TooMuch = "too-large" | "quota-exceeded";
const ANYTHING: Record<TooMuch, number> = { "too-large": Infinity, "quota-exceeded": Infinity };

export class Uploads {
  readonly #world: World;
  #items: Upload[] = [];
  #next = 1;
  #working = { readers: 0, checker: false, senders: 0, watcher: false };
  #announcing: Promise<void> | null = null;
  #hashes = new Map<string, string>();
  /** By the one that is on its way: other files with the same bytes, which need not be sent. */
  #twins = new Map<Upload, Upload[]>();
  /** The smallest file that was too large, or found no room: others of its size need not be asked for. */
  #least: Record<TooMuch, number> = { ...ANYTHING };
  #isAway = false;

  constructor(world: World) {
    this.#world = world;
  }

  get items(): readonly Item[] {
    return this.#items;
  }

  /** Whether everything waits for the connection. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Take these up. A file that is in the list and not ended is not taken twice. */
  add(files: readonly Chosen[]): void {
    const under_way = new Set(this.#items.filter((item) => !ENDED.has(item.state)).map(keyOf));
    const taken: Upload[] = [];
    for (const chosen of files) {
      const { file } = chosen;
      const never = refused(file);
      const item: Upload = {
        id: this.#next,
        path: chosen.path,
        name: file.name,
        size: file.size,
        modified: file.lastModified,
        state: never ? "rejected" : "waiting",
        why: never,
        sent: 0,
        imageId: null,
        chosen,
        sha256: null,
        form: null,
        abort: null,
        tries: 0,
      };
      if (under_way.has(keyOf(item))) continue;
      under_way.add(keyOf(item));
      this.#next += 1;
      taken.push(item);
    }
    // The same file of an earlier try gives way to this one.
    const again = new Set(taken.map(keyOf));
    this.#items = [...this.#items.filter((item) => !(AGAIN.has(item.state) && again.has(keyOf(item)))), ...taken];
    void this.#world.memory.keep(taken.filter((item) => !ENDED.has(item.state)).map(remembered)).catch(() => undefined);
    this.#least = { ...ANYTHING };
    this.#work();
  }

  /** The SHA-256 of files whose reading an earlier page had finished. */
  recall(files: readonly Remembered[]): void {
    for (const file of files) if (file.sha256) this.#hashes.set(keyOf(file), file.sha256);
  }

  cancel(id: number | "all"): void {
    const goes = (item: Upload): boolean =>
      (id === "all" || item.id === id) && !ENDED.has(item.state) && item.state !== "arrived";
    // Once more each time, because a twin takes the place of one that is cancelled.
    for (let found = this.#items.filter(goes); found.length > 0; found = this.#items.filter(goes)) {
      for (const item of found) {
        this.#end(item, "cancelled", null);
        item.abort?.abort();
      }
    }
    this.#work();
  }

  /** Once more: these, of those that failed or were cancelled, or all that failed. */
  retry(which: readonly number[] | "all"): void {
    const ids = new Set(which === "all" ? [] : which);
    const chosen = this.#items.filter((item) => (which === "all" ? item.state === "failed" : ids.has(item.id)));
    for (const item of chosen.filter((each) => AGAIN.has(each.state))) {
      Object.assign(item, { state: "waiting", sent: 0, why: null, form: null, tries: 0 });
      void this.#world.memory.keep([remembered(item)]).catch(() => undefined);
    }
    this.#least = { ...ANYTHING };
    this.#work();
  }

  /** Take what has ended well out of the list; `everything` also what has not. */
  clear(everything = false): void {
    const stays = ({ state }: Upload): boolean =>
      !ENDED.has(state) || (!everything && (state === "failed" || state === "rejected"));
    const gone = this.#items.filter((item) => !stays(item));
    this.#items = this.#items.filter(stays);
    // A failed file is remembered to be tried again; nobody wants that of it now.
    const wanted = new Set(this.#items.map(keyOf));
    const unwanted = gone.filter((item) => item.state === "failed" && !wanted.has(keyOf(item)));
    void this.#world.memory.drop(unwanted.map(remembered)).catch(() => undefined);
    this.#world.changed();
  }

  // ---------------------------------------------------------------------------------------------------- what works

  #work(): void {
    this.#world.changed();
    const count = this.#counts(); // once: it is called for each step of each of thousands
    for (; this.#working.readers < Math.min(READERS, count("waiting"));) {
      this.#working.readers += 1;
      this.#start(
        () => this.#readAll(),
        () => (this.#working.readers -= 1),
      );
    }
    if (!this.#working.checker && count("known?") > 0) {
      this.#working.checker = true;
      this.#start(
        () => this.#checkAll(),
        () => (this.#working.checker = false),
      );
    }
    for (; this.#working.senders < Math.min(SENDERS, count("queued") + count("sending"));) {
      this.#working.senders += 1;
      this.#start(
        () => this.#sendAll(),
        () => (this.#working.senders -= 1),
      );
    }
    if (!this.#working.watcher && count("arrived") > 0) {
      this.#working.watcher = true;
      this.#start(
        () => this.#watchAll(),
        () => (this.#working.watcher = false),
      );
    }
  }

  #start(work: () => Promise<void>, end: () => void): void {
    void work()
      .then(
        () => true,
        (error: unknown) => (console.error(error), false),
      )
      .then((isDone) => {
        end();
        // Something may have come while it was ending, when nobody else was called.
        if (isDone) this.#work();
        else this.#world.changed();
      });
  }

  async #readAll(): Promise<void> {
    for (let item = this.#first("waiting"); item; item = this.#first("waiting")) {
      item.state = "reading";
      this.#world.changed();
      try {
        item.sha256 = this.#hashes.get(keyOf(item)) ?? (await this.#world.sha256(item.chosen.file));
      } catch {
        if (stateOf(item) === "reading") this.#end(item, "failed", "The file could not be read. Choose it again.");
        continue;
      }
      if (stateOf(item) !== "reading") continue;
      this.#hashes.set(keyOf(item), item.sha256);
      void this.#world.memory.keep([remembered(item)]).catch(() => undefined);
      const { sha256 } = item;
      const first = this.#items.find((other) => other !== item && other.sha256 === sha256 && isOnItsWay(other));
      if (first) {
        this.#end(item, "present", "The same photo is chosen twice.");
        this.#twins.set(first, [...(this.#twins.get(first) ?? []), item]);
        continue;
      }
      item.state = "known?";
      this.#work();
    }
  }

  async #checkAll(): Promise<void> {
    while (this.#count("known?") > 0) {
      // While many are still being read they are gathered, so that a folder is asked about once, and not a hundred times.
      const most = Math.min(LOT_TO_CHECK, this.#items.length);
      for (let waits = 0; waits < 3 && this.#count("known?") < most && this.#count("reading") > 0; waits += 1) {
        if (this.#count("sending") + this.#count("queued") === 0 && waits > 0) break;
        await this.#world.pause(300);
      }
      const lot = this.#items.filter((item) => item.state === "known?").slice(0, LOT_TO_CHECK);
      if (lot.length === 0) return;
      const known = await this.#patiently(() => this.#world.check(lot.map((item) => item.sha256 ?? "")));
      lot.forEach((item, n) => {
        if (item.state !== "known?") return;
        const answer = known instanceof Problem ? null : known[n];
        if (known instanceof Problem) this.#end(item, "failed", known.message);
        else if (answer) this.#judge(item, answer);
      });
      this.#work();
    }
  }

  #judge(item: Upload, { state, image_id, reason }: Known): void {
    item.imageId = image_id;
    if (state === "present") this.#end(item, "present", reason ?? null);
    else if (state === "in_trash") this.#end(item, "in_trash", "It is in the trash. Restore it there.");
    else if (state === "rejected") this.#end(item, "rejected", reason ?? "The vault cannot take this file.");
    else item.state = "queued";
  }

  async #sendAll(): Promise<void> {
    for (;;) {
      const item = await this.#announced();
      if (item === null) return;
      await this.#send(item);
      this.#work();
    }
  }

  /** The next photo with a form, which is now this sender's; null when there is none. */
  async #announced(): Promise<Upload | null> {
    for (;;) {
      const now = this.#world.now();
      const item = this.#items.find(({ state, form }) => state === "queued" && form !== null && form.until > now);
      if (item) {
        item.state = "sending";
        item.abort = new AbortController();
        return item;
      }
      if (this.#count("queued") === 0) return null;
      this.#announcing ??= this.#announce().finally(() => (this.#announcing = null));
      await this.#announcing;
    }
  }

  async #announce(): Promise<void> {
    const now = this.#world.now();
    const lot = this.#items
      .filter(({ state, form }) => state === "queued" && (form === null || form.until <= now))
      .slice(0, LOT_TO_ANNOUNCE);
    await this.#announceLot(lot);
  }

  async #announceLot(all: Upload[]): Promise<void> {
    const lot = all.filter((item) => item.state === "queued" && !this.#isTooMuch(item));
    if (lot.length === 0) return;
    const asked = lot.map((item) => ({
      filename: item.name,
      content_type: item.chosen.file.type || "application/octet-stream",
      size: item.size,
      sha256: item.sha256 ?? "",
      modified_at: wallClock(item.modified),
    }));
    const answers = await this.#patiently(() => this.#world.announce(asked));
    if (answers instanceof Problem) {
      if (lot.length > 1 && answers.status >= 400 && answers.status < 500) {
        // One of them cannot be taken; each alone says which.
        for (const item of lot) {
          await this.#announceLot([item]);
        }
        return;
      }
      for (const item of lot) {
        if (answers.kind in this.#least) {
          const kind = answers.kind as TooMuch;
          this.#least[kind] = Math.min(this.#least[kind], item.size);
        }
        if (item.state !== "queued" || this.#isTooMuch(item)) continue;
        this.#end(item, [415, 422].includes(answers.status) ? "rejected" : "failed", sentenceOf(answers));
      }
      return;
    }
    lot.forEach((item, n) => {
      const answer = answers[n];
      if (item.state !== "queued" || !answer) return;
      item.imageId = answer.image_id;
      if (answer.post) {
        item.form = { post: answer.post, seal: answer.seal ?? null, until: this.#world.now() + FORM_LIVES };
      } else {
        const state = answer.state === "in_trash" ? "in_trash" : answer.status === "rejected" ? "rejected" : "present";
        this.#judge(item, { state, image_id: answer.image_id, reason: answer.reason });
      }
    });
  }

  /** Whether there is no room for a file of this size, by what was heard; then it has ended. */
  #isTooMuch(item: Upload): boolean {
    if (item.size >= this.#least["too-large"]) {
      this.#end(item, "rejected", `It has ${bytes(item.size)}, which is more than this vault takes.`);
      return true;
    }
    if (item.size < this.#least["quota-exceeded"]) return false;
    this.#end(item, "failed", `There is no room for its ${bytes(item.size)} in your vault.`);
    return true;
  }

  async #send(item: Upload): Promise<void> {
    const { form, abort } = item;
    if (!form || !abort) return;
    // Cancelled and tried again meanwhile, it is another sender's.
    const isOurs = (): boolean => stateOf(item) === "sending" && item.abort === abort;
    const onSent = (bytes: number): void => {
      if (!isOurs()) return;
      item.sent = Math.min(bytes, item.size);
      this.#world.changed();
    };
    try {
      const blob = form.seal ? await this.#world.seal(item.chosen.file, form.seal) : item.chosen.file;
      if (isOurs()) await this.#world.post(form.post, blob, { signal: abort.signal, onSent });
    } catch (error) {
      if (!isOurs()) return;
      item.sent = 0;
      if (!(error instanceof Problem)) {
        this.#end(item, "failed", "The file could not be read, or changed meanwhile. Choose it again.");
        return;
      }
      item.tries += 1;
      if (item.tries >= TRIES) {
        this.#end(item, "failed", error.message);
        return;
      }
      // 403: the form has expired, or the storage has it already; a new announcement knows.
      item.form = null;
      if (error.status === 0) await this.#untilConnected(item.tries);
      else if (error.status >= 500) await this.#world.pause(500 * 2 ** item.tries);
      if (isOurs()) item.state = "queued";
      return;
    }
    if (!isOurs()) return;
    this.#away(false);
    item.sent = item.size;
    item.state = "arrived";
    item.abort = null;
    void this.#world.memory.drop([remembered(item)]).catch(() => undefined);
  }

  async #watchAll(): Promise<void> {
    for (let wait = 1000; this.#count("arrived") > 0; wait = Math.min(wait * 1.3, 6000)) {
      await this.#world.pause(wait);
      const lot = this.#items.filter(({ state }) => state === "arrived").slice(0, LOT_TO_CHECK);
      const known = await this.#patiently(() => this.#world.check(lot.map((item) => item.sha256 ?? "")));
      if (known instanceof Problem) continue;
      const ready: string[] = [];
      lot.forEach((item, n) => {
        const { state, status, image_id, reason } = known[n] ?? { state: "pending" as const };
        if (state === "present" && status === "ready") {
          item.imageId = image_id ?? item.imageId;
          if (item.imageId) ready.push(item.imageId);
          this.#end(item, "done", reason ?? null);
        } else if (state === "rejected") this.#end(item, "rejected", reason ?? "The vault cannot take this file.");
        else if (state === "in_trash") this.#end(item, "in_trash", null);
        else if (state === "unknown") this.#end(item, "failed", "The vault has lost this upload, or it was deleted.");
      });
      if (ready.length > 0) {
        wait = 1000;
        this.#world.ready(ready);
      }
      this.#world.changed();
    }
  }

  /** The answer, or the problem that patience does not mend. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T | Problem> {
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await ask();
        this.#away(false);
        return answer;
      } catch (error) {
        // An answer that breaks off is no `Problem` yet; whoever asked must not die of it.
        const problem = asProblem(error);
        if (["offline", "unreachable"].includes(problem.kind)) await this.#untilConnected(tries);
        else if (problem.status === 429) await this.#world.pause(Math.max(problem.retryAfter ?? 1, 1) * 1000);
        else if (problem.status >= 500 && tries < TRIES) await this.#world.pause(500 * 2 ** tries);
        else return problem;
      }
    }
  }

  async #untilConnected(tries: number): Promise<void> {
    this.#away(true);
    await this.#world.pause(Math.min(500 * 2 ** tries, 15_000));
    await this.#world.connected();
  }

  #away(isAway: boolean): void {
    if (this.#isAway === isAway) return;
    this.#isAway = isAway;
    this.#world.changed();
  }

  #end(item: Upload, state: State, why: string | null): void {
    Object.assign(item, { state, why, form: null });
    if (state !== "failed") void this.#world.memory.drop([remembered(item)]).catch(() => undefined);
    this.#tellTwins(item);
    this.#world.changed();
  }

  /** What has the same bytes is in the vault with it, or else is asked about in its place. */
  #tellTwins(item: Upload): void {
    const twins = this.#twins.get(item);
    if (!twins) return;
    this.#twins.delete(item);
    if (item.state === "done" || item.state === "present") {
      for (const twin of twins) twin.imageId = item.imageId;
      return;
    }
    const [next, ...others] = twins.filter(({ state }) => state === "present");
    if (!next) return;
    Object.assign(next, { state: "known?", why: null, sent: 0, tries: 0 });
    void this.#world.memory.keep([remembered(next)]).catch(() => undefined);
    if (others.length > 0) this.#twins.set(next, others);
    this.#work();
  }

  #first(state: State): Upload | undefined {
    return this.#items.find((item) => item.state === state);
  }

  #counts(): (state: State) => number {
    const counts = new Map<State, number>();
    for (const { state } of this.#items) counts.set(state, (counts.get(state) ?? 0) + 1);
    return (state) => counts.get(state) ?? 0;
  }

  #count(state: State): number {
    return this.#items.reduce((sum, item) => sum + (item.state === state ? 1 : 0), 0);
  }
}

/** Read anew, because what is awaited may have changed it. */
const stateOf = (item: Upload): State => item.state;

/** Why a file can be in no vault, as far as that shows without reading it. */
function refused({ size }: File): string | null {
  if (size === 0) return "The file is empty.";
  return size > LARGEST ? `It has ${bytes(size)}, which is more than any vault takes.` : null;
}

const isOnItsWay = ({ state }: Upload): boolean => ["known?", "queued", "sending", "arrived"].includes(state);

/** A moment as the clock on the wall shows it here, in ISO 8601; null for none. */
function wallClock(milliseconds: number): string | null {
  const shown = new Date(milliseconds - new Date(milliseconds).getTimezoneOffset() * 60_000);
  return Number.isNaN(shown.getTime()) ? null : shown.toISOString().slice(0, 19);
}

const keyOf = ({ path, size, modified }: { path: string; size: number; modified: number }): string =>
  `${path}\n${size}\n${modified}`;

function remembered({ path, size, modified, sha256, chosen }: Upload): Remembered {
  return { path, size, modified, ...(sha256 ? { sha256 } : {}), ...(chosen.handle ? { handle: chosen.handle } : {}) };
}

/** The fields of a refused announcement are of a lot's item, which this is the only one of. */
const sentenceOf = (problem: Problem): string => Object.values(problem.fields)[0] ?? problem.message;

/** The uploads of whoever is logged in, as the page shows them. */
import { api } from "../api";
import { session } from "../session.svelte";
import { whileArranging } from "./arranging";
import { fromDrop, mayBePhoto, type Chosen } from "./chosen";
import { sha256 } from "./hashing";
import { BrowserMemory } from "./memory";
import { Pace } from "./pace";
import { postForm } from "./post";
import { seal } from "./sealed";
import { Tab } from "./tabs";
import { Uploads, type Item, type Remembered, type State } from "./uploads";

export interface Counts {
  all: number;
  /** Still to come, or under way. */
  going: number;
  /** Sent, and being looked at. */
  arrived: number;
  added: number;
  present: number;
  trouble: number;
  bytes: number;
  sent: number;
  /** Bytes that have left, of what was not there before. */
  posted: number;
}

const MILLISECONDS_BETWEEN_FRAMES = 120;
const GOING = new Set<State>(["waiting", "reading", "known?", "queued", "sending"]);
const TROUBLE = new Set<State>(["failed", "rejected", "in_trash"]);

class UploadsOnPage {
  items: readonly Item[] = $state.raw([]);
  counts: Counts = $state.raw(count([]));
  isAway = $state(false);
  /** Seconds that the rest will take; null while that is not known. */
  left: number | null = $state(null);
  /** Files that were chosen and are no photos. */
  skipped: string[] = $state.raw([]);
  /** What an earlier page did not finish. */
  unfinished: Remembered[] = $state.raw([]);

  readonly #tab = new Tab();
  #uploads: Uploads | null = null;
  #memory: BrowserMemory | null = null;
  /** When photos last became ready, in milliseconds. */
  #ready: number | null = null;
  #listeners = new Set<(imageIds: string[]) => void>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #pace = new Pace();

  constructor() {
    globalThis.addEventListener?.("beforeunload", (event) => {
      if (this.counts.going > 0 && session.user) event.preventDefault();
    });
  }

  /** Be told when photos are ready; the answer ends it. */
  onReady(listener: (imageIds: string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Look again for a while after photos became ready, as people and albums are made of them; the answer ends it. */
  whileArranging(look: () => void): () => void {
    return whileArranging(look, {
      onReady: (call) => this.onReady(call),
      latest: this.#ready,
      clock: {
        now: () => Date.now(),
        later: (call, seconds) => {
          const timer = setTimeout(call, seconds * 1000);
          return () => clearTimeout(timer);
        },
      },
    });
  }

  /** Take up what pages of this person did not finish that are closed, now and when another one closes. */
  async open(): Promise<void> {
    if (!session.user) return; // another page has closed after a log-out
    this.#begin();
    try {
      const memory = this.#memory;
      // Asked for first: a page that ends between the two, as the one before a reload may, is looked after below.
      for (const tab of await this.#tab.all()) this.#tab.whenGone(tab, () => void this.open());
      const left = (await memory?.inherit()) ?? [];
      if (left.length === 0) return;
      this.unfinished = [...this.unfinished, ...left];
      this.#uploads?.recall(left);
    } catch {
      // A browser that keeps nothing, as in private windows.
    }
  }

  add(chosen: readonly Chosen[]): void {
    const photos = chosen.filter(({ file }) => mayBePhoto(file));
    this.skipped = [...this.skipped, ...chosen.filter(({ file }) => !mayBePhoto(file)).map(({ path }) => path)];
    const taken = new Set(photos.map(({ path, file }) => `${path}\n${file.size}\n${file.lastModified}`));
    this.unfinished = this.unfinished.filter((one) => !taken.has(`${one.path}\n${one.size}\n${one.modified}`));
    this.#begin().add(photos);
  }

  /** Add what was dropped, unless it is taken for something else. */
  async drop(transfer: DataTransfer, isTaken: (chosen: Chosen[]) => boolean): Promise<void> {
    const chosen = await fromDrop(transfer);
    if (!isTaken(chosen)) this.add(chosen);
  }

  /** Whether what is left over can be opened without choosing it again. */
  get canReopen(): boolean {
    return this.unfinished.length > 0 && this.unfinished.every(({ handle }) => handle !== undefined);
  }

  /** Go on with what an earlier page left; the browser asks whether it may. */
  async reopen(): Promise<void> {
    const found: Chosen[] = [];
    for (const { handle, path } of this.unfinished) {
      const asked = handle as
        (FileSystemFileHandle & { requestPermission?: (o: object) => Promise<string> }) | undefined;
      // Whether it may is seen at the reading: browsers that asked for one file refuse to ask for the next at once.
      await asked?.requestPermission?.({ mode: "read" }).catch(() => undefined);
      const file = await asked?.getFile().catch(() => null);
      if (asked && file) found.push({ file, path, handle: asked });
    }
    this.add(found);
  }

  async dismissUnfinished(): Promise<void> {
    const left = this.unfinished;
    this.unfinished = [];
    await this.#memory?.drop(left).catch(() => undefined);
  }

  cancel(id: number | "all"): void {
    this.#uploads?.cancel(id);
  }

  retry(which: readonly number[] | "all"): void {
    this.#uploads?.retry(which);
  }

  clear(everything = false): void {
    this.#uploads?.clear(everything);
    if (everything) this.skipped = [];
  }

  #begin(): Uploads {
    if (this.#uploads) return this.#uploads;
    const memory = new BrowserMemory(session.user?.id ?? "nobody", this.#tab);
    this.#memory = memory;
    this.#uploads = new Uploads({
      sha256,
      check: async (hashes) => [...(await api.post("/images/uploads/check", { body: { sha256: hashes } })).items],
      // Always sealed here, so that no plaintext of it ever rests anywhere.
      announce: async (items) => [...(await api.post("/images/uploads", { body: { items, sealed: true } })).items],
      seal,
      post: postForm,
      pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      connected: () =>
        navigator.onLine
          ? Promise.resolve()
          : new Promise((resolve) => addEventListener("online", () => resolve(), { once: true })),
      now: () => Date.now(),
      memory,
      changed: () => this.#show(),
      ready: (imageIds) => {
        this.#ready = Date.now();
        this.#listeners.forEach((listener) => listener(imageIds));
      },
    });
    return this.#uploads;
  }

  #show(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.items = (this.#uploads?.items ?? []).map((item) => ({ ...item }));
      this.counts = count(this.items);
      this.isAway = this.#uploads?.isAway ?? false;
      const { going, bytes, sent, posted } = this.counts;
      if (going === 0 || this.isAway) this.#pace = new Pace();
      this.left = this.#pace.left(posted, bytes - sent, Date.now());
    }, MILLISECONDS_BETWEEN_FRAMES);
  }
}

function count(items: readonly Item[]): Counts {
  const counts: Counts = {
    all: items.length,
    going: 0,
    arrived: 0,
    added: 0,
    present: 0,
    trouble: 0,
    bytes: 0,
    sent: 0,
    posted: 0,
  };
  for (const { state, size, sent } of items) {
    if (GOING.has(state)) counts.going += 1;
    if (state === "arrived") counts.arrived += 1;
    if (state === "done") counts.added += 1;
    if (state === "present") counts.present += 1;
    if (TROUBLE.has(state)) counts.trouble += 1;
    if (state !== "cancelled" && state !== "rejected" && state !== "failed") {
      counts.bytes += size;
      counts.sent += GOING.has(state) ? sent : size;
      counts.posted += sent;
    }
  }
  return counts;
}

export const uploads = new UploadsOnPage();

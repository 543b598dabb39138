/** What was not finished when a page closed, in this browser's own database. Names and sizes; no bytes of photos. */
import { Database } from "../database";
import type { Tab } from "./tabs";
import type { Memory, Remembered } from "./uploads";

const STORE = "files";

interface Kept extends Remembered {
  /** Whose it is, so that a tab does not take up, or forget, what another one is sending. */
  tab?: string;
}

/** Raises whatever the browser does where it keeps nothing; then a reload starts anew, and all else works. */
export class BrowserMemory implements Memory {
  readonly #database: Database;
  readonly #tab: Tab;

  constructor(userId: string, tab: Tab) {
    this.#database = new Database(`photovault-uploads-${userId}`, {
      [STORE]: { keyPath: ["path", "size", "modified"] },
    });
    this.#tab = tab;
  }

  async keep(files: readonly Remembered[]): Promise<void> {
    await this.#tab.here();
    await this.#change(files, (store, file) => store.put({ ...file, tab: this.#tab.id } satisfies Kept));
  }

  async drop(files: readonly Remembered[]): Promise<void> {
    await this.#tab.here(); // as `keep` does, or what is dropped next would be kept after it
    await this.#change(files, (store, { path, size, modified }) => {
      const key = [path, size, modified];
      const request = store.get(key) as IDBRequest<Kept | undefined>;
      request.onsuccess = () => {
        if (request.result?.tab === this.#tab.id) store.delete(key);
      };
    });
  }

  /** What tabs have left that are no more. It is this one's from now on, so that no other one offers it, too. */
  async inherit(): Promise<Remembered[]> {
    const all = await this.#database.all<Kept>(STORE);
    // Asked after they were read: who had written any of it was there by then, and is here now or has gone.
    const tabs = await this.#tab.all();
    const gone = new Set(all.map(({ tab }) => tab).filter((tab) => tab === undefined || !tabs.has(tab)));
    const left: Kept[] = [];
    if (gone.size === 0) return left;
    await this.#database.change(STORE, (store) => {
      const request = store.getAll() as IDBRequest<Kept[]>;
      request.onsuccess = () => {
        for (const file of request.result) {
          if (!gone.has(file.tab)) continue;
          store.put({ ...file, tab: this.#tab.id } satisfies Kept);
          left.push(file);
        }
      };
    });
    return left;
  }

  async #change(
    files: readonly Remembered[],
    change: (store: IDBObjectStore, file: Remembered) => void,
  ): Promise<void> {
    if (files.length === 0) return;
    await this.#database.change(STORE, (store) => {
      for (const file of files) change(store, file);
    });
  }
}

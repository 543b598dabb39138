/** What was not finished when a page closed, in this browser's own database. Names and sizes; no bytes of photos. */
import type { Tab } from "./tabs";
import type { Memory, Remembered } from "./uploads";

const STORE = "files";

interface Kept extends Remembered {
  /** Whose it is, so that a tab does not take up, or forget, what another one is sending. */
  tab?: string;
}

/** Raises whatever the browser does where it keeps nothing; then a reload starts anew, and all else works. */
export class BrowserMemory implements Memory {
  readonly #name: string;
  readonly #tab: Tab;
  #opened: Promise<IDBDatabase> | null = null;

  constructor(userId: string, tab: Tab) {
    this.#name = `photovault-uploads-${userId}`;
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
    const tabs = await this.#tab.all();
    const left: Kept[] = [];
    await this.#write((store) => {
      const request = store.getAll() as IDBRequest<Kept[]>;
      request.onsuccess = () => {
        for (const file of request.result) {
          if (file.tab !== undefined && tabs.has(file.tab)) continue;
          store.put({ ...file, tab: this.#tab.id } satisfies Kept);
          left.push(file);
        }
      };
    });
    return left;
  }

  /** Forget all of it. */
  async clear(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    (await opened?.catch(() => null))?.close();
    await new Promise<void>((resolve) => {
      const request = indexedDB.deleteDatabase(this.#name);
      request.onsuccess = request.onerror = request.onblocked = () => resolve();
    });
  }

  async #change(
    files: readonly Remembered[],
    change: (store: IDBObjectStore, file: Remembered) => void,
  ): Promise<void> {
    if (files.length === 0) return;
    await this.#write((store) => {
      for (const file of files) change(store, file);
    });
  }

  async #write(work: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = (await this.#open()).transaction(STORE, "readwrite");
    work(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(transaction.error as Error);
    });
  }

  #open(): Promise<IDBDatabase> {
    this.#opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () =>
        request.result.createObjectStore(STORE, { keyPath: ["path", "size", "modified"] });
      request.onsuccess = () => {
        // Another tab wants it gone, because its person has logged out: it waits for those that have it open.
        request.result.onversionchange = () => {
          request.result.close();
          this.#opened = null;
        };
        resolve(request.result);
      };
      request.onerror = () => reject(request.error as Error);
    });
    return this.#opened;
  }
}

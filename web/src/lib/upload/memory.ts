/** What was not finished when the page closed, in this browser's own database. Names and sizes; no bytes of photos. */
import type { Memory, Remembered } from "./uploads";

const STORE = "files";

/** Raises whatever the browser does where it keeps nothing; then a reload starts anew, and all else works. */
export class BrowserMemory implements Memory {
  readonly #name: string;
  #opened: Promise<IDBDatabase> | null = null;

  constructor(userId: string) {
    this.#name = `photovault-uploads-${userId}`;
  }

  keep(files: readonly Remembered[]): Promise<void> {
    return this.#change(files, (store, file) => store.put(file));
  }

  drop(files: readonly Remembered[]): Promise<void> {
    return this.#change(files, (store, { path, size, modified }) => store.delete([path, size, modified]));
  }

  async all(): Promise<Remembered[]> {
    const database = await this.#open();
    return new Promise((resolve, reject) => {
      const request = database.transaction(STORE).objectStore(STORE).getAll() as IDBRequest<Remembered[]>;
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error as Error);
    });
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
    const transaction = (await this.#open()).transaction(STORE, "readwrite");
    for (const file of files) change(transaction.objectStore(STORE), file);
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

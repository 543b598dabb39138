/** A database of this browser, of which nothing is left when whoever it belongs to logs out. */

/** Raises whatever the browser does where it keeps nothing, as in some private windows. */
export class Database {
  readonly #name: string;
  readonly #stores: Readonly<Record<string, IDBObjectStoreParameters>>;
  #opened: Promise<IDBDatabase> | null = null;

  /** `name` begins with "photovault-", by which the session finds what to forget. */
  constructor(name: string, stores: Readonly<Record<string, IDBObjectStoreParameters>>) {
    this.#name = name;
    this.#stores = stores;
  }

  async all<T>(store: string): Promise<T[]> {
    const database = await this.#open();
    return new Promise((resolve, reject) => {
      const request = database.transaction(store).objectStore(store).getAll() as IDBRequest<T[]>;
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error as Error);
    });
  }

  /** Everything that `work` does to a store, or nothing of it. */
  async change(store: string, work: (store: IDBObjectStore) => void): Promise<void> {
    const transaction = (await this.#open()).transaction(store, "readwrite");
    work(transaction.objectStore(store));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(transaction.error as Error);
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

  #open(): Promise<IDBDatabase> {
    this.#opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => {
        for (const [store, kind] of Object.entries(this.#stores)) request.result.createObjectStore(store, kind);
      };
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

/** Which tabs of this browser are there: each holds a lock, which the browser takes back with its page, however it ends. */

const LOCK = "photovault.tab.";

/** This tab, as what it keeps names it. */
export class Tab {
  readonly id = crypto.randomUUID();
  #here: Promise<void> | null = null;
  #watched = new Set<string>();

  /** Be there for the other tabs, from when this is done until the page ends. */
  here(): Promise<void> {
    this.#here ??= new Promise((resolve, reject) => {
      const held = navigator.locks.request(LOCK + this.id, () => {
        resolve();
        return new Promise<never>(() => undefined);
      });
      held.catch(reject);
    });
    return this.#here;
  }

  /** The tabs that are there, this one too. */
  async all(): Promise<Set<string>> {
    await this.here();
    const { held = [] } = await navigator.locks.query();
    return new Set(held.flatMap(({ name }) => (name?.startsWith(LOCK) ? [name.slice(LOCK.length)] : [])));
  }

  /** Call back once when that tab is no more. */
  whenGone(id: string, call: () => void): void {
    if (id === this.id || this.#watched.has(id)) return;
    this.#watched.add(id);
    void navigator.locks.request(LOCK + id, { mode: "shared" }, () => undefined).then(call, () => undefined);
  }
}
